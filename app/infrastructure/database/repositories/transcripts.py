"""Owns the statements about stored segments."""

from collections.abc import Sequence

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from app.domain.transcript import Segment
from app.infrastructure.database.repositories.edits import EditRepository
from app.infrastructure.database.repositories.segment_rows import segment_values, stored_segments
from app.models import Segment as SegmentRow
from app.models import Task


class TranscriptRepository:
    """Segments, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace(self, task: Task, segments: Sequence[Segment]) -> None:
        """Make these the Task's segments; speakers' names follow their speakers."""
        replace_segments(self._session, task.id, segments)

    def clear(self, task: Task) -> None:
        """Delete the Task's segments."""
        self._session.execute(delete(SegmentRow).where(col(SegmentRow.task_id) == task.id))

    def of(self, task: Task, *, words: bool = True) -> tuple[Segment, ...]:
        """In the order of time, with their words or without."""
        return stored_segments(self._session, task.id, words=words)

    def any_of(self, task: Task) -> bool:
        """Whether there is a segment."""
        some = select(SegmentRow.id).where(SegmentRow.task_id == task.id).limit(1)
        return self._session.exec(some).first() is not None


def replace_segments(session: Session, task_id: int, segments: Sequence[Segment]) -> None:
    """The one way in which segments take the place of others."""
    EditRepository(session).carry(task_id, segments)
    session.execute(delete(SegmentRow).where(col(SegmentRow.task_id) == task_id))
    if segments:
        session.execute(insert(SegmentRow), [segment_values(task_id, segment) for segment in segments])
