"""Owns how a person writes what to look for: words, "phrases in quotes", and a star for the rest of a word."""

import re
from dataclasses import dataclass
from typing import Final

from app.domain.errors import CesarError

MAX_QUERY: Final = 500
MAX_TERMS: Final = 32

_QUOTES: Final = str.maketrans("“”„‟«»", '""""""')
_PART: Final = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One thing that has to be there: words that follow each other; with `prefix` the last may go on."""

    words: tuple[str, ...]
    prefix: bool = False


def read_query(query: str) -> tuple[SearchTerm, ...]:
    """The terms of a query; a segment is found if it has all of them. Nothing else has a meaning.

    Raises:
        CesarError: `bad_value` if nothing is left to look for, or too much is.
    """
    if len(query) > MAX_QUERY:
        raise CesarError("bad_value", f"q may have at most {MAX_QUERY} characters")
    terms = [_term(match) for match in _PART.finditer(query.translate(_QUOTES))]
    wanted = tuple(term for term in terms if term.words)
    if not wanted:
        raise CesarError("bad_value", "q needs at least one letter or digit")
    if len(wanted) > MAX_TERMS:
        raise CesarError("bad_value", f"q may have at most {MAX_TERMS} words and phrases")
    return wanted


def _term(match: re.Match[str]) -> SearchTerm:
    phrase, star, word = match.groups()
    text = phrase if word is None else word.rstrip("*")
    prefix = bool(star) if word is None else word.endswith("*")
    return SearchTerm(tuple(_words(text)), prefix)


def _words(text: str) -> list[str]:
    """Without control characters, and without what is only punctuation, which the index does not keep."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return [word for word in clean.split() if any(letter.isalnum() for letter in word)]
