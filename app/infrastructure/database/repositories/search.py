"""Owns the statements about the full-text index: what it holds of a Task, and what is found in it (SQLite's FTS5).

FTS5 takes whatever stands between spaces and marks for a word. So that words of scripts without spaces are found, each of their
characters is stored as a word of its own, with a sign between them that no text has and nobody is shown. What is looked for is
written in the same way, which makes a phrase of it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, text, update
from sqlmodel import Session, SQLModel, col, select

from app.domain.disclosure import shown_url
from app.domain.scripts import apart
from app.domain.search_query import SearchTerm
from app.models import File, SearchEntry, Task
from app.services.search_store import FoundSegment, SearchedSegment

_BEGIN: Final = "\x02"
_END: Final = "\x03"
"""Around a match in a snippet; no text in the index has them."""
_APART: Final = "\x1f"
"""Between characters of scripts without spaces."""

_SNIPPET_TOKENS: Final = 24
_MARKS: Final = str.maketrans("", "", _BEGIN + _END + _APART)

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

_ENTRIES: Final = SQLModel.metadata.tables["search_entries"]
_PLACE: Final = (_ENTRIES.c.task_id == bindparam("of_task"), _ENTRIES.c.position == bindparam("place"))
_REMOVED: Final = delete(_ENTRIES).where(*_PLACE)
# The text is not named, so that its trigger rests.
_RENAMED: Final = (
    update(_ENTRIES)
    .where(*_PLACE)
    .values(start=bindparam("begins"), end=bindparam("ends"), speaker=bindparam("said_by"))
)


class SearchRepository:
    """The index, within one session. Triggers keep FTS5's own tables in step with the entries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def index(self, task: Task, segments: Sequence[SearchedSegment]) -> None:
        """Make these what is found of a Task; entries that stay as they are cost nothing."""
        known = self._known(task)
        wanted = {_stored(segment): segment for segment in segments if segment.text}
        self._remove(task, [row[0] for row in known - wanted.keys()])
        self._add(task, [segment for row, segment in wanted.items() if row not in known])

    def revise(self, task: Task, before: Sequence[SearchedSegment], after: Sequence[SearchedSegment]) -> None:
        """The same, where `before` is what is found until now: what is equal at the beginning and at the end is not written."""
        head = _common(before, after)
        tail = _common(before[head:][::-1], after[head:][::-1])
        old, new = before[head : len(before) - tail], after[head : len(after) - tail]
        if len(old) == len(new):
            self._change(task, old, new)
            return
        self._remove(task, [segment.position for segment in old])
        moved = update(_ENTRIES).where(_ENTRIES.c.task_id == task.id, _ENTRIES.c.position >= head + len(old))
        self._session.execute(moved.values(position=_ENTRIES.c.position + (len(new) - len(old))))
        self._add(task, new)

    def clear(self, task: Task) -> None:
        """Nothing of the Task is found any more."""
        self._session.execute(delete(SearchEntry).where(col(SearchEntry.task_id) == task.id))

    def holds(self, task: Task, segments: Sequence[SearchedSegment]) -> bool:
        """Whether exactly these are found of a Task."""
        return self._known(task) == {_stored(segment) for segment in segments if segment.text}

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

    def _known(self, task: Task) -> set[tuple[Any, ...]]:
        entries = select(*_ENTRIES.c["position", "start", "end", "speaker", "text"])
        return {tuple(row) for row in self._session.execute(entries.where(_ENTRIES.c.task_id == task.id))}

    def _change(self, task: Task, old: Sequence[SearchedSegment], new: Sequence[SearchedSegment]) -> None:
        """As many as before, at the same places."""
        pairs = [(was, becomes) for was, becomes in zip(old, new, strict=True) if was != becomes]
        if renamed := [becomes for was, becomes in pairs if was.text == becomes.text]:
            self._session.connection().execute(_RENAMED, [_renaming(task, segment) for segment in renamed])
        rewritten = [becomes for was, becomes in pairs if was.text != becomes.text]
        self._remove(task, [segment.position for segment in rewritten])
        self._add(task, rewritten)

    def _remove(self, task: Task, positions: Iterable[int]) -> None:
        if places := [{"of_task": task.id, "place": position} for position in positions]:
            self._session.connection().execute(_REMOVED, places)

    def _add(self, task: Task, segments: Iterable[SearchedSegment]) -> None:
        if rows := [_columns(task, segment) for segment in segments if segment.text]:
            self._session.connection().execute(insert(_ENTRIES), rows)


def match_expression(terms: Sequence[SearchTerm]) -> str:
    """FTS5's own language, in which everything of a person's stands in quotes: no operator, column or syntax error is left."""
    return " ".join(_quoted(" ".join(term.words)) + ("*" if term.prefix else "") for term in terms)


def indexed(spoken: str) -> str:
    """A text as the index has it."""
    return apart(spoken.translate(_MARKS), _APART)


def _quoted(words: str) -> str:
    return '"' + indexed(words).replace('"', '""') + '"'


def _common(one: Sequence[SearchedSegment], other: Sequence[SearchedSegment]) -> int:
    """How many are the same from the beginning on, wherever they stand."""
    pairs = enumerate(zip(one, other, strict=False))
    different = (at for at, (left, right) in pairs if left is not right and _said(left) != _said(right))
    return next(different, min(len(one), len(other)))


def _said(segment: SearchedSegment) -> tuple[Any, ...]:
    return segment.start, segment.end, segment.speaker, segment.text


def _stored(segment: SearchedSegment) -> tuple[Any, ...]:
    return segment.position, segment.start, segment.end, segment.speaker, indexed(segment.text)


def _columns(task: Task, segment: SearchedSegment) -> dict[str, Any]:
    return dict(zip(("position", "start", "end", "speaker", "text"), _stored(segment), strict=True)) | {
        "task_id": task.id
    }


def _renaming(task: Task, segment: SearchedSegment) -> dict[str, Any]:
    times = {"begins": segment.start, "ends": segment.end}
    return {"of_task": task.id, "place": segment.position, "said_by": segment.speaker} | times


def _found(row: Any, snippet: str) -> FoundSegment:
    entry, task_id, filename, source_url = row
    spoken = entry.text.replace(_APART, "")
    segment = SearchedSegment(entry.position, entry.start, entry.end, entry.speaker, spoken)
    return FoundSegment(task_id, filename or shown_url(source_url or ""), segment, tuple(_parts(snippet)))


def _parts(snippet: str) -> list[tuple[str, bool]]:
    parts = []
    for number, stretch in enumerate(snippet.replace(_APART, "").split(_BEGIN)):
        match, _, rest = stretch.partition(_END) if number else ("", "", stretch)
        parts += [(match, True), (rest, False)]
    return [part for part in parts if part[0]]
