"""Owns a text as it is shown: as one clean line, how wide it is, and which way it runs."""

import re
import unicodedata
from typing import Final

from app.domain.scripts import tidied

_FORBIDDEN: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, halves of characters and what is none: XML refuses them, terminals obey them."""


def one_line(text: str) -> str:
    """The text without line breaks, control characters, and more than one space between words."""
    return tidied(_FORBIDDEN.sub("", text))


def letters(text: str) -> str:
    """The text without any space."""
    return "".join(text.split())


def width(text: str) -> int:
    """Columns: two for a wide character, one for any other."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def is_right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction runs to the left."""
    directions = (unicodedata.bidirectional(char) for char in text)
    return next((kind for kind in directions if kind in ("L", "R", "AL")), "L") != "L"
