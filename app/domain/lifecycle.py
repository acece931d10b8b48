"""Owns the life of a Task and of a Job: the statuses, the allowed moves, and how a Job follows from its Tasks.

    queued ──► downloading ──► queued            (a URL is fetched, then waits for its turn)
    queued ──► processing ──► completed | partial | failed | cancelled
    processing ──► queued                        (recovery of a dead worker, or shutdown)
    partial | failed | cancelled ──► queued      (retry)
    completed ──► queued                         (a stage is repeated with other options; the transcript is kept)

`MOVES` is the one table: the database guard, the services and the documentation read it.
"""

from collections.abc import Collection
from enum import StrEnum


class JobStatus(StrEnum):
    """Status of a Task and of a Job: queued → downloading → processing → completed | partial | failed | cancelled.

    `PARTIAL` means that the transcript is there and diarization failed.
    `PENDING`, `RUNNING` and `ERROR` are the old names of `QUEUED`, `PROCESSING` and `FAILED`:
    the same members, accepted as input (`JobStatus("pending")`), never sent out.
    """

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    PENDING = "queued"
    RUNNING = "processing"
    ERROR = "failed"

    @classmethod
    def _missing_(cls, value: object) -> "JobStatus | None":
        return _OLD_NAMES.get(value.lower()) if isinstance(value, str) else None


_OLD_NAMES = {
    "pending": JobStatus.QUEUED,
    "running": JobStatus.PROCESSING,
    "error": JobStatus.FAILED,
}

MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.DOWNLOADING, JobStatus.PROCESSING, JobStatus.CANCELLED}),
    JobStatus.DOWNLOADING: frozenset({JobStatus.QUEUED, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.PROCESSING: frozenset(
        {
            JobStatus.COMPLETED,
            JobStatus.PARTIAL,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
            JobStatus.QUEUED,
        }
    ),
    JobStatus.PARTIAL: frozenset({JobStatus.QUEUED}),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED}),
    JobStatus.COMPLETED: frozenset({JobStatus.QUEUED}),
}

FINISHED = frozenset({JobStatus.COMPLETED, JobStatus.PARTIAL, JobStatus.FAILED, JobStatus.CANCELLED})
UNFINISHED = frozenset({JobStatus.QUEUED, JobStatus.DOWNLOADING, JobStatus.PROCESSING})
RETRYABLE = frozenset({JobStatus.PARTIAL, JobStatus.FAILED, JobStatus.CANCELLED})
"""What a retry that names no stage may begin with: a completed Task has nothing left to try."""
RUNNING = frozenset({JobStatus.DOWNLOADING, JobStatus.PROCESSING})


def sources_of(target: JobStatus) -> frozenset[JobStatus]:
    """The statuses a Task may have when it moves to `target`: the guard of the UPDATE."""
    return frozenset(status for status, targets in MOVES.items() if target in targets)


def job_status_of(tasks: Collection[JobStatus]) -> JobStatus:
    """The status of a Job whose Tasks have these statuses.

    Args:
        tasks: statuses of all Tasks of the Job; a Job without Tasks has nothing left to wait for.
    """
    statuses = set(tasks)
    if not statuses:
        return JobStatus.COMPLETED
    if len(statuses) == 1:
        return statuses.pop()
    if JobStatus.PROCESSING in statuses:
        return JobStatus.PROCESSING
    unfinished = statuses - FINISHED
    if unfinished:
        return JobStatus.PROCESSING if statuses & FINISHED else JobStatus.DOWNLOADING
    return JobStatus.PARTIAL
