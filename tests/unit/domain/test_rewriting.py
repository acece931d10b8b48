"""What is stored when somebody changes a transcript."""

from itertools import pairwise

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.domain.edits import Edit, lay
from app.domain.errors import CesarError
from app.domain.rewriting import MAX_TEXT, Replacement, change, merge, name_speaker, restore, split
from app.domain.transcript import Segment, Word

MACHINE = [
    Segment(0, 0.0, 2.0, "one two", "A"),
    Segment(
        1, 2.0, 4.0, "three four", "B", (Word("three", 2.0, 2.5, speaker="B"), Word("four", 3.0, 4.0, speaker="B"))
    ),
    Segment(2, 4.0, 7.5, "five", "A"),
]


class Shelf:
    """Keeps edits as the database does."""

    def __init__(self, machine: list[Segment]) -> None:
        self.machine = machine
        self.names: dict[str, str] = {}
        self.edits: list[Edit] = []
        self._next = 1

    @property
    def shown(self):  # type: ignore[no-untyped-def]
        return lay(self.machine, self.edits, self.names)

    def put(self, replacement: Replacement) -> None:
        """In the place of what it absorbs; the first of these keeps its id."""
        self.edits = [edit for edit in self.edits if edit.id not in replacement.absorbed]
        if replacement.pieces:
            edit_id = replacement.absorbed[0] if replacement.absorbed else self._next
            self._next += not replacement.absorbed
            self.edits.append(Edit(edit_id, replacement.source, replacement.pieces))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(list(MACHINE))


def texts(shelf: Shelf) -> list[str]:
    return [segment.text for segment in shelf.shown.segments]


def test_editing_an_edit_changes_it(shelf: Shelf) -> None:
    """There is one edit for a segment, however often it is changed, and its id stays."""
    shelf.put(change(shelf.shown, "m2000", text="drei vier"))
    shelf.put(change(shelf.shown, "e1-0", text="drei four"))
    assert [(edit.id, edit.source) for edit in shelf.edits] == [(1, ((2.0, 4.0, 0),))]
    assert texts(shelf) == ["one two", "drei four", "five"]
    assert [word.start for word in shelf.shown.segments[1].words] == [None, None]


def test_the_machines_text_typed_again_is_no_edit(shelf: Shelf) -> None:
    """Nothing is stored that says nothing."""
    shelf.put(change(shelf.shown, "m0", text="uno"))
    shelf.put(change(shelf.shown, "e1-0", text="  one   two "))
    assert shelf.edits == []


def test_spaces_that_may_not_be_broken_are_kept(shelf: Shelf) -> None:
    """French sets one before an exclamation mark; every other white space is one space."""
    shelf.put(change(shelf.shown, "m0", text=" Bonjour\u00a0!\n  Oui\u202f? "))
    assert texts(shelf)[0] == "Bonjour\u00a0! Oui\u202f?"


def test_what_says_the_same_changes_nothing(shelf: Shelf) -> None:
    """A machine's segment as it is, an edit as it is, a speaker as called; everything else changes something."""
    assert not change(shelf.shown, "m0", text="one  two").changes(shelf.shown)
    assert not change(shelf.shown, "m0", speaker=None).changes(shelf.shown)
    assert not name_speaker(shelf.shown, "A", "").changes(shelf.shown)
    first = change(shelf.shown, "m0", text="uno")
    assert first.changes(shelf.shown)
    shelf.put(first)
    assert not change(shelf.shown, "e1-0", text="uno").changes(shelf.shown)
    assert change(shelf.shown, "e1-0", text="dos").changes(shelf.shown)
    assert change(shelf.shown, "e1-0", text="one two").changes(shelf.shown)
    assert restore(shelf.shown, "e1-0").changes(shelf.shown)
    assert name_speaker(shelf.shown, "A", "Anna").changes(shelf.shown)


