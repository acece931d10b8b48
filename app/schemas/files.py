"""Owns the JSON of Files: what is known of a recording, and what people decided about it."""

from datetime import datetime
from typing import Any

from pydantic import Field, JsonValue

from app.domain.lifecycle import JobStatus
from app.domain.recording_time import ConfidenceLevel, TimeSource
from app.domain.time_text import Precision
from app.schemas.tasks import WireModel


class RecordingTime(WireModel):
    """When it was recorded, as it counts: what a person decided (`source` is `user`), else what was found out."""

    value: datetime | None
    """The beginning of what is known: with `precision` `day` the beginning of that day."""
    source: TimeSource | None
    confidence: ConfidenceLevel
    precision: Precision | None


class TimestampCandidate(WireModel):
    """Something that says when it was recorded, and whether it could be and was believed."""

    source: TimeSource
    value: datetime
    precision: Precision
    raw: str
    """As it stands there."""
    where: str
    plausible: bool
    chosen: bool


class MediaStream(WireModel):
    """A stream of the recording: `type` is audio, video, picture, subtitle, data or attachment; `sample_rate` in Hertz."""

    type: str
    codec: str | None = None
    language: str | None = None
    sample_rate: int | None = None
    channels: int | None = None


class FileTask(WireModel):
    """A transcription of the File."""

    id: str
    job_id: str
    status: JobStatus


class FileDuplicate(WireModel):
    """Two Files that are the same recording; `duplicate_of_id` is the older."""

    file_id: str
    duplicate_of_id: str
    match_type: str
    similarity_score: float
    detected_at: datetime


class FileLinks(WireModel):
    """Where to go from here; paths on this server."""

    self: str
    media: str
    decisions: str
    duplicates: str


class FileSummary(WireModel):
    """A File as lists show it."""

    id: str
    filename: str
    mime_type: str | None
    file_size_bytes: int | None
    duration_seconds: float | None
    effective_timestamp: RecordingTime
    tags: list[str]
    hidden: bool
    """Discarded as a copy."""
    has_media: bool
    """Whether the recording itself is here."""
    created_at: datetime
    tasks: list[FileTask]
    links: FileLinks


class File(FileSummary):
    """One received recording with everything that is known of it."""

    file_hash_sha256: str | None
    file_hash_perceptual: str | None
    source_url: str | None
    """Where it was fetched; without its query."""
    media_removed_at: datetime | None
    detected_timestamp: datetime | None
    """What was found out, whatever a person decided."""
    timestamp_source: TimeSource | None
    confidence: ConfidenceLevel
    timestamp_candidates: list[TimestampCandidate]
    streams: list[MediaStream]
    duplicates: list[FileDuplicate]
    updated_at: datetime


class FilePage(WireModel):
    """One page of Files, newest first."""

    files: list[FileSummary]
    total: int
    page: int
    per_page: int


class TagCount(WireModel):
    """A tag, and how many files that are not discarded have it."""

    tag: str
    files: int


class Tags(WireModel):
    """The tags in use, at most a thousand, the most used first."""

    tags: list[TagCount]


class DecisionRequest(WireModel):
    """What a person decides: a `decision_type` and, where it takes one, its value."""

    decision_type: str = Field(
        json_schema_extra={"enum": ["timestamp_override", "keep_duplicate", "discard_duplicate", "tag_assignment"]}
    )
    decision_value: JsonValue = None
    """For `timestamp_override` an ISO 8601 time with its offset, or null to take it back; for `tag_assignment` a list of tags; for
    `keep_duplicate` and `discard_duplicate` the reason, or null."""


class Decision(WireModel):
    """One decision of the history."""

    file_id: str
    decision_type: str
    decision_value: Any
    decided_at: datetime


class DecisionHistory(WireModel):
    """Everything that was decided about a File, oldest first; the latest of a topic counts."""

    decisions: list[Decision]
