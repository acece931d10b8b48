"""Owns the statements about what people made of a transcript: edits, speakers' names, the version that orders changes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.core.clock import utc_now
from app.domain.edits import Edit, Piece, Span
from app.domain.events import SegmentsRevisedEvent
from app.domain.lifecycle import FINISHED
from app.domain.rewriting import Replacement
from app.domain.speakers import carried_labels, carry_names, labels_of
from app.domain.transcript import Segment, Word
from app.infrastructure.database.repositories.segment_rows import stored_segments
from app.models import SegmentEdit, SpeakerName, Task, TaskEvent


class EditRepository:
    """Edits and names, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, task: Task) -> list[Edit]:
        """In the order in which they were made or last changed."""
        return [_edit(row) for row in self._rows(task.id)]

    def put(self, task: Task, replacement: Replacement) -> int:
        """Store an edit in the place of those that it absorbs; the first of them keeps its id."""
        kept = replacement.absorbed[0] if replacement.absorbed and replacement.pieces else None
        if gone := [edit_id for edit_id in replacement.absorbed if edit_id != kept]:
            self._session.execute(delete(SegmentEdit).where(col(SegmentEdit.id).in_(gone)))
        if not replacement.pieces:
            return 0
        row = SegmentEdit(task_id=task.id, source=[], pieces=[])
        if kept is not None:
            row = self._session.get_one(SegmentEdit, kept)
        row.source = [list(span) if span[2] else list(span[:2]) for span in replacement.source]
        row.pieces = [_stored_piece(piece) for piece in replacement.pieces]
        row.edited_at = utc_now()
        self._session.add(row)
        self._session.flush()
        return row.id

    def names(self, task: Task) -> dict[str, str]:
        """What people call the speakers, by label."""
        return self._names(task.id)

    def name(self, task: Task, label: str, name: str | None) -> None:
        """Give a speaker a name, or take it back."""
        self._set_names(task.id, {other: called for other, called in self._names(task.id).items() if other != label})
        if name is not None:
            self._session.add(SpeakerName(task_id=task.id, label=label, name=name))
        self._session.flush()

    def advance(self, task: Task, version: int) -> bool:
        """Count a change of a finished Task's transcript that was made on this version; False if it is not the present one."""
        present = (col(Task.id) == task.id) & (col(Task.transcript_version) == version) & col(Task.status).in_(FINISHED)
        counted = update(Task).where(present).values(transcript_version=version + 1).returning(col(Task.id))
        won = self._session.execute(counted, execution_options={"synchronize_session": False}).first() is not None
        self._session.refresh(task)
        return won

    def carry(self, task_id: int, segments: Sequence[Segment]) -> None:
        """To be called before `segments` replace the stored ones: names, and speakers chosen in edits, follow their speakers.

        A run may store segments without speakers in between; then the log still knows the speakers that the names are about.
        """
        names, edits = self._names(task_id), self._rows(task_id)
        if not labels_of(segments) or not (names or edits):
            return
        old = stored_segments(self._session, task_id)
        if not labels_of(old):
            old = self._last_told(task_id)
        known, carried = labels_of(old), carried_labels(old, segments)
        if not known or all(carried.get(label) == label for label in known):
            return
        self._set_names(task_id, carry_names(old, segments, names))
        follow = {label: carried.get(label, names.get(label)) for label in known}
        for row in edits:
            row.pieces = [piece | {"speaker": follow.get(piece["speaker"], piece["speaker"])} for piece in row.pieces]
            self._session.add(row)
        self._session.flush()

    def _rows(self, task_id: int) -> Sequence[SegmentEdit]:
        rows = select(SegmentEdit).where(SegmentEdit.task_id == task_id)
        return self._session.exec(rows.order_by(col(SegmentEdit.edited_at), col(SegmentEdit.id))).all()

    def _names(self, task_id: int) -> dict[str, str]:
        rows = select(SpeakerName).where(SpeakerName.task_id == task_id).order_by(col(SpeakerName.label))
        return {row.label: row.name for row in self._session.exec(rows).all()}

    def _set_names(self, task_id: int, names: Mapping[str, str]) -> None:
        self._session.execute(delete(SpeakerName).where(col(SpeakerName.task_id) == task_id))
        self._session.add_all(SpeakerName(task_id=task_id, label=label, name=name) for label, name in names.items())
        self._session.flush()

    def _last_told(self, task_id: int) -> tuple[Segment, ...]:
        """The newest segments with speakers that watchers were told of."""
        told = select(TaskEvent.payload).where(
            TaskEvent.task_id == task_id, TaskEvent.type == SegmentsRevisedEvent.type
        )
        for payload in self._session.exec(told.order_by(col(TaskEvent.seq).desc())):
            segments = tuple(_told_segment(segment) for segment in orjson.loads(payload)["segments"])
            if labels_of(segments):
                return segments
        return ()


def _edit(row: SegmentEdit) -> Edit:
    return Edit(row.id, tuple(_span(source) for source in row.source), tuple(_piece(piece) for piece in row.pieces))


def _span(source: Sequence[float]) -> Span:
    return source[0], source[1], int(source[2]) if len(source) > 2 else 0


def _piece(stored: Mapping[str, Any]) -> Piece:
    words = tuple(Word(**word) for word in stored["words"])
    return Piece(stored["start"], stored["end"], stored["text"], stored["speaker"], words)


def _stored_piece(piece: Piece) -> dict[str, Any]:
    return asdict(replace(piece, words=())) | {"words": [asdict(word) for word in piece.words]}


def _told_segment(told: Mapping[str, Any]) -> Segment:
    words = tuple(Word(**word) for word in told["words"])
    return Segment(told["index"], told["start"], told["end"], told["text"], told["speaker"], words)
