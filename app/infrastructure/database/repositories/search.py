"""Owns the statements about the full-text index: what it holds of a Task, and what is found in it (SQLite's FTS5)."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, text
from sqlmodel import Session, col, select

from app.domain.disclosure import shown_url
from app.domain.search_query import SearchTerm
from app.models import File, SearchEntry, Task
from app.services.store import FoundSegment, SearchedSegment

_BEGIN: Final = "\x02"
_END: Final = "\x03"
"""Around a match in a snippet; no text in the index has them."""

_SNIPPET_TOKENS: Final = 24
_MARKS: Final = str.maketrans("", "", _BEGIN + _END)

_COUNT: Final = text("SELECT count(*) FROM transcript_search WHERE transcript_search MATCH :query")
# Two steps: a sort by rank would otherwise make a snippet of every segment that has a common word.
_PAGE: Final = text(
    "SELECT rowid FROM transcript_search WHERE transcript_search MATCH :query "
    "ORDER BY rank, rowid DESC LIMIT :limit OFFSET :skipped"
)
_SNIPPETS: Final = text(
    "SELECT rowid, snippet(transcript_search, 0, :begin, :end, '…', :tokens) FROM transcript_search "
    "WHERE transcript_search MATCH :query AND rowid IN :found"
).bindparams(bindparam("found", expanding=True))


class SearchRepository:
    """The index, within one session. Triggers keep FTS5's own tables in step with the entries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def index(self, task: Task, segments: Sequence[SearchedSegment]) -> None:
        """Make these what is found of a Task; entries that stay as they are cost nothing."""
        known, wanted = self._known(task), _wanted(segments)
        gone = [known[values] for values in known.keys() - wanted]
        for begin in range(0, len(gone), 500):
            self._session.execute(delete(SearchEntry).where(col(SearchEntry.id).in_(gone[begin : begin + 500])))
        new = sorted(wanted - known.keys(), key=lambda values: values.position)
        if new:
            self._session.execute(insert(SearchEntry), [{"task_id": task.id, **_columns(values)} for values in new])

    def clear(self, task: Task) -> None:
        """Nothing of the Task is found any more."""
        self._session.execute(delete(SearchEntry).where(col(SearchEntry.task_id) == task.id))

    def holds(self, task: Task, segments: Sequence[SearchedSegment]) -> bool:
        """Whether exactly these are found of a Task."""
        return self._known(task).keys() == _wanted(segments)

    def find(self, terms: Sequence[SearchTerm], page: int, per_page: int) -> tuple[list[FoundSegment], int]:
        """One page of the segments that have all terms, best first (bm25), and how many there are."""
        query = {"query": match_expression(terms)}
        total = self._session.execute(_COUNT, query).scalar_one()
        limits = {"limit": per_page, "skipped": (page - 1) * per_page}
        found = list(self._session.execute(_PAGE, query | limits).scalars())
        if not found:
            return [], total
        marks = {"begin": _BEGIN, "end": _END, "tokens": _SNIPPET_TOKENS, "found": found}
        snippets = {row[0]: row[1] for row in self._session.execute(_SNIPPETS, query | marks)}
        entries = select(SearchEntry, Task.uuid, File.original_filename, File.source_url)
        entries = entries.join(Task, col(Task.id) == col(SearchEntry.task_id)).join(File, col(File.id) == Task.file_id)
        rows = {row[0].id: row for row in self._session.execute(entries.where(col(SearchEntry.id).in_(found)))}
        return [_found(rows[entry], snippets[entry]) for entry in found], total

    def _known(self, task: Task) -> dict[SearchedSegment, int]:
        stored = select(SearchEntry).where(SearchEntry.task_id == task.id)
        return {_values(entry): entry.id for entry in self._session.exec(stored).all()}


def match_expression(terms: Sequence[SearchTerm]) -> str:
    """FTS5's own language, in which everything of a person's stands in quotes: no operator, column or syntax error is left."""
    return " ".join(_quoted(" ".join(term.words)) + ("*" if term.prefix else "") for term in terms)


def _quoted(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _values(entry: SearchEntry) -> SearchedSegment:
    return SearchedSegment(entry.position, entry.start, entry.end, entry.speaker, entry.text)


def _wanted(segments: Sequence[SearchedSegment]) -> set[SearchedSegment]:
    return {_cleaned(segment) for segment in segments if segment.text}


def _cleaned(segment: SearchedSegment) -> SearchedSegment:
    return SearchedSegment(
        segment.position, segment.start, segment.end, segment.speaker, segment.text.translate(_MARKS)
    )


def _columns(values: SearchedSegment) -> dict[str, Any]:
    return {
        "position": values.position,
        "start": values.start,
        "end": values.end,
        "speaker": values.speaker,
        "text": values.text,
    }


def _found(row: Any, snippet: str) -> FoundSegment:
    entry, task_id, filename, source_url = row
    return FoundSegment(task_id, filename or shown_url(source_url or ""), _values(entry), tuple(_parts(snippet)))


def _parts(snippet: str) -> list[tuple[str, bool]]:
    parts = []
    for number, stretch in enumerate(snippet.split(_BEGIN)):
        match, _, rest = stretch.partition(_END) if number else ("", "", stretch)
        parts += [(match, True), (rest, False)]
    return [part for part in parts if part[0]]
