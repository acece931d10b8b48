"""What scripts ask for: where a word may be broken, how wide it is, how texts are joined."""

import pytest

from app.services.export.typography import is_right_to_left, joined, one_line, unbreakable, width


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("extraordinarily", ["extraordinarily"]),
        ("안녕하세요", ["안녕하세요"]),
        ("你好。我", ["你", "好。", "我"]),
        ("「好」", ["「好」"]),
        ("ラーメン", ["ラー", "メ", "ン"]),
        ("ちょっと", ["ちょっ", "と"]),
        ("เด็ก", ["เด็", "ก"]),
        ("用Python写", ["用", "Python", "写"]),
    ],
)
def test_where_a_line_may_end(word: str, parts: list[str]) -> None:
    """Between characters where words have no spaces, but not before a closing mark or behind an opening one."""
    assert unbreakable(word) == parts


def test_width_is_in_columns() -> None:
    """A wide character takes two, an accent one as any other: never less than the characters there are."""
    assert (width("abc"), width("漢字"), width("é"), width("e\u0301")) == (3, 4, 1, 2)


def test_texts_are_joined_as_their_script_does() -> None:
    """A space between words, none between Chinese sentences."""
    assert joined(["One.", "Two."]) == "One. Two."
    assert joined(["你好。", "我们", "OK"]) == "你好。我们 OK"


def test_one_line_keeps_spaces_that_may_not_be_broken() -> None:
    """French sets one before an exclamation mark; all other white space is one space, and control characters go."""
    assert one_line(" Bonjour\u00a0!\n\tÇa\x07 va ? ") == "Bonjour\u00a0! Ça va ?"


def test_direction_is_that_of_the_first_letter() -> None:
    """Digits and marks have none."""
    assert is_right_to_left("123 שלום abc")
    assert not is_right_to_left("abc שלום")
    assert not is_right_to_left("1984")
