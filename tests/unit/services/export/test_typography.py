"""A text as it is shown."""

from app.services.export.typography import is_right_to_left, one_line, width


def test_width_is_in_columns() -> None:
    """A wide character takes two, an accent one as any other: never less than the characters there are."""
    assert (width("abc"), width("漢字"), width("é"), width("e\u0301")) == (3, 4, 1, 2)


def test_one_line_keeps_spaces_that_may_not_be_broken() -> None:
    """French sets one before an exclamation mark; all other white space is one space, and control characters go."""
    assert one_line(" Bonjour\u00a0!\n\tÇa\x07 va ? ") == "Bonjour\u00a0! Ça va ?"


def test_direction_is_that_of_the_first_letter() -> None:
    """Digits and marks have none."""
    assert is_right_to_left("123 שלום abc")
    assert not is_right_to_left("abc שלום")
    assert not is_right_to_left("1984")
