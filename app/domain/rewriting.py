"""Owns what has to be stored when somebody changes a shown transcript: another text or speaker, a split, a merger, the machine's again.

Whoever edits what is edited already changes that edit: edits are never stacked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.domain.edits import Edit, Piece, ShownTranscript, Span, Unit, as_piece, lay
from app.domain.errors import CesarError
from app.domain.scripts import joined, tidied, tokens
from app.domain.transcript import Segment, Word
from app.domain.word_times import cut_at_offset, cut_at_time, retimed

MAX_TEXT: Final = 5_000
"""Most characters of one segment's text; an hour of speech has ten times as many."""


class Unchanged:
    """Stands for "leave it as it is", where None already means something."""


UNCHANGED: Final = Unchanged()


@dataclass(frozen=True, slots=True)
class Replacement:
    """An edit to be stored in the place of the edits `absorbed`; without pieces the machine's segments are shown again."""

    source: tuple[Span, ...]
    pieces: tuple[Piece, ...]
    absorbed: tuple[int, ...]

    def changes(self, shown: ShownTranscript) -> bool:
        """Whether anything is another afterwards."""
        gone = [edit for edit in shown.edits if edit.id in self.absorbed]
        if not (gone and self.pieces):
            return bool(gone or self.pieces)
        return [(edit.source, edit.pieces) for edit in gone] != [(self.source, self.pieces)]

    def laid(self, shown: ShownTranscript, edit_id: int = 0) -> ShownTranscript:
        """What is shown afterwards, given the id of the stored edit; before it is known ids of segments are not right yet."""
        edits = [edit for edit in shown.edits if edit.id not in self.absorbed]
        edits += [Edit(edit_id, self.source, self.pieces)] if self.pieces else []
        return lay(shown.machine, edits, shown.names)


@dataclass(frozen=True, slots=True)
class Naming:
    """A name to be stored for a speaker; None takes it back."""

    label: str
    name: str | None

    def changes(self, shown: ShownTranscript) -> bool:
        """Whether anything is another afterwards."""
        return shown.names.get(self.label) != self.name

    def laid(self, shown: ShownTranscript, _edit_id: int = 0) -> ShownTranscript:
        """What is shown afterwards."""
        names = {label: name for label, name in shown.names.items() if label != self.label}
        names |= {self.label: self.name} if self.name is not None else {}
        return lay(shown.machine, shown.edits, names)


def name_speaker(shown: ShownTranscript, label: str, name: str | None) -> Naming:
    """Call a speaker by a name; None, an empty name and the label take it back. Raises `CesarError`: `speaker_not_found`, `bad_value`."""
    called = " ".join((name or "").split())
    if label not in shown.labels:
        raise CesarError("speaker_not_found")
    if called != label and called in shown.labels:
        raise CesarError("bad_value", "this name is the label of another speaker")
    return Naming(label, called if called != label and called else None)


def change(
    shown: ShownTranscript,
    segment_id: str,
    *,
    text: str | Unchanged = UNCHANGED,
    speaker: str | Unchanged | None = UNCHANGED,
) -> Replacement:
    """Another text, another speaker (None: the machine's again), or both. Raises `CesarError`: `segment_not_found`, `bad_value`."""
    piece = _piece(shown, segment_id)
    if not isinstance(text, Unchanged):
        clean = tidied(text)
        piece = replace(piece, text=_checked(clean), words=retimed(piece.words, clean))
    if not isinstance(speaker, Unchanged):
        piece = replace(piece, speaker=_label_of(shown, speaker))
    return _replaced(shown, segment_id, segment_id, (piece,))


def split(
    shown: ShownTranscript, segment_id: str, *, at: float | None = None, offset: int | None = None
) -> Replacement:
    """Two segments, cut between the words nearest to a moment (seconds) or to a place in the text (characters).

    Raises:
        CesarError: `segment_not_found`, `bad_value`.
    """
    piece = _piece(shown, segment_id)
    whole = Segment(0, piece.start, piece.end, piece.text, words=piece.words)
    if at is not None and piece.start <= at <= piece.end:
        cut = cut_at_time(whole, at)
    elif offset is not None and 0 <= offset <= len(piece.text):
        cut = cut_at_offset(whole, offset)
    else:
        raise CesarError("bad_value", "the place to split at is not within the segment")
    if cut is None:
        raise CesarError("bad_value", "a segment of a single word cannot be split")
    first = replace(piece, end=cut.end, text=cut.before, words=cut.words_before)
    second = replace(piece, start=cut.start, text=cut.after, words=cut.words_after)
    return _replaced(shown, segment_id, segment_id, (first, second))


