"""Owns the kinds of Jobs: what each is for, which of them are errands, and what is told of a Job itself."""

from dataclasses import dataclass
from typing import Final

from app.domain.lifecycle import JobStatus

PROCESS: Final = "process"
"""Transcribes: one Task for each File."""

IMPORT: Final = "import"
"""Takes recordings in and transcribes nothing."""

EXPORT: Final = "export"
"""Bundles transcripts into one archive."""

ERRANDS: Final = (IMPORT, EXPORT)
"""Jobs without Tasks: a worker does their work beside its Tasks, and counts it on the Job itself."""

JOB_TYPES: Final = (PROCESS, *ERRANDS)


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a Job is: `progress_current` of `progress_total` Tasks, or recordings of an errand, are done. `job_id` is public."""

    job_id: str
    job_type: str
    status: JobStatus
    progress_current: int
    progress_total: int
    retry_count: int
    error_message: str | None
