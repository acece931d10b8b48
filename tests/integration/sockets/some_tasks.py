"""Owns Tasks to watch, in a real database, without recordings and without a worker."""

from collections.abc import Sequence
from pathlib import Path

from app.domain.errors import CesarError
from app.domain.events import StatusEvent
from app.domain.job_types import JobState
from app.domain.lifecycle import FINISHED, JobStatus
from app.domain.ports import Announcer
from app.infrastructure.database.engine import Database
from app.infrastructure.database.event_log import SqlEventLog
from app.infrastructure.database.migrate import upgrade
from app.infrastructure.database.store import SqlStore
from app.models import File, Job


def open_database(folder: Path) -> Database:
    """The database of a data folder, at the newest schema."""
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{folder / 'cesar.db'}")
    upgrade(database, folder)
    return database


class NoAnnouncer:
    """Announces nothing: what another process writes is found by looking."""

    def announce(self, task_id: str) -> None:
        """Nothing."""


class SomeTasks:
    """`app.domain.ports.TaskDirectory` on the tables, and what the tests do to Tasks."""

    def __init__(self, database: Database, log: SqlEventLog, announcer: Announcer | None = None) -> None:
        self._store = SqlStore(database, announcer or NoAnnouncer())
        self._log = log

    def add(self, count: int = 1) -> list[str]:
        """A Job with this many queued Tasks; their public ids."""
        return self.tasks_of_job(self.add_job(count))

    def add_job(self, count: int) -> str:
        """The public id of a new Job."""
        with self._store.write() as tx:
            files = [tx.files.add(File(original_filename="a.wav", original_path="a.wav")) for _ in range(count)]
            return tx.jobs.add(Job(), files).uuid

    def finish(self, task_id: str, status: JobStatus = JobStatus.CANCELLED) -> None:
        """End a Task, with the event that says so, in one transaction."""
        with self._store.write() as tx:
            task = tx.tasks.get(task_id)
            if not tx.tasks.move(task, status, None, {}):
                raise CesarError("illegal_move")
            tx.events.append(task, StatusEvent(status))
            tx.jobs.refresh(task.job_id)

    def job_states(self, job_ids: Sequence[str]) -> list[JobState]:
        """See the port."""
        with self._store.read() as tx:
            return tx.lists.states(job_ids)

    def delete_job(self, job_id: str) -> None:
        """Remove a Job and its Tasks."""
        with self._store.write() as tx:
            tx.jobs.remove(tx.jobs.get(job_id))

    def tasks_of_job(self, job_id: str) -> list[str]:
        """See the port."""
        with self._store.read() as tx:
            return [task.uuid for task in tx.jobs.get(job_id).tasks]

    def unfinished(self) -> list[str]:
        """See the port."""
        with self._store.read() as tx:
            return tx.tasks.unfinished()

    def cancel(self, task_id: str) -> None:
        """See the port."""
        self.finish(task_id, JobStatus.CANCELLED)

    def retry(self, task_id: str) -> None:
        """See the port."""
        with self._store.write() as tx:
            task = tx.tasks.get(task_id)
            if task.status not in FINISHED or not tx.tasks.move(task, JobStatus.QUEUED, None, {}):
                raise CesarError("illegal_move")
            tx.events.append(task, StatusEvent(JobStatus.QUEUED, attempt=task.attempt))
