"""Owns the JSON of Tasks: the whole Task, the polling answer, the transcript."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage


class WireModel(BaseModel):
    """What every body of the contract has in common: closed, strict, readable from rows."""

    model_config = ConfigDict(strict=True, extra="forbid", from_attributes=True)


class TaskLinks(WireModel):
    """Where to go from here; paths on this server."""

    self: str
    progress: str
    events: str
    transcript: str
    socket: str
    upload: str | None = None
    """Where the rest of a recording that comes in pieces is sent, by tus; null when nothing is waited for."""


class TaskProgress(WireModel):
    """How far a Task is: the polling counterpart of `progress` events."""

    identifier: str
    status: JobStatus
    progress_percentage: int = Field(ge=0, le=100)
    progress_stage: TaskProgressStage | None
    error: str | None = None
    seq: int = 0
    """Number of the newest event; pass it as `after` to wait for the next, or to resume a socket."""
    stage_percentage: int = Field(default=0, ge=0, le=100)
    eta_seconds: float | None = None
    stalled: bool = False
    queue_position: int | None = None
    """1 = next; null when the Task does not wait."""
    message: str = ""
    attempt: int = 1
    error_code: str | None = None
    uploading: bool = False
    """The recording is still on its way in, or being checked; nothing else is waited for."""


class DuplicateOf(WireModel):
    """The older File with the same bytes, and a transcript of it that is there already."""

    file_id: str
    """The oldest such File; the Task's own if that was transcribed before and no other has its bytes."""
    score: float = Field(ge=0, le=1)
    task_id: str | None = None
    """A completed Task about these bytes: the one whose transcript was reused, else the newest."""
    transcript: str | None = None
    """Where that transcript is."""
    differs: list[str] = []
    """The options in which it was made otherwise, so that it was not reused although that was asked for."""


class Task(WireModel):
    """One transcription of one File."""

    id: str
    job_id: str
    file_id: str
    filename: str
    status: JobStatus
    progress_percentage: int = Field(ge=0, le=100)
    progress_stage: TaskProgressStage | None
    stage_percentage: int = Field(ge=0, le=100)
    message: str
    eta_seconds: float | None
    stalled: bool
    queue_position: int | None
    attempt: int
    seq: int
    epoch: str
    duration_seconds: float | None
    """Length of the recording in seconds, when known."""
    engine: str | None
    """The engine that ran: `whisperx`, `pocketsphinx`, …"""
    model: str | None
    device: str | None
    detected_language: str | None
    language_probability: float | None
    result_text: str | None
    beginning: str | None
    """The first 240 characters of `result_text`, also where a list leaves that out."""
    speaker_count: int | None
    diarized: bool | None
    diarization_error: str | None
    diarization_error_code: str | None
    warnings: list[str]
    """Sentences about what is not as asked for."""
    error: str | None
    error_code: str | None
    technical_detail: str | None
    retryable: bool | None
    remedy: str | None
    options: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    links: TaskLinks
    uploading: bool = False
    """The recording is still on its way in, or being checked; nothing else is waited for."""
    reused_from: str | None = None
    """The Task whose transcript was taken over instead of transcribing the same recording again."""
    duplicate_of: DuplicateOf | None = None
    """What the recording is an exact duplicate of; not told in lists, and not where a change is answered."""


class TaskPage(WireModel):
    """One page of Tasks, newest first unless `sort` says otherwise."""

    tasks: list[Task]
    total: int
    page: int
    per_page: int


class TranscriptWord(WireModel):
    """One word: seconds from the beginning, null where unknown; score 0..1; the speaker as shown."""

    word: str
    start: float | None
    end: float | None
    score: float | None
    speaker: str | None


class TranscriptSegment(WireModel):
    """One stretch of transcript as it is shown: the machine's, or what a person put in its place; times in seconds."""

    index: int
    """Its place in the list of segments, from 0."""
    start: float
    end: float
    text: str
    speaker: str | None
    """The speaker as shown: the name that a person gave, else the label."""
    words: list[TranscriptWord]
    id: str = ""
    """Names the segment in requests that change it; holds until the next change of the segment itself."""
    edited: bool = False
    speaker_label: str | None = None
    """The label behind `speaker`; null if nobody was told apart, or if the name was given to this segment alone."""


class TranscriptSpeaker(WireModel):
    """Somebody who speaks: the label of diarization (null: a name given to single segments) and the name given to it."""

    label: str | None
    name: str | None


class Transcript(WireModel):
    """A whole transcript as it is shown, and what made it."""

    task_id: str
    filename: str
    language: str | None
    """Of the recording (ISO 639-1)."""
    engine: str | None
    model: str | None
    duration_seconds: float | None
    text: str
    segments: list[TranscriptSegment]
    version: int = 0
    """Grows with every change; a request that changes the transcript sends it back as If-Match (quoted, as in ETag)."""
    speakers: list[TranscriptSpeaker] = []
    """In the order in which they first speak."""
    unplaced_edits: int = 0
    """Edits of segments that are no longer there; they are kept, and shown again when such segments come back."""
    task: str = "transcribe"
    """`transcribe`; `translate` if the text is English whatever was spoken."""
