"""Owns the transcript as JSON, for whoever shows it: a recording of ten hours has a hundred thousand words, and none becomes a model."""

from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.edits import ShownSegment, ShownTranscript
from app.schemas.tasks import Transcript


@dataclass(frozen=True, slots=True)
class WrittenTranscript:
    """A transcript as bytes (JSON and other text as UTF-8), and what an answer says beside it."""

    body: bytes
    version: int
    filename: str


def transcript_json(head: Transcript, shown: ShownTranscript, *, words: bool) -> WrittenTranscript:
    """The body `app.schemas.tasks.Transcript`; `head` is all of it but the segments. Without `words` each of these has none."""
    segments = [_segment(index, segment, words) for index, segment in enumerate(shown.segments)]
    body = orjson.dumps(head.model_dump(mode="json") | {"segments": segments})
    return WrittenTranscript(body, head.version, head.filename)


def _segment(index: int, segment: ShownSegment, words: bool) -> dict[str, Any]:
    """The fields of `app.schemas.tasks.TranscriptSegment`; a `Word` has those of `TranscriptWord` and is written as it is."""
    return {
        "index": index,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "speaker": segment.speaker,
        "words": segment.words if words else (),
        "id": segment.id,
        "edited": segment.edited,
        "speaker_label": segment.label,
    }
