"""Owns the name of a downloaded file: what the server calls it (RFC 6266), else the end of the address."""

import re
from email.errors import HeaderParseError
from email.message import Message
from typing import Final
from urllib.parse import unquote

from app.domain.filenames import safe_filename

MAX_HEADER_CHARACTERS: Final = 4096
_EXTENDED: Final = re.compile(r";\s*filename\*\s*=\s*([\w!#$&+.^`|~-]+)'[^']*'([^\s;]+)", re.ASCII | re.IGNORECASE)


def download_filename(disposition: str | None, path: str) -> str:
    """A safe name, from the Content-Disposition header or from the (percent-encoded) path of the address."""
    return safe_filename(_name_in(disposition or "") or unquote(path.rpartition("/")[2]))


def _name_in(disposition: str) -> str:
    if len(disposition) > MAX_HEADER_CHARACTERS:
        return ""
    return _extended_name(disposition) or _plain_name(disposition)


def _extended_name(disposition: str) -> str:
    found = _EXTENDED.search(disposition)
    if found is None:
        return ""
    try:
        return unquote(found[2], encoding=found[1], errors="replace")
    except LookupError:
        return ""


def _plain_name(disposition: str) -> str:
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    try:
        name = message.get_param("filename", header="Content-Disposition")
    except (HeaderParseError, ValueError):
        return ""
    return name if isinstance(name, str) else ""
