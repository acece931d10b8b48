"""Owns what scripts ask for: which have no spaces between words, where their text may be broken, how texts become one.

Chinese, Japanese, Thai, Lao, Khmer and Burmese may be broken between characters, except where their typography forbids it: nothing
begins with a closing mark or a small kana, nor ends with an opening one. Where the words of these languages end is not known.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

UNSPACED: Final = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uaa60-\uaa7f"
    "\uf900-\ufaff\uff01-\uff9f\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese and their punctuation, as the inside of a regular expression's brackets."""

_TOKEN: Final = re.compile(rf"(?!\s)[{UNSPACED}]|(?:(?![{UNSPACED}])[\S\u00a0\u202f\u2007])+")
_SPACE: Final = re.compile(r"[^\S\u00a0\u202f\u2007]+")
"""White space that may be broken at; French sets a space before `!` that may not."""
_IS_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_EDGE: Final = re.compile(rf"(?<=[{UNSPACED}])(?=\S)|(?<=\S)(?=[{UNSPACED}])")
_CLOSING_WORD: Final = re.compile(r"[.,;:!?…)\]}]+(?=\s|$)")

_BREAK: Final = "\u200b"
"""The space of no width: says where a line may end."""
_JOINERS: Final = frozenset("\u200c\u200d\u2060\ufeff")
_STACKERS: Final = frozenset("\u17d2\u1039")
"""Khmer and Burmese signs that put the next consonant below this one."""
_OF_THE_LETTER_BEFORE: Final = frozenset("\u0e33\u0eb3\uff9e\uff9f")
"""Thai and Lao am, voicing marks of half-width kana: part of a letter, though Unicode calls them letters."""
_NEVER_FIRST: Final = frozenset(
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーｧｨｩｪｫｬｭｮｯｰ々〻ゝゞヽヾ〜～"  # small kana, repetition
    "ะาๅๆฯະາໆ"  # Thai and Lao vowels behind their consonant
    "℃°‰"
)
_NEVER_LAST: Final = frozenset("เแโใไເແໂໃໄ￥＄￡￦")
"""Thai and Lao vowels before their consonant; currencies before their number."""
_PATIENCE: Final = 8
"""How many marks in a row are kept together that are all of scripts without spaces; a row of any length would fit into no line."""


def tidied(text: str) -> str:
    """Without white space around it, and with one space where there is more; spaces that may not be broken at stay."""
    return " ".join(part for part in _SPACE.split(text) if part and not part.isspace()).strip()


def tokens(text: str) -> list[tuple[int, int]]:
    """Where the words of a text are, from and to: each character of a script without spaces is one, as alignment has it."""
    return [match.span() for match in _TOKEN.finditer(text)]


def apart(text: str, separator: str) -> str:
    """The text with a separator on both sides of each character of a script without spaces, but for beginning, end and spaces."""
    return text if text.isascii() else _EDGE.sub(separator, text)


def unbreakable(word: str) -> list[str]:
    """The parts of a word between which a line may end; a word of a language with spaces is one part."""
    if word.isascii() or not (_BREAK in word or _IS_UNSPACED.search(word)):
        return [word]
    parts, held = [word[0]], 0
    for before, after in pairwise(word):
        bound = _is_bound(before, after)
        if _is_one(before, after) or (bound and held < _PATIENCE):
            parts[-1] += after
            held += bound and _is_unspaced(before) and _is_unspaced(after)
        else:
            parts.append(after)
            held = 0
    return parts


def may_part(text: str, end: int, begin: int) -> bool:
    """Whether a text may be cut between two of its words, of which one ends and the next begins there."""
    if end == begin:
        return not (_is_one(text[end - 1], text[begin]) or _is_bound(text[end - 1], text[begin]))
    following = _TOKEN.match(text, begin)
    return not (_opens(text[end - 1]) or (following is not None and all(_closes(char) for char in following[0])))


def joined(texts: Iterable[str]) -> str:
    """Texts one after the other, with a space where their scripts have one: none between Chinese, none before a closing mark."""
    whole = ""
    for text in texts:
        whole += text if not whole or not text or _touch(whole[-1], text) else f" {text}"
    return whole


def _touch(before: str, text: str) -> bool:
    after = text[0]
    if _is_unspaced(before) and (_is_unspaced(after) or _opens(before)):
        return True
    return (_is_unspaced(after) and _closes(after)) or _CLOSING_WORD.match(text) is not None


def _is_unspaced(char: str) -> bool:
    return _IS_UNSPACED.match(char) is not None


def _is_one(before: str, after: str) -> bool:
    """Whether two characters are never parted: of one letter, one number, or one word of a language with spaces."""
    if _BREAK in (before, after):
        return after == _BREAK
    if before.isspace() or after.isspace() or before in _JOINERS or after in _JOINERS:
        return True
    if unicodedata.category(after)[0] == "M" or after in _OF_THE_LETTER_BEFORE or before in _STACKERS:
        return True
    return (before.isdecimal() and after.isdecimal()) or not (_is_unspaced(before) or _is_unspaced(after))


def _is_bound(before: str, after: str) -> bool:
    return before != _BREAK and (_opens(before) or _closes(after))


def _opens(char: str) -> bool:
    return unicodedata.category(char) in ("Ps", "Pi") or char in _NEVER_LAST


def _closes(char: str) -> bool:
    return unicodedata.category(char) in ("Pe", "Pf", "Po") or char in _NEVER_FIRST
