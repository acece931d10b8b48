"""Owns the events of a Task: what happened, in the fields and the order in which it goes over the wire.

An event is numbered (`seq`, from 1 without a hole within a Task) and stamped when it is stored, not when
it is made; so the shapes here are *drafts* without these three, and the codec adds `task_id`, `seq`
and `timestamp`.
"""

from dataclasses import dataclass
from typing import ClassVar

from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment, Word


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far the Task is. The end of a good run is stage `complete` at 100 %, sent after the result can be read."""

    type: ClassVar[str] = "progress"
    stage: TaskProgressStage
    percentage: int
    message: str = ""
    stage_percentage: int = 0
    eta_seconds: float | None = None
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """The Task failed; `error_code` is an entry of the catalogue, `technical_detail` is for an admin."""

    type: ClassVar[str] = "error"
    error_code: str
    user_message: str
    technical_detail: str | None
    retryable: bool
    remedy: str


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """One segment, as soon as it is decoded. Times in seconds."""

    type: ClassVar[str] = "segment"
    index: int
    start: float
    end: float
    text: str
    speaker: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentsRevisedEvent:
    """All segments anew, after alignment and after diarization."""

    type: ClassVar[str] = "segments_revised"
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class WarningEvent:
    """Something is not as asked for, and the run goes on."""

    type: ClassVar[str] = "warning"
    code: str
    user_message: str


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """The Task's status, or its place in the queue (1 = next), changed."""

    type: ClassVar[str] = "status"
    status: JobStatus
    queue_position: int | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class TranscriptChangedEvent:
    """Somebody edited the transcript of a finished Task, or named a speaker: whoever shows it reads it again. It holds no text."""

    type: ClassVar[str] = "transcript_changed"
    version: int


Event = (
    ProgressEvent
    | ErrorEvent
    | SegmentEvent
    | SegmentsRevisedEvent
    | WarningEvent
    | StatusEvent
    | TranscriptChangedEvent
)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it rests in the log: numbered, and encoded once.

    `row` orders all events of the database by commit; `seq` counts this Task's own from 1 without a hole;
    `payload` is the UTF-8 JSON that goes over every wire; `final` is set on the status event that ends an attempt.
    """

    row: int
    task_id: str
    seq: int
    type: str
    payload: bytes
    final: bool = False


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Where a Task's log stands.

    `epoch` changes only if the history was lost, `seq` is the last number given out, `first_seq` the oldest
    that can still be read (seq + 1 if none).
    """

    epoch: str
    seq: int
    first_seq: int
    status: JobStatus


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A Task as it is now, for a watcher that cannot or need not read the history.

    `payloads` are encoded events that carry the present state (`status`, `progress`, then `segments_revised` with all
    segments so far, then `error` if it failed), each with the Task's present `seq`.
    """

    position: LogPosition
    payloads: tuple[bytes, ...]