def merge(shown: ShownTranscript, first_id: str, last_id: str) -> Replacement:
    """One segment in the place of all from the first to the last. Raises `CesarError`: `segment_not_found`, `bad_value`."""
    ids = [segment.id for segment in shown.segments]
    if first_id not in ids or last_id not in ids:
        raise CesarError("segment_not_found")
    if ids.index(first_id) >= ids.index(last_id):
        raise CesarError("bad_value", "the first segment to merge has to come before the last")
    _, pieces, _ = _around(_units(shown, first_id, last_id), first_id, last_id)
    return _replaced(shown, first_id, last_id, (_merged(pieces),))


def restore(shown: ShownTranscript, segment_id: str) -> Replacement:
    """The machine's segments again, where an edit holds. Raises `CesarError`: `segment_not_found`."""
    for unit in shown.units:
        if segment_id in unit.ids and unit.edit is not None:
            return Replacement(unit.spans, (), (unit.edit.id,))
    raise CesarError("segment_not_found", "no edited segment has this id")


def _piece(shown: ShownTranscript, segment_id: str) -> Piece:
    for unit in shown.units:
        if segment_id in unit.ids:
            return unit.pieces[unit.ids.index(segment_id)]
    raise CesarError("segment_not_found")


def _replaced(shown: ShownTranscript, first_id: str, last_id: str, pieces: tuple[Piece, ...]) -> Replacement:
    """An edit covers whole units, so what else they hold is kept before and after the new pieces."""
    units = _units(shown, first_id, last_id)
    before, _, after = _around(units, first_id, last_id)
    made = (*before, *pieces, *after)
    untouched = made == tuple(as_piece(segment) for unit in units for segment in unit.machine)
    return Replacement(
        source=tuple(span for unit in units for span in unit.spans),
        pieces=() if untouched else made,
        absorbed=tuple(unit.edit.id for unit in units if unit.edit is not None),
    )


def _units(shown: ShownTranscript, first_id: str, last_id: str) -> tuple[Unit, ...]:
    begin = next(at for at, unit in enumerate(shown.units) if first_id in unit.ids)
    end = next(at for at, unit in enumerate(shown.units) if last_id in unit.ids)
    return shown.units[begin : end + 1]


def _around(units: Sequence[Unit], first_id: str, last_id: str) -> tuple[tuple[Piece, ...], ...]:
    """The pieces of these units before the first id, from it to the last, and after that."""
    ids = [segment_id for unit in units for segment_id in unit.ids]
    pieces = tuple(piece for unit in units for piece in unit.pieces)
    begin, end = ids.index(first_id), ids.index(last_id) + 1
    return pieces[:begin], pieces[begin:end], pieces[end:]


def _label_of(shown: ShownTranscript, speaker: str | None) -> str | None:
    """A speaker's name stands for its label, so that a later renaming reaches this segment too."""
    if speaker is None or speaker in shown.labels:
        return speaker
    return next((label for label in shown.labels if shown.names.get(label) == speaker), speaker)


def _merged(pieces: Sequence[Piece]) -> Piece:
    text = pieces[0].text
    for piece in pieces[1:]:
        text = _checked(joined((text, piece.text)))
    has_words = any(piece.words for piece in pieces)
    longest = max(pieces, key=lambda piece: piece.end - piece.start)
    return Piece(
        start=pieces[0].start,
        end=max(piece.end for piece in pieces),
        text=text,
        speaker=longest.speaker,
        words=tuple(word for piece in pieces for word in _words_of(piece)) if has_words else (),
    )


def _words_of(piece: Piece) -> tuple[Word, ...]:
    return piece.words or tuple(Word(piece.text[begin:end]) for begin, end in tokens(piece.text))


def _checked(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise CesarError("bad_value", f"a segment's text may have at most {MAX_TEXT} characters")
    return text
