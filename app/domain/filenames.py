"""Owns the names of files that strangers chose: what may be shown and offered as a download, and never used as a path."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

MAX_NAME_BYTES: Final = 255
FALLBACK_NAME: Final = "recording"
_MAX_EXTENSION_BYTES: Final = 16
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control characters, invisible ones that reverse the reading order, half surrogates, line ends: none belongs in a name."""
_JOINERS: Final = "\u200c\u200d"
"""Invisible, but letters of Persian and Hindi names."""
_NUMBER: Final = re.compile("[0-9]+")
_DIGITS: Final = 14
"""A day and its time to the second."""


def safe_filename(raw: str) -> str:
    """The last part of `raw` (either slash separates), visible, at most 255 bytes of UTF-8, never empty, never `.` or `..`.

    What is cut from a long name is its stem; the extension stays.
    """
    base = raw.replace("\\", "/").rstrip("/").rpartition("/")[2]
    visible = "".join(character for character in composed(base) if _is_visible(character))
    return _shorten(visible.strip().rstrip(" .")) or FALLBACK_NAME


def extension_of(name: str) -> str:
    """The lower-case ending of a name without its dot; "" if there is none."""
    stem, dot, ending = name.rpartition(".")
    return ending.strip().lower() if dot and stem.strip(". ") else ""


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in _HIDDEN_CATEGORIES or character in _JOINERS


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > _MAX_EXTENSION_BYTES:
        stem, dot, ending = name, "", ""
    room = MAX_NAME_BYTES - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + dot + ending


def composed(text: str) -> str:
    """A text with its accents as they are in the names that `safe_filename` makes; some keyboards and systems send them apart."""
    return unicodedata.normalize("NFC", text)


@lru_cache(20_000)
def name_order(name: str) -> str:
    """What names sort by: as people count, 9 before 10, and whatever their case."""
    return _NUMBER.sub(lambda found: found[0].zfill(_DIGITS), name.casefold())
