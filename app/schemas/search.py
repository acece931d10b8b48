"""Owns the JSON of the search over all transcripts."""

from app.schemas.tasks import WireModel


class SnippetPart(WireModel):
    """A stretch of a snippet; `match` where it is what was looked for."""

    text: str
    match: bool


class SearchHit(WireModel):
    """A segment in which something was found; times in seconds."""

    task_id: str
    filename: str
    index: int
    """The segment's place in its transcript, from 0."""
    start: float
    end: float
    speaker: str | None
    snippet: list[SnippetPart]


class SearchPage(WireModel):
    """One page of what was found, best first."""

    results: list[SearchHit]
    total: int
    page: int
    per_page: int
