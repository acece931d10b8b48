"""Owns the seam to the database for the library: pages of Files, and what people decided about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from app.models import File, JobStatus, UserDecision


class FileOrder(StrEnum):
    """By what a list of Files is sorted; newest first in either case, those without a recording time last."""

    ARRIVED = "arrived"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which Files are wanted: with this tag, with this in their name, discarded copies as well, with these bytes."""

    tag: str | None = None
    name: str | None = None
    hidden: bool = False
    order: FileOrder = FileOrder.ARRIVED
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class TaskOfFile:
    """A Task and its Job, by their public ids."""

    task_id: str
    job_id: str
    status: JobStatus


@dataclass(frozen=True, slots=True)
class PairOfFiles:
    """A File and the older one that it is the same as, by their public ids."""

    file_id: str
    duplicate_of_id: str
    match_type: str
    similarity_score: float
    detected_at: datetime


class Library(Protocol):
    """Files as people see them."""

    def page(self, wanted: FileFilter, page: int, per_page: int) -> tuple[list[File], int]:
        """One page, and how many there are."""

    def tasks_of(self, files: Sequence[File]) -> Mapping[int, Sequence[TaskOfFile]]:
        """The Tasks of each, oldest first, by the File's key."""

    def pairs_of(self, file: File) -> list[PairOfFiles]:
        """What it is a duplicate of, and what is a duplicate of it."""

    def standing(self, files: Sequence[File]) -> Mapping[int, Sequence[UserDecision]]:
        """The newest decision of each type, oldest first, by the File's key."""

    def tags(self, limit: int) -> list[tuple[str, int]]:
        """Each tag, and how many Files that are not discarded have it, the most used first."""

    def history(self, file: File) -> list[UserDecision]:
        """All decisions, oldest first."""

    def decided_with(self, file: File, idempotency_key: str) -> UserDecision | None:
        """The decision that was made with this key."""

    def decide(self, decision: UserDecision) -> UserDecision:
        """Append a decision."""
