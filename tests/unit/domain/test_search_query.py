"""How a query is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import CesarError
from app.domain.search_query import MAX_QUERY, SearchTerm, read_query


def test_words_phrases_and_beginnings() -> None:
    """Words stand alone, quotes keep words together, a star leaves the end open."""
    assert read_query('one "two three" fo* "five si"*') == (
        SearchTerm(("one",)),
        SearchTerm(("two", "three")),
        SearchTerm(("fo",), prefix=True),
        SearchTerm(("five", "si"), prefix=True),
    )


def test_nothing_else_means_anything() -> None:
    """Operators are words, a quote without its partner is left out, punctuation alone is nothing."""
    assert read_query("NOT a OR text:b") == tuple(SearchTerm((word,)) for word in ("NOT", "a", "OR", "text:b"))
    assert read_query('"open end') == (SearchTerm(("open",)), SearchTerm(("end",)))
    assert read_query("- a *") == (SearchTerm(("a",)),)
    assert read_query("“typographic quotes”") == (SearchTerm(("typographic", "quotes")),)


@pytest.mark.parametrize("query", ["", "  ", "***", '""', "-- ()", "\x00", "a" * (MAX_QUERY + 1), "a " * 40])
def test_what_cannot_be_looked_for_is_refused(query: str) -> None:
    """Nothing to look for, or too much."""
    with pytest.raises(CesarError) as refused:
        read_query(query)
    assert refused.value.code == "bad_value"


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_refused(query: str) -> None:
    """Every term has a word with something in it that an index can hold."""
    try:
        terms = read_query(query)
    except CesarError:
        terms = ()
    assert all(any(letter.isalnum() for letter in word) for term in terms for word in term.words)
    assert all(term.words for term in terms)
