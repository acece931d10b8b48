"""Owns the words between worker and services: what a worker was given to do, and what came of it."""

from dataclasses import dataclass, field

from app.domain.options import TranscriptionOptions
from app.domain.transcript import Segment
from app.services.store import Lease


@dataclass(frozen=True, slots=True)
class Claim:
    """A Task that this worker may run: its lease, where its bytes are (or the URL they are to come from), its options."""

    lease: Lease
    filename: str
    storage_key: str | None
    source_url: str | None
    duration_seconds: float | None
    options: TranscriptionOptions
    percentage: int = 0
    """What the Task shows already in this attempt: after a download, its part of the way."""

    @property
    def task_id(self) -> str:
        """Public id of the Task."""
        return self.lease.task_id


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a finished run produced. `work_seconds` is the time by stage, for the speed table."""

    segments: tuple[Segment, ...]
    text: str
    engine: str
    model: str
    device: str
    duration_seconds: float
    language: str | None = None
    language_probability: float | None = None
    diarized: bool | None = None
    work_seconds: dict[str, float] = field(default_factory=dict)
