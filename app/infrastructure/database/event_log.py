"""Owns the history of every Task as the sockets and the emitter see it: numbered, replayable, fenced."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.core.clock import utc_now
from app.domain.errors import CATALOGUE
from app.domain.events import (
    ErrorEvent,
    Event,
    LogPosition,
    ProgressEvent,
    SegmentsRevisedEvent,
    Snapshot,
    StatusEvent,
    StoredEvent,
)
from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.infrastructure.database.engine import Database
from app.infrastructure.database.repositories.events import EventRepository
from app.infrastructure.database.repositories.tasks import TaskRepository
from app.infrastructure.database.repositories.transcripts import TranscriptRepository
from app.models import Task, TaskEvent
from app.schemas.events import encode_event
from app.services.store import Lease

_TAIL = """
SELECT e.id, t.uuid, e.seq, e.type, e.payload, e.final
FROM task_events AS e JOIN tasks AS t ON t.id = e.task_id WHERE e.id > ? ORDER BY e.id LIMIT ?
"""


class SqlEventLog:
    """`app.domain.ports.EventLog` on a SQL database.

    With `leases` (a worker's) every append needs one: about a Task that is not in it, or whose lease is lost, nothing is
    stored. What a run that was taken away still had waiting must not end up in the next attempt.
    """

    def __init__(self, database: Database, leases: Mapping[str, Lease] | None = None) -> None:
        self._database = database
        self._leases = leases
        self._watching = threading.local()

    def append(self, drafts: Sequence[tuple[str, Event]]) -> list[StoredEvent]:
        """Store events in one transaction with their effects; what was stored."""
        with self._database.write() as session:
            events = EventRepository(session, set())
            stored = [
                events.append_by_id(task_id, event, lease)
                for task_id, event in drafts
                if (lease := self._lease_of(task_id)) is not None or self._leases is None
            ]
        return [event for event in stored if event is not None]

    def since(self, task_id: str, after: int, limit: int = 1000) -> list[StoredEvent]:
        """Events of one Task with seq > after, in order."""
        statement = self._events().where(col(Task.uuid) == task_id, col(TaskEvent.seq) > after)
        return self._read(statement.order_by(col(TaskEvent.seq)).limit(limit))

    def tail(self, after_row: int, limit: int = 1000) -> list[StoredEvent]:
        """Events of all Tasks with row > after_row, in the order of their commits.

        Asked for every change while somebody watches: on SQLite past the ORM, which takes a hundred times as long.
        """
        if self._database.is_sqlite:
            rows = self._own_connection().cursor().execute(_TAIL, (after_row, limit)).fetchall()
            return [_stored(row) for row in rows]
        return self._read(self._events().where(col(TaskEvent.id) > after_row).order_by(col(TaskEvent.id)).limit(limit))

    def head(self) -> int:
        """The newest row (0 if there is none)."""
        with self._database.read() as session:
            return session.scalar(select(func.max(col(TaskEvent.id)))) or 0

    def position(self, task_id: str) -> LogPosition | None:
        """Where the Task's log stands; None for an unknown Task."""
        with self._database.read() as session:
            task = TaskRepository(session).get_by_id(task_id)
            return None if task is None else _position(session, task)

    def snapshot(self, task_id: str) -> Snapshot | None:
        """The Task's present state, read in one transaction; None for an unknown Task."""
        with self._database.read() as session:
            tasks = TaskRepository(session)
            task = tasks.get_by_id(task_id)
            if task is None:
                return None
            revised = SegmentsRevisedEvent(TranscriptRepository(session).of(task))
            status = StatusEvent(task.status, tasks.queue_position(task), task.attempt)
            events: list[Event] = [status, _progress(task), revised, *_errors(task)]
            return Snapshot(_position(session, task), tuple(_encode(task, event) for event in events))

    def changed(self) -> bool:
        """Whether another connection committed anything since this thread's last call.

        SQLite counts commits of other connections in `data_version`; the connection asked is this thread's own.
        """
        if not self._database.is_sqlite:
            return True
        version = self._own_connection().cursor().execute("PRAGMA data_version").fetchone()[0]
        before, self._watching.version = getattr(self._watching, "version", None), version
        return bool(version != before)

    def task_ids(self) -> frozenset[str]:
        """Every Task that exists. Read from an index alone: 100 000 of them take some 50 ms."""
        with self._database.read() as session:
            return frozenset(session.execute(select(col(Task.uuid))).scalars())

    def _own_connection(self) -> Any:
        connection = getattr(self._watching, "connection", None)
        if connection is None:
            connection = self._watching.connection = self._database.engine.raw_connection()
        return connection

    def _lease_of(self, task_id: str) -> Lease | None:
        return None if self._leases is None else self._leases.get(task_id)

    def _events(self) -> Any:
        event = (col(TaskEvent.seq), col(TaskEvent.type), col(TaskEvent.payload), col(TaskEvent.final))
        return select(col(TaskEvent.id), col(Task.uuid), *event).join(Task, col(Task.id) == col(TaskEvent.task_id))

    def _read(self, statement: Any) -> list[StoredEvent]:
        with self._database.read() as session:
            return [_stored(row) for row in session.execute(statement)]


def _stored(row: Any) -> StoredEvent:
    return StoredEvent(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def _position(session: Session, task: Task) -> LogPosition:
    first = session.scalar(select(func.min(col(TaskEvent.seq))).where(col(TaskEvent.task_id) == task.id))
    return LogPosition(task.epoch, task.last_seq, first if first is not None else task.last_seq + 1, task.status)


def _progress(task: Task) -> ProgressEvent:
    return ProgressEvent(
        stage=task.progress_stage or TaskProgressStage.QUEUED,
        percentage=task.progress_percentage or 0,
        message=task.progress_message,
        stage_percentage=task.stage_percentage,
        eta_seconds=task.eta_seconds,
        stalled=task.stalled,
    )


def _errors(task: Task) -> list[ErrorEvent]:
    if task.status is not JobStatus.FAILED or task.error_code is None:
        return []
    entry = CATALOGUE.get(task.error_code, CATALOGUE["PROCESSING_FAILED"])
    return [
        ErrorEvent(task.error_code, task.error or entry.sentence, task.technical_detail, entry.retryable, entry.remedy)
    ]


def _encode(task: Task, event: Event) -> bytes:
    return encode_event(event, task_id=task.uuid, seq=task.last_seq, timestamp=utc_now())
