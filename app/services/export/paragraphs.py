"""Owns paragraphs: what one person says without a long pause, for documents that are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.scripts import joined
from app.schemas.tasks import Transcript, TranscriptSegment
from app.services.export.options import RenderOptions
from app.services.export.typography import one_line

_PAUSE_SECONDS: Final = 2.0
_LONG_ENOUGH: Final = 600
"""Characters after which a paragraph ends with the segment."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text that begins at `start` seconds; `speaker` where known and wanted."""

    start: float
    speaker: str | None
    text: str


def paragraphs_of(transcript: Transcript, options: RenderOptions) -> list[Paragraph]:
    """The transcript in paragraphs; segments without text are left out."""
    groups: list[list[TranscriptSegment]] = []
    for segment in transcript.segments:
        if not one_line(segment.text):
            continue
        if not groups or _begins_anew(groups[-1], segment):
            groups.append([])
        groups[-1].append(segment)
    return [_paragraph(group, options) for group in groups]


def moment(seconds: float) -> str:
    """A place in the recording, for a reader: `00:01:05`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"


def facts_of(transcript: Transcript) -> str:
    """What is known about the recording, in one line: language, length, engine and model."""
    length = transcript.duration_seconds
    engine = " ".join(part for part in (transcript.engine, transcript.model) if part)
    return " · ".join(filter(None, (transcript.language, moment(length) if length is not None else None, engine)))


def title_of(transcript: Transcript) -> str:
    """The recording's name."""
    return one_line(transcript.filename) or "Transcript"


def _begins_anew(paragraph: Sequence[TranscriptSegment], segment: TranscriptSegment) -> bool:
    before = paragraph[-1]
    paused = segment.start - before.end >= _PAUSE_SECONDS
    return paused or segment.speaker != before.speaker or sum(len(part.text) for part in paragraph) >= _LONG_ENOUGH


def _paragraph(group: Sequence[TranscriptSegment], options: RenderOptions) -> Paragraph:
    speaker = one_line(group[0].speaker or "") if options.speakers else ""
    return Paragraph(group[0].start, speaker or None, joined(one_line(segment.text) for segment in group))
