"""Owns how people's edits lie over the machine's segments.

An edit replaces one or more neighbouring machine segments, its *source*, by *pieces*. It names its source by their times alone
and holds wherever neighbours with exactly these times stand: it survives a new diarization, which changes only speakers,
and stays stored but unseen where a new transcription changed the segments. Of two edits that want the same segment
the later one holds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.speakers import labels_of, speaker_between, word_speaker
from app.domain.transcript import Segment, Word

Span = tuple[float, float, int]
"""A machine segment by its start and end in seconds, and which it is of several with the same times (mostly 0, the only one)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment as a person made it. `speaker` is a label or a name; None = whom the machine heard there."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands in the place of some neighbouring machine segments."""

    id: int
    source: tuple[Span, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ShownSegment:
    """A segment as people see it: `speaker` is a name or a label, `label` the label behind it (None: a name of this segment's own)."""

    id: str
    start: float
    end: float
    text: str
    speaker: str | None
    label: str | None
    words: tuple[Word, ...]
    edited: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """An edit with the machine segments under it, or one machine segment alone; `ids` are those of the segments shown."""

    machine: tuple[Segment, ...]
    spans: tuple[Span, ...]
    ids: tuple[str, ...]
    edit: Edit | None = None

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What is shown of it."""
        return self.edit.pieces if self.edit else (as_piece(self.machine[0]),)


@dataclass(frozen=True, slots=True)
class ShownTranscript:
    """The machine's segments with edits laid over them; `segments` are the pieces of all `units`, one after the other."""

    units: tuple[Unit, ...]
    segments: tuple[ShownSegment, ...]
    labels: tuple[str, ...]
    names: Mapping[str, str]
    edits: tuple[Edit, ...]
    """All there are, in the order in which they were made or last changed."""
    unplaced: int
    """How many of them hold nowhere."""

    @property
    def text(self) -> str:
        """The whole text, segments joined by one space."""
        return " ".join(segment.text for segment in self.segments if segment.text)

    @property
    def machine(self) -> tuple[Segment, ...]:
        """The segments under it all."""
        return tuple(segment for unit in self.units for segment in unit.machine)

    @property
    def speakers(self) -> tuple[tuple[str | None, str | None], ...]:
        """Who speaks, as label and name: the labels, then names that were given to single segments (label None)."""
        single = dict.fromkeys(segment.speaker for segment in self.segments if segment.label is None)
        return (
            *((label, self.names.get(label)) for label in self.labels),
            *((None, name) for name in single if name is not None),
        )


def lay(machine: Sequence[Segment], edits: Sequence[Edit], names: Mapping[str, str]) -> ShownTranscript:
    """What is shown.

    Args:
        machine: the stored segments in the order of time.
        edits: in the order in which they were made or last changed.
        names: what people call the speakers, by label.
    """
    spans = spans_of(machine)
    holding = _placed(spans, edits)
    labels = labels_of(machine)
    units = tuple(_units(machine, spans, holding))
    shown = tuple(segment for unit in units for segment in _shown(unit, labels, names))
    return ShownTranscript(units, shown, tuple(labels), names, tuple(edits), len(edits) - len(holding))


def spans_of(machine: Iterable[Segment]) -> list[Span]:
    """How edits name these segments."""
    seen: Counter[tuple[float, float]] = Counter()
    spans = []
    for segment in machine:
        times = (segment.start, segment.end)
        spans.append((*times, seen[times]))
        seen[times] += 1
    return spans


def _placed(spans: Sequence[Span], edits: Sequence[Edit]) -> dict[int, Edit]:
    """The edits that hold, by the place of their first segment; later ones choose first."""
    place_of = {span: place for place, span in enumerate(spans)}
    taken: set[int] = set()
    holding: dict[int, Edit] = {}
    for edit in reversed(edits):
        begin = place_of.get(edit.source[0])
        if begin is None or tuple(spans[begin : begin + len(edit.source)]) != edit.source:
            continue
        places = range(begin, begin + len(edit.source))
        if taken.isdisjoint(places):
            taken.update(places)
            holding[begin] = edit
    return holding


def _units(machine: Sequence[Segment], spans: Sequence[Span], holding: Mapping[int, Edit]) -> Iterable[Unit]:
    ids = _machine_ids(machine)
    place = 0
    while place < len(machine):
        edit = holding.get(place)
        end = place + (len(edit.source) if edit else 1)
        under = tuple(machine[place:end])
        if edit is None:
            yield Unit(under, (spans[place],), (ids[place],))
        else:
            numbered = tuple(f"e{edit.id}-{number}" for number in range(len(edit.pieces)))
            yield Unit(under, edit.source, numbered, edit)
        place = end


def _machine_ids(machine: Sequence[Segment]) -> list[str]:
    """By the start in milliseconds, so that an id outlives a new diarization; several that begin together are numbered."""
    seen: Counter[int] = Counter()
    ids = []
    for segment in machine:
        moment = round(segment.start * 1000)
        ids.append(f"m{moment}-{seen[moment]}" if seen[moment] else f"m{moment}")
        seen[moment] += 1
    return ids


def as_piece(segment: Segment) -> Piece:
    """Speakers stay the machine's own business: a new diarization may change them."""
    words = tuple(replace(word, speaker=None) for word in segment.words)
    return Piece(segment.start, segment.end, segment.text, None, words)


def _shown(unit: Unit, labels: Sequence[str], names: Mapping[str, str]) -> Iterable[ShownSegment]:
    if unit.edit is None:
        yield _as_heard(unit.ids[0], unit.machine[0], names)
        return
    for segment_id, piece in zip(unit.ids, unit.edit.pieces, strict=True):
        label = speaker_between(unit.machine, piece.start, piece.end) if piece.speaker is None else piece.speaker
        said_by = None if label is None else names.get(label, label)
        yield ShownSegment(
            id=segment_id,
            start=piece.start,
            end=piece.end,
            text=piece.text,
            speaker=said_by,
            label=label if label in labels else None,
            words=tuple(_spoken_words(piece, unit, said_by, names)),
            edited=True,
        )


def _as_heard(segment_id: str, heard: Segment, names: Mapping[str, str]) -> ShownSegment:
    label, words = heard.speaker, heard.words
    if names:  # a long transcript has many words, and mostly there is nothing to change about them
        words = tuple(_named(word, names) for word in words)
    said_by = None if label is None else names.get(label, label)
    return ShownSegment(segment_id, heard.start, heard.end, heard.text, said_by, label, words, edited=False)


def _named(word: Word, names: Mapping[str, str]) -> Word:
    name = names.get(word.speaker) if word.speaker else None
    return Word(word.word, word.start, word.end, word.score, name) if name else word


def _spoken_words(piece: Piece, unit: Unit, said_by: str | None, names: Mapping[str, str]) -> Iterable[Word]:
    """Who says a segment that a person gave a speaker, or made of several, says all of it; else each word is whose the machine heard it."""
    covered = sum(part.start < piece.end and piece.start < part.end for part in unit.machine)
    as_heard = piece.speaker is None and covered <= 1
    for word in piece.words:
        label = None
        if as_heard and word.start is not None and word.end is not None:
            label = word_speaker(unit.machine, word.start, word.end)
        yield replace(word, speaker=said_by if label is None else names.get(label, label))
