"""Owns the seam to the database for Jobs over many Files: errands, what was imported, selections, and pages of lists."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.domain.job_types import JobState
from app.models import File, Job, JobStatus, Task


@dataclass(frozen=True, slots=True)
class ErrandLease:
    """A worker's right to write about an errand: valid while the Job's attempt and owner are these."""

    job_id: str
    attempt: int
    owner: str


@dataclass(frozen=True, slots=True)
class Selected:
    """A recording whose transcript is wanted; `task_id` None: it has none. The public id, and the name it came with."""

    task_id: str | None
    filename: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Recordings by the public ids of Files, Tasks and Jobs, and by a tag; all of them together."""

    files: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class JobDigest:
    """What a list shows of a Job: its first Tasks and Files, the Task that speaks for it, the mean percentage of all Tasks."""

    tasks: tuple[Task, ...]
    files: tuple[File, ...]
    leading: Task | None
    percentage: int | None


class Errands(Protocol):
    """Jobs without Tasks: every change of status is one guarded UPDATE."""

    def add(self, job: Job, files: Sequence[File]) -> Job:
        """Store a new errand that holds these Files."""

    def any_waiting(self) -> bool:
        """Whether there is one to claim."""

    def claim(self, owner: str, expires: datetime) -> Job | None:
        """Take the oldest waiting errand, atomically; it becomes `processing`."""

    def renew(self, lease: ErrandLease, expires: datetime) -> bool:
        """Prolong a lease; False if it is no longer ours."""

    def holds(self, lease: ErrandLease) -> bool:
        """Whether the lease is still ours."""

    def leased(self) -> list[Job]:
        """All errands that a worker holds, oldest first."""

    def move(self, job: Job, target: JobStatus, lease: ErrandLease | None, values: Mapping[str, Any]) -> bool:
        """Change the status and set columns if the lifecycle allows it and, where given, the lease still holds; whether it did."""

    def count(self, lease: ErrandLease, current: int, total: int) -> bool:
        """So many of so many are done; False if the lease is no longer ours."""

    def include(self, job_id: str, file: File) -> None:
        """The File is one of the Job's; once is enough."""


class Imports(Protocol):
    """What was taken in from folders."""

    def known(self, path: str, size_bytes: int, modified_ns: int) -> File | None:
        """The File that was taken from this path while it had this size and time."""

    def same_bytes(self, sha256: str) -> File | None:
        """The oldest File with these bytes that still has them; a discarded copy only if there is no other."""

    def remember(self, path: str, size_bytes: int, modified_ns: int, file: File) -> None:
        """What is at this path is this File."""


class Selections(Protocol):
    """Files and Tasks by what a person names."""

    def files(self, uuids: Sequence[str]) -> list[File]:
        """In this order, each once. Raises `CesarError("file_not_found")`."""

    def check(self, selection: Selection) -> None:
        """Raises `CesarError`: `file_not_found`, `task_not_found`, `job_not_found`."""

    def resolve(self, selection: Selection) -> list[Selected]:
        """Every recording once: Tasks as they are, of a File its newest Task that has a transcript. What is gone is left out."""


class Lists(Protocol):
    """What pages of lists need, in a handful of statements however many rows they show."""

    def tasks_of(self, job: Job, *, text: bool = True) -> list[Task]:
        """All of a Job's, in their order."""

    def portion(
        self, job: Job, statuses: Collection[JobStatus], past: int | None, limit: int, *, from_end: bool
    ) -> list[Task]:
        """Some of a Job's that have one of these statuses, by position, beyond `past` (None: from the first, or the last)."""

    def positions(self, tasks: Collection[Task]) -> dict[int, int]:
        """Places in the queue (1 = next) of those that wait, by row id."""

    def beginnings(self, tasks: Collection[Task], characters: int) -> dict[int, str]:
        """The first characters of what is in `result_text`, by row id, of those that have one."""

    def states(self, uuids: Sequence[str]) -> list[JobState]:
        """How far these Jobs are; those that are gone are left out."""

    def digests(self, jobs: Sequence[Job], shown: int, *, text: bool = True) -> dict[int, JobDigest]:
        """By row id, with at most `shown` Tasks and Files each; without `text` nobody may ask the Tasks for `result_text`."""
