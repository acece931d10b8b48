"""Owns what of a technical text may leave the server: file names without their folders, addresses without their secrets."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_SYSTEM: Final = ("bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr")
"""Folders that are the same on every machine tell nothing, and an admin wants to know which device or library it was."""

_ADDRESS: Final = re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://(?:[^\s/?#]*@)?[^\s'\"<>]*)", re.IGNORECASE)
"""One that holds a user may hold any character before its `@`."""

_USER: Final = re.compile(r"(?<=://)[^/?#]*@")
_BEFORE: Final = r"(?<![\w./~-])"
_STARTS: Final = rf"{_BEFORE}//?(?!(?:{'|'.join(_SYSTEM)})/)"
_NAMES: Final = r"(?:/[^\s/'\"<>|:;,()\[\]]*)+"
_QUOTED: Final = re.compile(rf"(['\"])//?(?!(?:{'|'.join(_SYSTEM)})/)[^'\"\n]*/[^'\"\n]*\1")
_BARE: Final = re.compile(rf"{_STARTS}[^\s/'\"<>|:;,()\[\]]+{_NAMES}")
_WINDOWS: Final = re.compile(r"(?:\b[a-z]:[\\/]+|\\\\+)(?:[^\\/:'\"<>|\n]+[\\/]+)*", re.IGNORECASE)
"""From the drive or the server to the last name; unlike elsewhere, names may have spaces in them."""


def shown_text(text: str | None, folders: Iterable[Path | str] = ()) -> str | None:
    """A technical detail as it may be stored and shown.

    Paths are cut to their last name, those below folders of the system excepted, and addresses lose their query and their user;
    one that leads to a file is a path. A path whose folders have spaces in their names is recognised where it stands in quotes, as
    in the text of an `OSError`, or begins with the home folder, the folder for temporary files, a drive of Windows, or one of `folders`.
    """
    if text is None or not ("/" in text or "\\" in text):
        return text
    known = sorted(_known(folders), key=len, reverse=True)
    pieces = enumerate(_ADDRESS.split(text))
    return "".join(_shown_address(piece) if at % 2 else _without_folders(piece, known) for at, piece in pieces)


def shown_url(url: str) -> str:
    """An address without user name, password, query and fragment: those may be somebody's key."""
    bare = _USER.sub("", url.partition("?")[0].partition("#")[0])
    try:
        parts = urlsplit(bare)
    except ValueError:
        return bare
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def shown_receiver(url: str) -> str:
    """Of a webhook's address scheme, host and port: who may write there is often known by the path alone."""
    scheme, _, rest = shown_url(url).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _shown_address(address: str) -> str:
    scheme, _, rest = address.partition("://")
    leads_to_file = scheme.lower() == "file" or rest.startswith("/")
    return _last_name(shown_url(address)) if leads_to_file else shown_url(address)


def _without_folders(text: str, known: Iterable[str]) -> str:
    text = _QUOTED.sub(lambda found: f"{found[1]}{_last_name(found[0][1:-1])}{found[1]}", text)
    for folder in known:
        text = re.sub(f"{_BEFORE}{re.escape(folder)}(?:{_NAMES})?", lambda found: _last_name(found[0]), text)
    return _BARE.sub(lambda found: _last_name(found[0]), _WINDOWS.sub("", text))


def _known(folders: Iterable[Path | str]) -> set[str]:
    own = (Path.home(), Path(tempfile.gettempdir()), *folders)
    return {text for folder in own if len((text := str(folder).rstrip("/")).split("/")) > 1}


def _last_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
