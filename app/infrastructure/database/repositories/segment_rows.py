"""Owns how segments become rows and rows segments."""

from dataclasses import asdict
from typing import Any

from sqlmodel import Session, col, select

from app.domain.transcript import Segment, Word
from app.models import Segment as SegmentRow


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


def stored_segments(session: Session, task_id: int) -> tuple[Segment, ...]:
    """The segments of a Task in the order of time."""
    columns = (
        SegmentRow.index,
        SegmentRow.start,
        SegmentRow.end,
        SegmentRow.text,
        SegmentRow.speaker,
        SegmentRow.words,
    )
    rows = select(*columns).where(SegmentRow.task_id == task_id)  # type: ignore[call-overload]
    return tuple(_segment(row) for row in session.execute(rows.order_by(col(SegmentRow.index))))


def _segment(row: Any) -> Segment:
    index, start, end, text, speaker, words = row
    return Segment(index, start, end, text, speaker, tuple(Word(**word) for word in words))
