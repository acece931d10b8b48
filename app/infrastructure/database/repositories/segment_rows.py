"""Owns how a segment becomes a row and a row a segment."""

from dataclasses import asdict

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


def segment_of(row: SegmentRow) -> Segment:
    """The segment of one row."""
    words = tuple(Word(**word) for word in row.words)
    return Segment(row.index, row.start, row.end, row.text, row.speaker, words)
