"""Owns what a client tells about an upload: tus's `Upload-Metadata`, a list of names with values in base64."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.domain.errors import CesarError
from app.domain.filenames import safe_filename
from app.domain.time_text import file_time

ABOUT_THE_FILE: Final = frozenset(
    {"filename", "name", "filetype", "type", "contentType", "relativePath", "caption", "lastModified", "modified"}
)
"""Names under which tus clients describe a file; all others are fields of a submission."""


def parse_metadata(header: str) -> dict[str, str]:
    """Names and values in their order.

    Raises:
        CesarError: `bad_value` for a name without letters or given twice, or a value that is not UTF-8 in base64.
    """
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, header.split(","))):
        name, _, value = pair.partition(" ")
        if name in found:
            raise CesarError("bad_value", f"Upload-Metadata names {name} more than once")
        try:
            found[name] = b64decode(value.strip(), validate=True).decode()
        except (NotBase64, ValueError):
            raise CesarError("bad_value", f"Upload-Metadata: the value of {name} is not UTF-8 in base64") from None
    return found


def write_metadata(told: Mapping[str, str]) -> str:
    """The header that `parse_metadata` reads."""
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in told.items())


def filename_of(metadata: Mapping[str, str]) -> str:
    """What the file may be called here."""
    return safe_filename(metadata.get("filename") or metadata.get("name") or "")


def modified_at_of(metadata: Mapping[str, str]) -> datetime | None:
    """When the file was last changed where it comes from, if it says so: `modified`, or `lastModified` as browsers call it.

    Raises:
        CesarError: `bad_value` for what is neither milliseconds since 1970 nor an ISO 8601 time with its offset.
    """
    text = metadata.get("modified") or metadata.get("lastModified")
    if not text:
        return None
    moment = file_time(text)
    if moment is None:
        raise CesarError("bad_value", "modified must be milliseconds since 1970, or an ISO 8601 time with its offset")
    return moment


def submission_fields(metadata: Mapping[str, str]) -> dict[str, str]:
    """What is not about the file, without what was left empty."""
    return {name: value for name, value in metadata.items() if name not in ABOUT_THE_FILE and value}
