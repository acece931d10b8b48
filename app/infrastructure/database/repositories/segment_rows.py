"""Owns how segments become rows and rows segments."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import case, func
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


def stored_segments(session: Session, task_id: int, *, words: bool = True) -> tuple[Segment, ...]:
    """The segments of a Task in the order of time; without `words` only with those that are said by somebody else than their
    segment: who speaks has to be known all the same, and all the others are most of the work."""
    columns = (SegmentRow.index, SegmentRow.start, SegmentRow.end, SegmentRow.text, SegmentRow.speaker)
    spoken: Any = SegmentRow.words if words else case((_has_other_speakers(), SegmentRow.words), else_=None)
    rows = select(*columns, spoken).where(SegmentRow.task_id == task_id)  # type: ignore[call-overload]
    return tuple(_segment(row) for row in session.execute(rows.order_by(col(SegmentRow.index))))


def _has_other_speakers() -> Any:
    words = func.json_each(SegmentRow.words).table_valued("value")
    speaker = func.json_extract(words.c.value, "$.speaker")
    others = speaker.is_not(None) & speaker.is_distinct_from(SegmentRow.speaker)
    return select(words.c.value).where(others).exists()


def _segment(row: Any) -> Segment:
    index, start, end, text, speaker, words = row
    return Segment(index, start, end, text, speaker, tuple(map(_word, words or ())))


def _word(stored: dict[str, Any]) -> Word:
    return Word(stored["word"], stored["start"], stored["end"], stored["score"], stored["speaker"])
