"""Owns the statements about stored segments."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from app.domain.transcript import Segment
from app.models import Segment as SegmentRow
from app.models import Task


class TranscriptRepository:
    """Segments, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace(self, task: Task, segments: Sequence[Segment]) -> None:
        """Make these the Task's segments."""
        self.clear(task)
        if segments:
            self._session.execute(insert(SegmentRow), [segment_values(task.id, segment) for segment in segments])

    def clear(self, task: Task) -> None:
        """Delete the Task's segments."""
        self._session.execute(delete(SegmentRow).where(col(SegmentRow.task_id) == task.id))

    def of(self, task: Task) -> list[SegmentRow]:
        """In the order of time."""
        rows = select(SegmentRow).where(SegmentRow.task_id == task.id).order_by(col(SegmentRow.index))
        return list(self._session.exec(rows).all())


def segment_values(task_id: int, segment: Segment) -> dict[str, object]:
    """The columns of one segment."""
    return {
        "task_id": task_id,
        "index": segment.index,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "speaker": segment.speaker,
        "words": [asdict(word) for word in segment.words],
    }
