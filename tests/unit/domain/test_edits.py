"""How edits lie over the machine's segments."""

from dataclasses import replace

from app.domain.edits import Edit, Piece, lay
from app.domain.rewriting import Replacement, change, merge, split
from app.domain.transcript import Segment, Word

WORDS = tuple(Word(word, 2.0 + at, 3.0 + at, 1.0, "B") for at, word in enumerate(("three", "four")))
MACHINE = [
    Segment(0, 0.0, 2.0, "one two", "A"),
    Segment(1, 2.0, 4.0, "three four", "B", WORDS),
    Segment(2, 4.0, 7.5, "five", "A"),
]
NAMES = {"A": "Anna"}


def stored(replacement: Replacement, edit_id: int = 1) -> Edit:
    """A replacement as it comes back from the database."""
    return Edit(edit_id, replacement.source, replacement.pieces)


def test_without_edits_the_machine_is_shown() -> None:
    """Ids come from the start in milliseconds, speakers are shown by name, also on words."""
    shown = lay(MACHINE, [], {"B": "Ben"})
    assert [segment.id for segment in shown.segments] == ["m0", "m2000", "m4000"]
    assert [(segment.speaker, segment.label) for segment in shown.segments] == [("A", "A"), ("Ben", "B"), ("A", "A")]
    assert {word.speaker for word in shown.segments[1].words} == {"Ben"}
    assert not any(segment.edited for segment in shown.segments)
    assert shown.text == "one two three four five"


def test_an_edit_takes_the_place_of_its_source() -> None:
    """Its pieces have ids of their own, and a piece without a speaker takes the machine's."""
    edit = Edit(7, ((0.0, 2.0, 0), (2.0, 4.0, 0)), (Piece(0.0, 0.5, "uno"), Piece(0.5, 4.0, "dos tres", "Zoe")))
    shown = lay(MACHINE, [edit], NAMES)
    assert [(s.id, s.text, s.speaker, s.label, s.edited) for s in shown.segments] == [
        ("e7-0", "uno", "Anna", "A", True),
        ("e7-1", "dos tres", "Zoe", None, True),
        ("m4000", "five", "Anna", "A", False),
    ]
    assert shown.speakers == (("A", "Anna"), ("B", None), (None, "Zoe"))


def test_an_edit_survives_a_new_diarization() -> None:
    """Only times count; the speaker is the new one."""
    edit = stored(change(lay(MACHINE, [], {}), "m2000", text="three vier"))
    again = [replace(segment, speaker="C", words=()) for segment in MACHINE]
    shown = lay(again, [edit], {})
    assert (shown.segments[1].text, shown.segments[1].speaker, shown.unplaced) == ("three vier", "C", 0)


def test_an_edit_waits_where_its_segments_are_gone() -> None:
    """A new transcription with other times hides it, one with the old times shows it again."""
    edit = stored(change(lay(MACHINE, [], {}), "m2000", text="other"))
    moved = [MACHINE[0], replace(MACHINE[1], start=2.1), MACHINE[2]]
    assert (lay(moved, [edit], {}).text, lay(moved, [edit], {}).unplaced) == ("one two three four five", 1)
    assert lay(MACHINE, [edit], {}).text == "one two other five"


def test_an_edit_of_several_needs_all_of_them() -> None:
    """Neighbours between which something new stands are no neighbours."""
    edit = Edit(1, ((0.0, 2.0, 0), (2.0, 4.0, 0)), (Piece(0.0, 4.0, "both"),))
    between = [MACHINE[0], Segment(1, 2.0, 2.0, "new"), *MACHINE[1:]]
    assert lay(between, [edit], {}).unplaced == 1


def test_of_two_edits_the_later_holds() -> None:
    """Both wait for the same segment only after transcriptions that went to and fro."""
    first = Edit(1, ((0.0, 2.0, 0), (2.0, 4.0, 0)), (Piece(0.0, 4.0, "first"),))
    second = Edit(2, ((2.0, 4.0, 0),), (Piece(2.0, 4.0, "second"),))
    assert lay(MACHINE, [first, second], {}).text == "one two second five"
    assert lay(MACHINE, [second, first], {}).text == "first five"
    assert lay(MACHINE, [first, second], {}).unplaced == 1


def test_segments_with_the_same_times_are_told_apart() -> None:
    """Each has an id of its own, and an edit of the second does not fall on the first."""
    twins = [Segment(0, 1.0, 1.0, "a b"), Segment(1, 1.0, 1.0, "c d"), Segment(2, 1.0, 1.0, "e")]
    shown = lay(twins, [], {})
    assert [segment.id for segment in shown.segments] == ["m1000", "m1000-1", "m1000-2"]
    edit = stored(change(shown, "m1000-1", text="edited"))
    assert lay(twins, [edit], {}).text == "a b edited e"


def test_the_halves_of_a_split_have_the_speakers_of_their_words() -> None:
    """Splitting is how two people who were heard as one are told apart."""
    words = (Word("yes", 0.0, 0.5, speaker="A"), Word("no", 1.0, 3.0, speaker="B"))
    machine = [Segment(0, 0.0, 3.0, "yes no", "B", words)]
    shown = lay(machine, [stored(split(lay(machine, [], {}), "m0", offset=4))], {"A": "Anna", "B": "Ben"})
    assert [(s.text, s.speaker, [w.speaker for w in s.words]) for s in shown.segments] == [
        ("yes", "Anna", ["Anna"]),
        ("no", "Ben", ["Ben"]),
    ]


def test_a_merger_of_two_speakers_has_one() -> None:
    """Who says most of it says all of it, words included; cut apart again it is the machine's."""
    words = (Word("yes", 0.0, 0.5, speaker="A"), Word("no", 1.0, 3.0, speaker="B"), Word("so", 3.0, 4.0, speaker="B"))
    machine = [Segment(0, 0.0, 0.5, "yes", "A", words[:1]), Segment(1, 1.0, 4.0, "no so", "B", words[1:])]
    merged = lay(machine, [stored(merge(lay(machine, [], {}), "m0", "m1000"))], {"B": "Ben"})
    (segment,) = merged.segments
    assert (segment.speaker, [word.speaker for word in segment.words]) == ("Ben", ["Ben", "Ben", "Ben"])
    assert split(merged, "e1-0", offset=4).pieces == ()
