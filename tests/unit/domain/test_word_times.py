"""What becomes of the times of words."""

import time

import pytest

from app.domain.scripts import joined
from app.domain.transcript import Segment, Word
from app.domain.word_times import cut_at_offset, cut_at_time, retimed

WORDS = (Word("Hello", 1.0, 1.4, 0.9), Word("wide", 1.5, 1.8, 0.8), Word("world.", 2.0, 2.6, 0.7))
SEGMENT = Segment(0, 1.0, 3.0, "Hello wide world.", words=WORDS)


def test_unchanged_words_keep_their_times() -> None:
    """Only the word that is another loses its time; case and punctuation make no other word."""
    assert retimed(WORDS, "hello, small world") == (
        Word("hello,", 1.0, 1.4, 0.9),
        Word("small"),
        Word("world", 2.0, 2.6, 0.7),
    )


def test_new_words_stand_between_timed_ones() -> None:
    """What is added has no time, what is left out is gone."""
    assert [(word.word, word.start) for word in retimed(WORDS, "Hello to the world. Again")] == [
        ("Hello", 1.0), ("to", None), ("the", None), ("world.", 2.0), ("Again", None),
    ]  # fmt: skip


def test_a_segment_without_words_stays_without() -> None:
    """No words are made up."""
    assert retimed((), "Something else") == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [("a b " * 1250, "b a a " * 830), ("x " + "a b " * 1250, "a a b " * 66), ("a " * 2500, "a " * 2499 + "b")],
)
def test_a_text_made_to_be_slow_is_not(old: str, new: str) -> None:
    """Words repeated thousands of times are compared in seconds, not minutes."""
    began = time.monotonic()
    assert len(retimed([Word(word, 1.0, 2.0) for word in old.split()], new)) == len(new.split())
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("offset", "before", "after"),
    [
        (0, "Hello", "wide world."),
        (6, "Hello", "wide world."),
        (11, "Hello wide", "world."),
        (17, "Hello wide", "world."),
    ],
)
def test_a_cut_is_never_inside_a_word(offset: int, before: str, after: str) -> None:
    """The place between two words nearest to the wish is taken."""
    cut = cut_at_offset(SEGMENT, offset)
    assert cut is not None
    assert (cut.before, cut.after) == (before, after)


def test_a_cut_takes_the_times_of_the_words() -> None:
    """The first half ends with its last word, the second begins with its first."""
    cut = cut_at_time(SEGMENT, 1.9)
    assert cut is not None
    assert (cut.before, cut.end, cut.start, cut.after) == ("Hello wide", 1.8, 2.0, "world.")
    assert (cut.words_before, cut.words_after) == (WORDS[:2], WORDS[2:])


def test_without_word_times_the_moment_counts() -> None:
    """The person's moment divides; the text is divided in proportion."""
    cut = cut_at_time(Segment(0, 0.0, 10.0, "one two three four"), 5.2)
    assert cut is not None
    assert (cut.before, cut.end, cut.start, cut.after) == ("one two", 5.2, 5.2, "three four")


def test_words_without_time_lie_between_their_neighbours() -> None:
    """A cut beside words that have no time is estimated between those that have."""
    words = (Word("one", 0.0, 1.0), Word("two"), Word("three"), Word("four", 9.0, 10.0))
    cut = cut_at_offset(Segment(0, 0.0, 10.0, "one two three four", words=words), 7)
    assert cut is not None
    assert 1.0 < cut.end < cut.start < 9.0
    assert (len(cut.words_before), len(cut.words_after)) == (2, 2)


def test_a_single_word_cannot_be_cut() -> None:
    """There is no place for it."""
    assert cut_at_offset(Segment(0, 0.0, 1.0, "word"), 2) is None
    assert cut_at_time(Segment(0, 0.0, 1.0, ""), 0.5) is None


def test_scripts_without_spaces_are_cut_between_characters() -> None:
    """Alignment places each of their characters; a cut keeps these, and joining puts no space between."""
    words = tuple(Word(letter, float(at), at + 1.0) for at, letter in enumerate("你好世界"))
    cut = cut_at_offset(Segment(0, 0.0, 4.0, "你好世界", words=words), 2)
    assert cut is not None
    assert (cut.before, cut.after, cut.words_after) == ("你好", "世界", words[2:])
    assert joined((cut.before, cut.after)) == "你好世界"
    assert [word.start for word in retimed(words, "你们世界")] == [0.0, None, 2.0, 3.0]


@pytest.mark.parametrize(
    ("text", "offset", "before", "after"),
    [
        ("你好。世界", 2, "你", "好。世界"),
        ("他说「好」吗", 2, "他说", "「好」吗"),
        ("他说「好」吗", 4, "他说「好」", "吗"),
        ("Vraiment ! Oui", 8, "Vraiment !", "Oui"),
        ("Bonjour\u00a0! Oui", 7, "Bonjour\u00a0!", "Oui"),
        ("ｶﾞｽとﾃﾚﾋﾞ", 1, "ｶﾞ", "ｽとﾃﾚﾋﾞ"),
        ("ﾃﾚﾋﾞ", 3, "ﾃﾚ", "ﾋﾞ"),
        ("น้ำใส", 1, "น้ำ", "ใส"),
    ],
)
def test_a_mark_stays_with_its_word(text: str, offset: int, before: str, after: str) -> None:
    """No half begins with a closing mark or an accent, and none ends with an opening one."""
    cut = cut_at_offset(Segment(0, 0.0, 4.0, text), offset)
    assert cut is not None
    assert (cut.before, cut.after) == (before, after)


def test_what_is_only_a_word_and_its_marks_cannot_be_cut() -> None:
    """Both halves need a word."""
    assert cut_at_offset(Segment(0, 0.0, 1.0, "Vraiment ?!"), 8) is None
    assert cut_at_time(Segment(0, 0.0, 1.0, "「好」"), 0.5) is None


def test_times_that_go_backwards_cannot_turn_a_cut_round() -> None:
    """An engine's words may overlap; the halves still lie one after the other within the segment."""
    words = (Word("one", 5.0, 9.0), Word("two", 2.0, 3.0), Word("three", 11.0, 12.0))
    for offset in (3, 7):
        cut = cut_at_offset(Segment(0, 1.0, 8.0, "one two three", words=words), offset)
        assert cut is not None
        assert 1.0 <= cut.end <= cut.start <= 8.0
