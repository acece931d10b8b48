"""Owns an honest double of the event log: the port's promises kept in memory, with the accidents of a real one on request."""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.events import Event, LogPosition, ProgressEvent, Snapshot, StatusEvent, StoredEvent
from app.domain.lifecycle import FINISHED, JobStatus
from app.domain.progress import TaskProgressStage
from app.schemas.events import encode_event


@dataclass
class _Task:
    epoch: str = field(default_factory=lambda: uuid.uuid4().hex)
    seq: int = 0
    status: JobStatus = JobStatus.PROCESSING
    progress: ProgressEvent = field(default_factory=lambda: ProgressEvent(TaskProgressStage.QUEUED, 0))


class InMemoryEventLog:
    """`app.domain.ports.EventLog` and the reading half of `TaskDirectory`.

    `failing` makes every call raise, as a database that is gone; `prune` and `lose_history` are what happens to old logs.
    """

    def __init__(self, *task_ids: str) -> None:
        self.failing = False
        self._lock = threading.RLock()
        self._rows: list[StoredEvent] = []
        self._row = 0
        self._tasks = {task_id: _Task() for task_id in task_ids}
        self._seen = threading.local()
        self._version = 0

    def add_task(self, task_id: str) -> None:
        """A Task that has no events yet."""
        with self._lock:
            self._tasks[task_id] = _Task()

    def append(self, drafts: Sequence[tuple[str, Event]]) -> list[StoredEvent]:
        """See the port. A `StatusEvent` also sets the Task's status, as the service does that makes it."""
        with self._lock:
            self._check()
            for task_id, event in drafts:  # all or nothing: what cannot be encoded fails before anything is stored
                encode_event(event, task_id=task_id, seq=0, timestamp=utc_now())
            stored = [self._store(task_id, event) for task_id, event in drafts if task_id in self._tasks]
            self._version += 1
            return stored

    def since(self, task_id: str, after: int, limit: int = 1000) -> list[StoredEvent]:
        """See the port."""
        with self._lock:
            self._check()
            return [row for row in self._rows if row.task_id == task_id and row.seq > after][:limit]

    def tail(self, after_row: int, limit: int = 1000) -> list[StoredEvent]:
        """See the port."""
        with self._lock:
            self._check()
            return [row for row in self._rows if row.row > after_row][:limit]

    def head(self) -> int:
        """See the port."""
        with self._lock:
            self._check()
            return self._rows[-1].row if self._rows else 0

    def position(self, task_id: str) -> LogPosition | None:
        """See the port."""
        with self._lock:
            self._check()
            task = self._tasks.get(task_id)
            if task is None:
                return None
            first = next((row.seq for row in self._rows if row.task_id == task_id), task.seq + 1)
            return LogPosition(task.epoch, task.seq, first, task.status)

    def snapshot(self, task_id: str) -> Snapshot | None:
        """See the port."""
        with self._lock:
            position = self.position(task_id)
            if position is None:
                return None
            events: tuple[Event, ...] = (StatusEvent(position.status), self._tasks[task_id].progress)
            payloads = [encode_event(e, task_id=task_id, seq=position.seq, timestamp=utc_now()) for e in events]
            return Snapshot(position, tuple(payloads))

    def changed(self) -> bool:
        """See the port."""
        self._check()
        before, self._seen.version = getattr(self._seen, "version", None), self._version
        return before != self._version

    def task_ids(self) -> frozenset[str]:
        """See the port."""
        with self._lock:
            self._check()
            return frozenset(self._tasks)

    def tasks_of_job(self, job_id: str) -> list[str]:
        """See the port: here every Job has one Task, with its id."""
        if job_id not in self._tasks:
            raise CesarError("job_not_found")
        return [job_id]

    def unfinished(self) -> list[str]:
        """See the port."""
        with self._lock:
            return [task_id for task_id, task in self._tasks.items() if task.status not in FINISHED]

    def cancel(self, task_id: str) -> None:
        """See the port."""
        if task_id not in self._tasks:
            raise CesarError("task_not_found")
        self.append([(task_id, StatusEvent(JobStatus.CANCELLED))])

    def retry(self, task_id: str) -> None:
        """See the port."""
        if task_id not in self._tasks:
            raise CesarError("task_not_found")
        self.append([(task_id, StatusEvent(JobStatus.QUEUED, attempt=2))])

    def prune(self, task_id: str, up_to: int) -> None:
        """Forget the events of a Task with seq ≤ `up_to`."""
        with self._lock:
            self._rows = [row for row in self._rows if row.task_id != task_id or row.seq > up_to]

    def delete(self, task_id: str) -> None:
        """A Task goes with its history, as another process would delete it: nothing in the log tells."""
        with self._lock:
            self.prune(task_id, self._tasks.pop(task_id).seq)
            self._version += 1

    def lose_history(self, task_id: str) -> None:
        """The Task starts again from nothing, under a new epoch."""
        with self._lock:
            self.prune(task_id, self._tasks[task_id].seq)
            self._tasks[task_id] = _Task()

    def _store(self, task_id: str, event: Event) -> StoredEvent:
        task = self._tasks[task_id]
        payload = encode_event(event, task_id=task_id, seq=task.seq + 1, timestamp=utc_now())
        task.seq += 1
        self._row += 1
        if isinstance(event, ProgressEvent):
            task.progress = event
        if isinstance(event, StatusEvent):
            task.status = event.status
        final = isinstance(event, StatusEvent) and event.status in FINISHED
        stored = StoredEvent(self._row, task_id, task.seq, event.type, payload, final)
        self._rows.append(stored)
        return stored

    def _check(self) -> None:
        if self.failing:
            raise OSError("the database is gone")
