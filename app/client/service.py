"""Owns the seam between the command and whoever transcribes: a running server, or this process by itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.client.recordings import Recording
from app.domain.errors import CATALOGUE
from app.domain.lifecycle import JobStatus
from app.domain.options import TranscriptionOptions
from app.services.export.options import RenderOptions

Event = dict[str, Any]
"""An event as it goes over the wire: `type`, `task_id` and the fields of that type."""

GONE = "gone"
"""The type of the client's own event for a Task that somebody deleted."""

Sent = Callable[[Recording, int], None]
"""Hears how many bytes of a recording have been handed over so far."""


class Unreachable(Exception):
    """The server has not answered for too long; the message is its address."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A Job that now exists: its public id and those of its Tasks, in the order of the recordings."""

    job_id: str
    task_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a Task ended. `duration_seconds` is the recording's length; `problem` and `remedy` are sentences for a person."""

    status: JobStatus
    filename: str
    engine: str | None = None
    model: str | None = None
    device: str | None = None
    duration_seconds: float | None = None
    warnings: tuple[str, ...] = ()
    problem: str | None = None
    detail: str | None = None
    remedy: str | None = None

    @property
    def has_transcript(self) -> bool:
        """Whether the transcript is there (also if speakers could not be told apart)."""
        return self.status in (JobStatus.COMPLETED, JobStatus.PARTIAL)

    @classmethod
    def of(cls, task: dict[str, Any]) -> "Outcome":
        """From a Task's body; fields that a newer server adds are ignored."""
        status, code = JobStatus(task["status"]), task["error_code"]
        problem, detail, remedy = task["error"], task["technical_detail"], task["remedy"]
        if status is JobStatus.PARTIAL:
            problem, detail = task["diarization_error"], None
            known = CATALOGUE.get(task["diarization_error_code"] or "")
            remedy = known.remedy if known else None
        elif status is JobStatus.CANCELLED:
            problem = "It was cancelled."
        return cls(
            status=status,
            filename=task["filename"],
            engine=task["engine"],
            model=task["model"],
            device=task["device"],
            duration_seconds=task["duration_seconds"],
            warnings=tuple(task["warnings"]),
            problem=problem or code,
            detail=detail,
            remedy=remedy,
        )


class Service(Protocol):
    """Takes recordings in and transcribes them. Blocking; everything but `likely_engine` from one thread."""

    @property
    def place(self) -> str:
        """Where it runs, for a person."""

    @property
    def outlives_us(self) -> bool:
        """Whether accepted Tasks go on when this process ends."""

    def submit_files(self, recordings: Sequence[Recording], options: TranscriptionOptions, sent: Sent) -> Accepted:
        """All files become one Job, or none is kept. Raises `CesarError`, `Unreachable`."""

    def submit_url(self, url: str, options: TranscriptionOptions) -> Accepted:
        """A Job that fetches the recording first. Raises `CesarError`, `Unreachable`."""

    def follow(self, task_ids: Sequence[str]) -> Iterator[Event]:
        """What happens to these Tasks, live, until all are finished. Raises `CesarError`, `Unreachable`."""

    def outcome(self, task_id: str) -> Outcome:
        """How a finished Task ended. Raises `CesarError("task_not_found")`, `Unreachable`."""

    def transcript(self, task_id: str, wanted: str, options: RenderOptions) -> bytes:
        """The transcript as a file of a format. Raises `CesarError`, `Unreachable`."""

    def cancel(self, job_id: str) -> None:
        """End what is not finished. Raises `CesarError`, `Unreachable`."""

    def how_to_cancel(self, job_id: str) -> str:
        """What a person can do to cancel later."""

    def likely_engine(self) -> str | None:
        """The engine that a request without a wish gets; None if that cannot be said. From any thread."""

    def close(self) -> None:
        """Free what is held; soon, also while something runs."""
