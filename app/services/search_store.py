"""Owns the seam to the search: what it knows of a segment, what it finds, and the index within a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.search_query import SearchTerm
from app.models import Task


@dataclass(frozen=True, slots=True)
class SearchedSegment:
    """A shown segment as the search knows it: its place in the transcript, times in seconds, the speaker as shown."""

    position: int
    start: float
    end: float
    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A segment that was found, and a snippet of it: stretches of text, and whether they are what was looked for."""

    task_id: str
    filename: str
    segment: SearchedSegment
    snippet: tuple[tuple[str, bool], ...]


class Search(Protocol):
    """The index over the shown segments of all Tasks that have finished."""

    def index(self, task: Task, segments: Sequence[SearchedSegment]) -> None:
        """Make these what is found of a Task."""

    def revise(self, task: Task, before: Sequence[SearchedSegment], after: Sequence[SearchedSegment]) -> None:
        """The same, where `before` is what is found until now: only the difference is written."""

    def clear(self, task: Task) -> None:
        """Nothing of the Task is found any more."""

    def holds(self, task: Task, segments: Sequence[SearchedSegment]) -> bool:
        """Whether exactly these are found of a Task."""

    def find(self, terms: Sequence[SearchTerm], page: int, per_page: int) -> tuple[list[FoundSegment], int]:
        """One page of the segments that have all terms, best first, and how many there are."""
