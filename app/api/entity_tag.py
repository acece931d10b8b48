"""Owns conditional requests: whether a client has already what an ETag stands for, and on which version it made a change."""

import re
from collections.abc import Sequence
from typing import Final

_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST: Final = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")
# A proxy that compresses answers marks their tags as weak; a version is the same all the same.
_VERSION: Final = re.compile(r'(?:W/)?"(\d{1,15})"')


def is_known(header: str | None, tag: str) -> bool:
    """Whether `If-None-Match` (None: not sent) names the tag.

    Compared weakly (RFC 9110, 8.8.3.2), since a proxy that compresses makes every tag a weak one.
    """
    if header is None:
        return False
    names = {name.strip().removeprefix("W/") for name in header.split(",")}
    return header.strip() == "*" or tag.removeprefix("W/") in names


def version_tag(version: int) -> str:
    """The tag of a version of a transcript."""
    return f'"{version}"'


def versions_in(lines: Sequence[str]) -> list[int]:
    """The versions that lines of `If-Match` name, all of them one list; empty for what is no list of tags or names no version."""
    named = ",".join(lines)
    if not _LIST.fullmatch(named):
        return []
    return [int(version[1]) for tag in re.findall(_TAG, named) if (version := _VERSION.fullmatch(tag))]