def test_a_merger_takes_in_the_edits_it_touches(shelf: Shelf) -> None:
    """What an edit holds beside the merged segments stays."""
    shelf.put(split(shelf.shown, "m0", at=1.0))
    shelf.put(merge(shelf.shown, "e1-1", "m2000"))
    assert texts(shelf) == ["one", "two three four", "five"]
    assert [edit.source for edit in shelf.edits] == [((0.0, 2.0, 0), (2.0, 4.0, 0))]
    merged = shelf.shown.segments[1]
    assert [(word.word, word.start) for word in merged.words] == [("two", None), ("three", 2.0), ("four", 3.0)]
    assert (merged.start, merged.end, merged.label) == (1.0, 4.0, "B")


def test_restoring_brings_back_all_that_was_merged(shelf: Shelf) -> None:
    """The whole edit goes."""
    shelf.put(merge(shelf.shown, "m0", "m4000"))
    assert texts(shelf) == ["one two three four five"]
    shelf.put(restore(shelf.shown, "e1-0"))
    assert shelf.shown == lay(MACHINE, [], {})


def test_a_speaker_for_one_segment(shelf: Shelf) -> None:
    """A label or the name of one is that speaker, another name is the segment's own, None is the machine's choice."""
    shelf.names = {"A": "Anna"}
    shelf.put(change(shelf.shown, "m2000", speaker="Anna"))
    assert shelf.edits[0].pieces[0].speaker == "A"
    assert {word.speaker for word in shelf.shown.segments[1].words} == {"Anna"}
    shelf.names = {"A": "Annette"}
    assert (shelf.shown.segments[1].speaker, shelf.shown.segments[1].label) == ("Annette", "A")
    shelf.put(change(shelf.shown, "e1-0", speaker="Zoe"))
    assert (shelf.shown.segments[1].speaker, shelf.shown.segments[1].label) == ("Zoe", None)
    shelf.put(change(shelf.shown, "e1-0", speaker=None))
    assert shelf.edits == []


def test_a_text_may_be_emptied(shelf: Shelf) -> None:
    """What nobody said can be taken out, and brought back."""
    shelf.put(change(shelf.shown, "m4000", text=" "))
    assert texts(shelf) == ["one two", "three four", ""]
    assert shelf.shown.text == "one two three four"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda shown: split(shown, "m4000", offset=2),
        lambda shown: split(shown, "m0", at=2.5),
        lambda shown: split(shown, "m0", offset=99),
        lambda shown: merge(shown, "m0", "m0"),
        lambda shown: merge(shown, "m2000", "m0"),
        lambda shown: change(shown, "m0", text="x" * (MAX_TEXT + 1)),
    ],
)
def test_what_cannot_be_done_is_refused(shelf: Shelf, attempt) -> None:  # type: ignore[no-untyped-def]
    """A word is not split, a place outside is not within, an order is an order, a text has an end."""
    with pytest.raises(CesarError) as refused:
        attempt(shelf.shown)
    assert refused.value.code == "bad_value"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda shown: change(shown, "m1", text="x"),
        lambda shown: split(shown, "e9-0", at=1.0),
        lambda shown: merge(shown, "m0", "m9"),
        lambda shown: restore(shown, "m0"),
    ],
)
def test_an_unknown_segment_is_not_found(shelf: Shelf, attempt) -> None:  # type: ignore[no-untyped-def]
    """An id that is not shown, and an edit that is none."""
    with pytest.raises(CesarError) as refused:
        attempt(shelf.shown)
    assert refused.value.code == "segment_not_found"


def spoken_words(segments: list[Segment]) -> list[str]:
    return [word for segment in segments for word in segment.text.split()]


