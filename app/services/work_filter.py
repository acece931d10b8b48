"""Owns what may be asked of lists of Tasks and Jobs: which of them, in which order."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.lifecycle import JobStatus


class TaskOrder(StrEnum):
    """By what a list of Tasks is sorted; with `-` descending. Unknown durations come last in either direction."""

    NEWEST = "-created"
    OLDEST = "created"
    NAME = "name"
    NAME_DESCENDING = "-name"
    STATUS = "status"
    STATUS_DESCENDING = "-status"
    SHORTEST = "duration"
    LONGEST = "-duration"


class JobOrder(StrEnum):
    """By what a list of Jobs is sorted; with `-` descending."""

    NEWEST = "-created"
    OLDEST = "created"
    STATUS = "status"
    STATUS_DESCENDING = "-status"


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which Tasks are wanted: in one of these statuses (none named: in any), with this in their recording's name."""

    statuses: tuple[JobStatus, ...] = ()
    name: str = ""
    order: TaskOrder = TaskOrder.NEWEST


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which Jobs are wanted: in one of these statuses (none named: in any), with a recording of such a name, of this type."""

    statuses: tuple[JobStatus, ...] = ()
    name: str = ""
    order: JobOrder = JobOrder.NEWEST
    job_type: str | None = None


ALL_TASKS: Final = TaskFilter()
ALL_JOBS: Final = JobFilter()
