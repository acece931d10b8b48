"""Owns what of a technical text may leave the server: file names without their folders, addresses without their secrets."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_SYSTEM: Final = ("bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr")
"""Folders that are the same on every machine tell nothing, and an admin wants to know which device or library it was."""

_ADDRESS: Final = re.compile(r"https?://[^\s'\"<>]+", re.IGNORECASE)
_BEFORE: Final = r"(?<![\w./:~-])"
_NAMES: Final = r"(?:/[^\s/'\"<>|:;,()\[\]]*)+"
_QUOTED: Final = re.compile(rf"(['\"])/(?!(?:{'|'.join(_SYSTEM)})/)[^'\"\n]*/[^'\"\n]*\1")
_BARE: Final = re.compile(rf"{_BEFORE}/(?!(?:{'|'.join(_SYSTEM)})/)[^\s/'\"<>|:;,()\[\]]+{_NAMES}")


def shown_text(text: str | None, folders: Iterable[Path | str] = ()) -> str | None:
    """A technical detail as it may be stored and shown.

    Paths are cut to their last name, those below folders of the system excepted, and addresses lose their query and their user.
    A path whose folders have spaces in their names is recognised where it stands in quotes, as in the text of an `OSError`,
    or begins with the home folder, the folder for temporary files, or one of `folders`.
    """
    if text is None or "/" not in text:
        return text
    text = _ADDRESS.sub(lambda found: shown_url(found[0]), text)
    text = _QUOTED.sub(lambda found: f"{found[1]}{_last_name(found[0][1:-1])}{found[1]}", text)
    for folder in sorted(_known(folders), key=len, reverse=True):
        text = re.sub(f"{_BEFORE}{re.escape(folder)}(?:{_NAMES})?", lambda found: _last_name(found[0]), text)
    return _BARE.sub(lambda found: _last_name(found[0]), text)


def shown_url(url: str) -> str:
    """An address without user name, password, query and fragment: those may be somebody's key."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0].partition("#")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _known(folders: Iterable[Path | str]) -> set[str]:
    own = (Path.home(), Path(tempfile.gettempdir()), *folders)
    return {text for folder in own if len((text := str(folder).rstrip("/")).split("/")) > 1}


def _last_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
