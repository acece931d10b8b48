"""Owns the questions whether a database is sound: its pages, its references, its numbers, its index; and what it says rests on the disk."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from app.domain.lifecycle import JobStatus, job_status_of
from app.infrastructure.database.engine import Database

_TABLES: Final = (
    "files", "jobs", "job_files", "tasks", "segments", "task_events", "search_entries", "segment_edits", "speaker_names",
    "duplicates", "user_decisions", "fingerprints", "uploads", "webhook_deliveries",
)  # fmt: skip

_EVENT_NUMBERS: Final = """
SELECT tasks.uuid FROM tasks LEFT JOIN (
    SELECT task_id, count(*) AS events, min(seq) AS first, max(seq) AS last FROM task_events GROUP BY task_id
) AS told ON told.task_id = tasks.id
WHERE coalesce(told.last, 0) <> tasks.last_seq OR told.events <> told.last - told.first + 1
"""
"""The first numbers of a finished Task may have been forgotten; from the oldest that is kept to the newest none may be missing."""

_SEGMENT_NUMBERS: Final = """
SELECT tasks.uuid FROM tasks JOIN segments ON segments.task_id = tasks.id
WHERE tasks.status IN ('completed', 'partial', 'failed', 'cancelled')
GROUP BY tasks.id HAVING min(segments."index") <> 0 OR max(segments."index") <> count(*) - 1
"""

_JOB_COUNTS: Final = """
SELECT jobs.uuid FROM jobs LEFT JOIN (
    SELECT job_id, count(*) AS total, sum(status IN ('completed', 'partial', 'failed', 'cancelled')) AS finished
    FROM tasks GROUP BY job_id
) AS counted ON counted.job_id = jobs.id
WHERE jobs.job_type = 'process'
AND (counted.total IS NULL OR counted.total <> jobs.progress_total OR counted.finished <> jobs.progress_current)
"""

_UNLISTED_FILES: Final = """
SELECT tasks.uuid FROM tasks LEFT JOIN job_files ON job_files.job_id = tasks.job_id AND job_files.file_id = tasks.file_id
WHERE job_files.file_id IS NULL
"""

_RECORDINGS: Final = "SELECT storage_path, uuid, file_size_bytes FROM files WHERE storage_path IS NOT NULL"
_ARCHIVES: Final = "SELECT output_path, uuid FROM jobs WHERE output_path IS NOT NULL"
_UPLOADS: Final = "SELECT storage_name FROM uploads"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what is not as it should be: public ids, or the database's own words. Nothing found: all is well."""

    topic: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the database says rests on the disk, by key: Files with their sizes, Jobs with an archive, what still arrives."""

    recordings: dict[str, tuple[str, int | None]]
    archives: dict[str, str]
    uploads: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """Under which something may rest."""
        return frozenset(self.recordings) | frozenset(self.archives) | self.uploads


class Consistency:
    """Asks a SQLite database about itself; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def examine(self) -> Iterator[Finding]:
        """Every question, one after the other: on a large database they take a while."""
        questions: tuple[tuple[str, Callable[[Session], list[str]]], ...] = (
            ("pages", _pages),
            ("references", _references),
            ("numbers of events", _asking(_EVENT_NUMBERS)),
            ("numbers of segments", _asking(_SEGMENT_NUMBERS)),
            ("counts of jobs", _asking(_JOB_COUNTS)),
            ("status of jobs", _job_statuses),
            ("files of jobs", _asking(_UNLISTED_FILES)),
        )
        for topic, question in questions:
            try:
                with self._database.read() as session:
                    yield Finding(topic, tuple(question(session)))
            except DatabaseError as problem:  # so damaged that it cannot even be asked
                yield Finding(topic, (str(problem.orig),))
        yield Finding("full-text index", tuple(self._full_text()))

    def inventory(self) -> Inventory:
        """What should be on the disk, in one moment."""
        with self._database.read() as session:
            recordings = {key: (uuid, size) for key, uuid, size in _rows(session, _RECORDINGS)}
            return Inventory(
                recordings, dict(_rows(session, _ARCHIVES)), frozenset(name for (name,) in _rows(session, _UPLOADS))
            )

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self._database.read() as session:
            return {table: _rows(session, f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES}  # noqa: S608

    def rebuild_index(self) -> None:
        """Make the full-text index anew from its entries."""
        with self._database.write(durable=True) as session:
            session.connection().execute(text("INSERT INTO transcript_search(transcript_search) VALUES ('rebuild')"))

    def _full_text(self) -> list[str]:
        # A command of FTS5 that looks like a write and is none; rank 1 compares the index with the entries as well.
        command = text("INSERT INTO transcript_search(transcript_search, rank) VALUES ('integrity-check', 1)")
        try:
            with self._database.write() as session:
                session.connection().execute(command)
        except DatabaseError as problem:
            return [str(problem.orig)]
        return []


def _asking(question: str) -> Callable[[Session], list[str]]:
    return lambda session: [str(row[0]) for row in _rows(session, question)]


def _rows(session: Session, statement: str) -> list[Any]:
    return list(session.connection().execute(text(statement)).all())


def _pages(session: Session) -> list[str]:
    return [row[0] for row in _rows(session, "PRAGMA integrity_check") if row[0] != "ok"]


def _references(session: Session) -> list[str]:
    rows = _rows(session, "PRAGMA foreign_key_check")
    return [f"{table} {row} points to no row of {parent}" for table, row, parent, _ in rows]


def _job_statuses(session: Session) -> list[str]:
    of_tasks: dict[str, set[JobStatus]] = defaultdict(set)
    statuses: dict[str, str] = {}
    question = (
        "SELECT DISTINCT jobs.uuid, jobs.status, tasks.status FROM jobs JOIN tasks ON tasks.job_id = jobs.id "
        "WHERE jobs.job_type = 'process'"
    )
    for job, status, task in _rows(session, question):
        statuses[job] = status
        of_tasks[job].add(JobStatus(task))
    return [job for job, tasks in of_tasks.items() if job_status_of(tasks) != statuses[job]]
