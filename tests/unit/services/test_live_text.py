"""The text of a running Task, as it may be appended."""

import time
from typing import Any

import pytest

from app.services.live_text import LiveText, one_line


def segment(index: int, text: str) -> dict[str, Any]:
    """A segment's event, as far as it matters here."""
    return {"type": "segment", "index": index, "text": text}


def revised(*texts: str) -> dict[str, Any]:
    """The event that says all segments anew."""
    return {"type": "segments_revised", "segments": [{"text": text} for text in texts]}


def test_each_segment_adds_its_text() -> None:
    """Deltas, one behind the other, are the whole text in one line."""
    live = LiveText()
    deltas = [live.after(segment(0, "One \n two.")), live.after(segment(1, "Three.")), live.after(segment(2, ""))]
    assert deltas == ["One two.", " Three.", ""]
    assert live.complete("One two. Three.") == ("", "One two. Three.")


def test_other_events_add_nothing() -> None:
    """Progress is no text."""
    assert LiveText().after({"type": "progress", "percentage": 10}) == ""


def test_revision_adds_nothing_that_was_told() -> None:
    """Alignment cuts the same text into other segments."""
    live = LiveText()
    live.after(segment(0, "One. Two."))
    assert live.after(revised("One.", "Two.")) == ""
    assert live.complete("One. Two.") == ("", "One. Two.")


def test_a_new_attempt_adds_where_the_old_one_ended() -> None:
    """What is decoded again is not told again."""
    live = LiveText()
    live.after(segment(0, "One."))
    live.after(segment(1, "Two."))
    assert [live.after(segment(index, text)) for index, text in enumerate(["One.", "Two.", "Three."])] == [
        "",
        "",
        " Three.",
    ]


def test_what_was_missed_comes_at_the_end() -> None:
    """A watcher that began with a snapshot, or heard no segment, gets the rest."""
    live = LiveText()
    live.after(segment(0, "One."))
    assert live.complete("One. Two.") == (" Two.", "One. Two.")


@pytest.mark.parametrize(
    ("told", "stored", "whole"),
    [
        ("你好。世界。", "你好。 世界。", "你好。世界。"),  # where words are not separated, what was read stays
        ("One too.", "One two.", "One two."),  # another attempt heard other words: the stored text is the truth
    ],
)
def test_the_end_where_texts_differ(told: str, stored: str, whole: str) -> None:
    """A difference in white space alone is none; any other makes the stored text the whole one."""
    live = LiveText()
    live.after(segment(0, told))
    assert live.complete(stored) == ("", whole)


def test_a_revision_that_is_shorter_is_waited_for() -> None:
    """After segments were joined again, what follows is told only where it goes beyond what was read."""
    live = LiveText()
    for index, text in enumerate(["One.", "Two.", "Three."]):
        live.after(segment(index, text))
    assert [live.after(event) for event in (revised("One."), segment(1, "Two. Three."), segment(2, "Four."))] == [
        "",
        "",
        " Four.",
    ]


def test_what_said_other_words_tells_nothing_more() -> None:
    """A second attempt that heard something else is silent, however long it gets; one that repeats it all goes on."""
    live = LiveText()
    live.after(segment(0, "One two."))
    assert [live.after(segment(index, text)) for index, text in enumerate(["One too.", "Three.", "Four."])] == [""] * 3
    assert live.after(revised("One two.", "Three.")) == " Three."
    assert live.after(segment(2, "Four.")) == " Four."
    assert live.read == "One two. Three. Four."


def test_a_long_recording_costs_no_more_than_its_length() -> None:
    """Twenty thousand segments, decoded twice, are through in a moment; putting all of it together for each would take minutes."""
    live, texts = LiveText(), ["a dozen words that somebody may have said in one breath, or two."] * 20_000
    begun = time.process_time()
    for _attempt in range(2):
        for index, text in enumerate(texts):
            live.after(segment(index, text))
    assert live.read == " ".join(texts)
    assert time.process_time() - begun < 5


def test_one_line() -> None:
    """Every run of white space is one space."""
    assert one_line("  a\n b\t\tc ") == "a b c"