class Editing(RuleBasedStateMachine):
    """Somebody edits at will; beside it stands a plain list of the words that must be shown."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        machine, clock = [], 0.0
        for index in range(data.draw(st.integers(1, 7))):
            start = clock + data.draw(st.sampled_from([0.0, 0.0, 0.25, 1.0]))
            length = data.draw(st.sampled_from([0.0, 0.5, 3.0]))
            said = data.draw(st.lists(st.sampled_from(["ja", "nein,", "doch", "ja"]), min_size=1, max_size=4))
            timed = data.draw(st.booleans())
            step = length / len(said)
            words = tuple(
                Word(word, start + at * step, start + (at + 1) * step) if at % 3 != 2 else Word(word)
                for at, word in enumerate(said)
            )
            speaker = data.draw(st.sampled_from(["A", "B", None]))
            machine.append(Segment(index, start, start + length, " ".join(said), speaker, words if timed else ()))
            clock = start + length
        self.shelf = Shelf(machine)
        self.words = spoken_words(machine)

    def _pick(self, data: st.DataObject) -> int:
        return data.draw(st.integers(0, len(self.shelf.shown.segments) - 1))

    @rule(data=st.data(), said=st.lists(st.sampled_from(["ja", "neu", "doch"]), max_size=4))
    def rewrite(self, data: st.DataObject, said: list[str]) -> None:
        at = self._pick(data)
        segments = self.shelf.shown.segments
        before = len(spoken_words(segments[:at]))
        self.words[before : before + len(segments[at].text.split())] = said
        self.shelf.put(change(self.shelf.shown, segments[at].id, text=" ".join(said)))

    @rule(data=st.data(), speaker=st.sampled_from(["A", "B", "Zoe", None]))
    def reassign(self, data: st.DataObject, speaker: str | None) -> None:
        segment = self.shelf.shown.segments[self._pick(data)]
        self.shelf.put(change(self.shelf.shown, segment.id, speaker=speaker))

    @rule(data=st.data(), by_time=st.booleans(), share=st.floats(0, 1))
    def cut(self, data: st.DataObject, by_time: bool, share: float) -> None:
        segment = self.shelf.shown.segments[self._pick(data)]
        assume(len(segment.text.split()) > 1)
        count = len(self.shelf.shown.segments)
        if by_time:
            moment = min(segment.start + share * (segment.end - segment.start), segment.end)
            self.shelf.put(split(self.shelf.shown, segment.id, at=moment))
        else:
            self.shelf.put(split(self.shelf.shown, segment.id, offset=int(share * len(segment.text))))
        assert len(self.shelf.shown.segments) == count + 1

    @precondition(lambda self: len(self.shelf.shown.segments) > 1)
    @rule(data=st.data())
    def join(self, data: st.DataObject) -> None:
        segments = self.shelf.shown.segments
        first = data.draw(st.integers(0, len(segments) - 2))
        last = data.draw(st.integers(first + 1, len(segments) - 1))
        self.shelf.put(merge(self.shelf.shown, segments[first].id, segments[last].id))

    @rule(renamed=st.permutations(["A", "B"]))
    def diarize_again(self, renamed: list[str]) -> None:
        others = dict(zip("AB", renamed, strict=True))
        self.shelf.machine = [
            Segment(s.index, s.start, s.end, s.text, others.get(s.speaker or ""), s.words) for s in self.shelf.machine
        ]

    @rule()
    def restore_everything(self) -> None:
        while edited := [segment.id for segment in self.shelf.shown.segments if segment.edited]:
            self.shelf.put(restore(self.shelf.shown, edited[0]))
        assert self.shelf.shown == lay(self.shelf.machine, [], {})
        self.words = spoken_words(self.shelf.machine)

    @invariant()
    def no_word_is_lost(self) -> None:
        assert spoken_words(self.shelf.shown.segments) == self.words
        for segment in self.shelf.shown.segments:
            assert not segment.words or [word.word for word in segment.words] == segment.text.split()

    @invariant()
    def times_are_in_order(self) -> None:
        segments = self.shelf.shown.segments
        assert all(0 <= segment.start <= segment.end for segment in segments)
        assert all(one.end <= other.start for one, other in pairwise(segments))
        for segment in segments:
            moments = [moment for word in segment.words if word.start is not None for moment in (word.start, word.end)]
            assert moments == sorted(moments)
            assert all(segment.start <= moment <= segment.end for moment in moments)

    @invariant()
    def each_segment_is_covered_once(self) -> None:
        sources = [span for edit in self.shelf.edits for span in edit.source]
        assert len(sources) == len(set(sources))
        assert self.shelf.shown.unplaced == 0
        ids = [segment.id for segment in self.shelf.shown.segments]
        assert len(ids) == len(set(ids))


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
