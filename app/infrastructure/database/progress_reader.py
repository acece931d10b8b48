"""Owns the polling read: one Task's progress columns, fresh from the database, in some tens of microseconds.

The polling endpoint is asked more often than anything else and runs on the event loop. A read of one row through
an index under SQLite's write-ahead log waits for nobody, so it may run there; the ORM and a thread hop would cost
twenty times as much as the read itself. Every other access goes through the repositories.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.domain.errors import CesarError
from app.infrastructure.database.engine import Database

_PATIENCE_MILLISECONDS = 100
"""Readers wait only while the log is being made or mended; the event loop must not wait with them."""

_QUERY = """
SELECT t.status, t.progress_percentage, t.progress_stage, t.error, t.last_seq, t.stage_percentage, t.eta_seconds,
       t.stalled, t.progress_message, t.attempt, t.error_code, t.epoch,
       CASE WHEN t.status = 'queued' AND t.id NOT IN (SELECT task_id FROM uploads) THEN 1 + (
           SELECT count(*) FROM tasks AS ahead
           WHERE ahead.status = 'queued' AND (ahead.job_id, ahead.position) < (t.job_id, t.position)
                 AND ahead.id NOT IN (SELECT task_id FROM uploads))
       END
FROM tasks AS t WHERE t.uuid = ?
"""


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """The progress columns of one Task, as stored."""

    status: str
    progress_percentage: int | None
    progress_stage: str | None
    error: str | None
    seq: int
    stage_percentage: int
    eta_seconds: float | None
    stalled: int
    """0 or 1, as SQLite stores it."""
    message: str
    attempt: int
    error_code: str | None
    epoch: str
    queue_position: int | None


class ProgressReader:
    """Reads on one connection of its own; to be used from one thread. Raises `CesarError("unavailable")` when it cannot."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._cursor: Any = None

    def version(self) -> int:
        """A number that is another one after every commit of anybody: what was read at the same number is still true."""
        number: int = self._ask("PRAGMA data_version", ())[0]
        return number

    def read(self, task_id: str) -> ProgressRow | None:
        """The Task's progress now; None if there is no such Task."""
        row = self._ask(_QUERY, (task_id,))
        return None if row is None else ProgressRow(*row)

    def _ask(self, query: str, parameters: tuple[str, ...]) -> Any:
        try:
            if self._cursor is None:
                self._open()
            return self._cursor.execute(query, parameters).fetchone()
        except (sqlite3.Error, DBAPIError) as problem:
            raise CesarError("unavailable", str(getattr(problem, "orig", problem))) from problem

    def _open(self) -> None:
        # Held, because the pool would lend a connection that nobody holds to a writer, whose commits it would then not count.
        self._connection = self._database.engine.raw_connection()
        cursor = self._connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_PATIENCE_MILLISECONDS}")
        self._cursor = cursor
