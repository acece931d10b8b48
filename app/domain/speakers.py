"""Owns who is said to speak: labels of diarization, the names people gave them, and how names find their speakers again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from app.domain.transcript import Segment, SpeakerTurn


def labels_of(segments: Sequence[Segment]) -> list[str]:
    """The labels in the order in which they first speak."""
    spoken = ((segment.speaker, *(word.speaker for word in segment.words)) for segment in segments)
    return list(dict.fromkeys(label for group in spoken for label in group if label is not None))


def speaker_between(segments: Sequence[Segment], start: float, end: float) -> str | None:
    """Whom the machine heard for the longest time from `start` to `end` (seconds).

    A segment that lies within counts as a whole; of one that is cut, its words there count.
    """
    heard: dict[str | None, float] = defaultdict(float)
    for segment in segments:
        if start <= segment.start and segment.end <= end:
            heard[segment.speaker] += segment.end - segment.start
        elif (share := _overlap(segment.start, segment.end, start, end)) > 0:
            for label, seconds in _words_between(segment, start, end) or [(segment.speaker, share)]:
                heard[label] += seconds
    if not heard:
        return segments[0].speaker if segments else None
    return max(heard, key=lambda label: heard[label])


def word_speaker(segments: Sequence[Segment], start: float, end: float) -> str | None:
    """Whom the machine heard saying a word; None if it heard no word there."""
    heard: dict[str | None, float] = defaultdict(float)
    for segment in segments:
        if _overlap(segment.start, segment.end, start, end) > 0:
            for label, seconds in _words_between(segment, start, end):
                heard[label] += seconds
    return max(heard, key=lambda label: heard[label]) if heard else None


def carried_labels(old: Sequence[Segment], new: Sequence[Segment]) -> dict[str, str]:
    """Which new label is which old one, by the longest time that both cover, each taken once.

    Diarization numbers speakers anew each time: `SPEAKER_00` may be somebody else afterwards.
    """
    turns, new_turns = _turns(old), _turns(new)
    shared = _shared_seconds(turns, new_turns)
    carried: dict[str, str] = {}
    # To the millisecond: where two have the same claim, whoever has the label already keeps it.
    for before, after in sorted(shared, key=lambda pair: (-round(shared[pair], 3), pair[0] != pair[1], pair)):
        if before not in carried and after not in carried.values():
            carried[before] = after
    if carried and all(before == after for before, after in carried.items()):
        # Nothing was numbered anew, so that goes for labels that only words without times have.
        timed = {turn.speaker for turn in (*turns, *new_turns)}
        carried |= {label: label for label in (set(labels_of(old)) & set(labels_of(new))) - timed}
    return carried


def carry_names(old: Sequence[Segment], new: Sequence[Segment], names: Mapping[str, str]) -> dict[str, str]:
    """The names by their new labels. The name of a speaker who is no longer told apart is given up: it must not become another's."""
    carried = carried_labels(old, new)
    return {carried[label]: name for label, name in names.items() if label in carried}


def _turns(segments: Sequence[Segment]) -> list[SpeakerTurn]:
    """When each label is spoken under, in the order of time: whole segments, and within them words, which may be somebody else's."""
    turns = [SpeakerTurn(part.start, part.end, part.speaker) for part in segments if part.speaker is not None]
    turns += [
        SpeakerTurn(word.start, word.end, word.speaker)
        for part in segments
        for word in part.words
        if word.start is not None and word.end is not None and word.speaker is not None
    ]
    return sorted(turns, key=lambda turn: turn.start)


def _shared_seconds(old: Sequence[SpeakerTurn], new: Sequence[SpeakerTurn]) -> dict[tuple[str, str], float]:
    shared: dict[tuple[str, str], float] = defaultdict(float)
    first = 0
    for before in old:
        while first < len(new) and new[first].end <= before.start:
            first += 1
        for after in islice(new, first, None):
            if after.start >= before.end:
                break
            seconds = _overlap(before.start, before.end, after.start, after.end)
            if seconds > 0:
                shared[before.speaker, after.speaker] += seconds
    return shared


def _words_between(segment: Segment, start: float, end: float) -> list[tuple[str | None, float]]:
    words = [
        (word.speaker or segment.speaker, _overlap(word.start, word.end, start, end))
        for word in segment.words
        if word.start is not None and word.end is not None
    ]
    return [(label, seconds) for label, seconds in words if seconds > 0]


def _overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    return max(0.0, min(end, other_end) - max(start, other_start))
