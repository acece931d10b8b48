"""Who is said to speak."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.speakers import carried_labels, carry_names, labels_of, speaker_between
from app.domain.transcript import Segment, Word


def spoken(*parts: tuple[float, float, str | None]) -> list[Segment]:
    """Segments with these times and speakers."""
    return [Segment(index, start, end, "x", speaker) for index, (start, end, speaker) in enumerate(parts)]


def test_names_follow_permuted_labels() -> None:
    """A new diarization that numbers the same people otherwise costs nobody the name."""
    old = spoken((0, 5, "A"), (5, 9, "B"), (9, 20, "A"), (20, 30, "C"))
    new = spoken((0, 5, "C"), (5, 9, "A"), (9, 20, "C"), (20, 30, "B"))
    names = {"A": "Anna", "B": "Ben", "C": "Cleo"}
    assert carry_names(old, new, names) == {"C": "Anna", "A": "Ben", "B": "Cleo"}


def test_a_name_goes_to_one_speaker_only() -> None:
    """Of two who are one now, the one who spoke longer keeps the name; nobody gets a stranger's."""
    old = spoken((0, 5, "A"), (5, 6, "B"))
    assert carry_names(old, spoken((0, 6, "A")), {"A": "Anna", "B": "Ben"}) == {"A": "Anna"}
    assert carry_names(old, spoken((50, 60, "B")), {"A": "Anna", "B": "Ben"}) == {}


def test_segments_may_have_other_times() -> None:
    """Time decides, not the number of segments."""
    old = spoken((0, 10, "A"), (10, 20, "B"))
    new = spoken((0, 3, "B"), (3, 9.5, "B"), (9.5, 10.5, "B"), (10.5, 20, "A"))
    assert carried_labels(old, new) == {"A": "B", "B": "A"}


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10), st.sampled_from("ABCD")), max_size=20),
    st.permutations("ABCD"),
)
def test_a_mere_renumbering_is_undone(parts: list[tuple[float, float, str]], order: list[str]) -> None:
    """Whoever spoke without being talked over is found again under the new label, and the mapping is one to one."""
    place, old = 0.0, []
    for gap, length, label in parts:
        old.append((place + gap, place + gap + length, label))
        place += gap + length
    renamed = dict(zip("ABCD", order, strict=True))
    carried = carried_labels(spoken(*old), spoken(*((start, end, renamed[label]) for start, end, label in old)))
    heard = {label for start, end, label in old if end > start}
    assert carried == {label: renamed[label] for label in heard}


def test_a_whole_segment_keeps_its_speaker_and_a_part_has_its_words() -> None:
    """Majority of time, by words where a segment is cut."""
    words = (Word("a", 0, 1, speaker="A"), Word("b", 1, 4, speaker="A"), Word("c", 4, 5, speaker="B"))
    mixed = [Segment(0, 0, 5, "a b c", "A", words)]
    assert speaker_between(mixed, 0, 5) == "A"
    assert speaker_between(mixed, 4, 5) == "B"
    assert speaker_between(spoken((0, 1, "A"), (1, 4, "B")), 0, 4) == "B"
    assert speaker_between(spoken((0, 1, None)), 0, 1) is None


def test_labels_come_in_the_order_of_speaking() -> None:
    """Also a label that only words have."""
    word = Word("x", 0, 1, speaker="B")
    assert labels_of([Segment(0, 0, 1, "x", None, (word,)), *spoken((1, 2, "A"), (2, 3, "B"))]) == ["B", "A"]


def test_somebody_heard_in_a_single_word_keeps_the_name() -> None:
    """Words count where a whole segment is another's; without times nothing is taken away that nobody renumbered."""

    def heard(whole: str, word: str, start: float | None) -> list[Segment]:
        end = None if start is None else start + 1
        return [Segment(0, 0, 9, "x y", whole, (Word("x", 0, 2, speaker=whole), Word("y", start, end, speaker=word)))]

    names = {"A": "Anna", "B": "Ben"}
    assert carry_names(heard("A", "B", 5), heard("B", "A", 5), names) == {"B": "Anna", "A": "Ben"}
    assert carry_names(heard("A", "B", None), heard("A", "B", None), names) == names
