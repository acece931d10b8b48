"""Owns what scripts ask for: a text as one clean line, how wide it is, and where it may be broken.

Languages that put no spaces between words (Chinese, Japanese, Thai and others) may be broken between characters, except where their
typography forbids it: a line does not begin with a closing mark or a small kana, nor end with an opening one.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

_FORBIDDEN: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, halves of characters and what is none: XML refuses them, terminals obey them."""

_SPACE: Final = re.compile(r"[^\S\u00a0\u202f\u2007]+")
"""White space that may be broken at; French sets a space before `!` that may not."""

_UNSPACED: Final = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u200b\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uaa60-\uaa7f"
    "\uf900-\ufaff\uff01-\uff9f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese, their punctuation, and the space of no width."""

_NEVER_FIRST: Final = frozenset(
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーｰ々〻ゝゞヽヾ〜～"  # small kana, repetition
    "ะาำๅๆฯະາຳໆ"  # Thai and Lao vowels behind their consonant
)
_NEVER_LAST: Final = frozenset("เแโใไເແໂໃໄ")
"""Thai and Lao vowels before their consonant."""

_JOINERS: Final = frozenset("\u200c\u200d\u2060\ufeff")
_PATIENCE: Final = 8
"""Characters after which a row of marks that belong together is broken nevertheless."""


def one_line(text: str) -> str:
    """The text without line breaks, control characters, and more than one space between words."""
    parts = _SPACE.split(_FORBIDDEN.sub("", text))
    return " ".join(part for part in parts if part and not part.isspace()).strip()


def letters(text: str) -> str:
    """The text without any space."""
    return "".join(text.split())


def width(text: str) -> int:
    """Columns: two for a wide character, one for any other."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def unbreakable(word: str) -> list[str]:
    """The parts of a word between which a line may end; a word of a language with spaces is one part."""
    if not _UNSPACED.search(word):
        return [word]
    parts = [word[0]]
    for before, after in pairwise(word):
        if _may_break(before, after, len(parts[-1])):
            parts.append(after)
        else:
            parts[-1] += after
    return parts


def joined(texts: Iterable[str]) -> str:
    """Texts one after the other, with a space where their script has one."""
    whole = ""
    for text in texts:
        close = whole and text and _UNSPACED.match(whole[-1]) and _UNSPACED.match(text[0])
        whole += text if close or not whole else f" {text}"
    return whole


def is_right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction runs to the left."""
    directions = (unicodedata.bidirectional(char) for char in text)
    return next((kind for kind in directions if kind in ("L", "R", "AL")), "L") != "L"


def _may_break(before: str, after: str, length: int) -> bool:
    if before.isspace() or after.isspace() or before in _JOINERS or after in _JOINERS:
        return False
    kind_before, kind_after = unicodedata.category(before), unicodedata.category(after)
    if kind_after[0] == "M" or not (_UNSPACED.match(before) or _UNSPACED.match(after)):
        return False
    opens = kind_before in ("Ps", "Pi") or before in _NEVER_LAST
    closes = kind_after in ("Pe", "Pf", "Po") or after in _NEVER_FIRST
    return length >= _PATIENCE or not (opens or closes)
