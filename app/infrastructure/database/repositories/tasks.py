"""Owns the statements about Tasks: guarded moves, the atomic claim, leases and the fence."""

from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select, tuple_, update
from sqlalchemy.orm import joinedload
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED, RUNNING, sources_of
from app.infrastructure.database.repositories.pages import task_page, without_text
from app.infrastructure.database.repositories.uploads import is_arriving
from app.models import File, JobStatus, Task
from app.services.store import Lease
from app.services.work_filter import TaskFilter


def fence(lease: Lease) -> ColumnElement[bool]:
    """The condition under which a worker may still write about a Task."""
    return (
        (col(Task.uuid) == lease.task_id)
        & (col(Task.attempt) == lease.attempt)
        & (col(Task.lease_owner) == lease.owner)
    )


def is_waiting() -> ColumnElement[bool]:
    """The condition under which a Task has a place in the queue."""
    return (col(Task.status) == JobStatus.QUEUED) & ~is_arriving()


class TaskRepository:
    """Tasks, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_by_id(self, identifier: str) -> Task | None:
        """The Task with this public id."""
        return self._session.scalars(select(Task).where(col(Task.uuid) == identifier)).one_or_none()

    def get(self, uuid: str) -> Task:
        """Raises `CesarError("task_not_found")`."""
        task = self.get_by_id(uuid)
        if task is None:
            raise CesarError("task_not_found")
        return task

    def list_all(self, wanted: TaskFilter, page: int, per_page: int, *, text: bool = True) -> tuple[list[Task], int]:
        """One page with their Jobs and Files, and how many there are. Without `text` nobody may ask them for `result_text`."""
        keys, total = task_page(self._session, wanted, page, per_page)
        shown = select(Task).where(col(Task.id).in_(keys)).options(*without_text(text))
        with_both = shown.options(joinedload(Task.job), joinedload(Task.file))  # type: ignore[arg-type]
        rows = {task.id: task for task in self._session.scalars(with_both)}
        return [rows[key] for key in keys], total

    def update(self, identifier: str, update_data: dict[str, Any]) -> None:
        """Set columns; not `status`, which only `move` changes. Raises `CesarError("task_not_found")`."""
        if "status" in update_data:
            raise ValueError("a Task's status is changed by move alone")
        task = self.get(identifier)
        for name, value in update_data.items():
            setattr(task, name, value)
        self._session.add(task)
        self._session.flush()

    def move(self, task: Task, target: JobStatus, lease: Lease | None, values: dict[str, Any]) -> bool:
        """Change the status and set columns if the lifecycle allows it and, where given, the lease still holds."""
        statement = update(Task).where(col(Task.id) == task.id, col(Task.status).in_(sources_of(target)))
        if lease is not None:
            statement = statement.where(fence(lease))
        freed = {} if target in RUNNING else {"lease_owner": None, "lease_expires_at": None}
        statement = statement.values(status=target, **freed, **values).returning(col(Task.id))
        won = self._session.execute(statement, execution_options={"synchronize_session": False}).first() is not None
        self._session.refresh(task)
        return won

    def get_next_queued(self) -> Task | None:
        """The oldest waiting Task by (job, position)."""
        return next(iter(self.waiting(1)), None)

    def claim(self, owner: str, expires: datetime, *, to_fetch: bool) -> Task | None:
        """Take the oldest waiting Task, atomically (see the port)."""
        is_here = col(File.storage_path).is_not(None)
        is_elsewhere = ~is_here & col(File.source_url).is_not(None)
        oldest = (
            select(col(Task.id))
            .join(File, col(File.id) == col(Task.file_id))
            .where(col(Task.status) == JobStatus.QUEUED, is_elsewhere if to_fetch else is_here)
            .order_by(col(Task.job_id), col(Task.position))
            .limit(1)
        )
        statement = (
            update(Task)
            .where(col(Task.id) == oldest.scalar_subquery(), col(Task.status) == JobStatus.QUEUED)
            .values(
                status=JobStatus.DOWNLOADING if to_fetch else JobStatus.PROCESSING,
                lease_owner=owner,
                lease_expires_at=expires,
                started_at=case((col(Task.started_at).is_(None), utc_now()), else_=col(Task.started_at)),
                queue_position=None,
            )
            .returning(col(Task.uuid))
        )
        uuid = self._session.scalar(statement, execution_options={"synchronize_session": False})
        return None if uuid is None else self.get(uuid)

    def renew(self, lease: Lease, expires: datetime) -> bool:
        """Prolong a lease; False if it is no longer ours."""
        statement = update(Task).where(fence(lease)).values(lease_expires_at=expires).returning(col(Task.id))
        return self._session.execute(statement, execution_options={"synchronize_session": False}).first() is not None

    def holds(self, lease: Lease) -> bool:
        """Whether the lease is still ours."""
        return self._session.execute(select(col(Task.id)).where(fence(lease))).first() is not None

    def leased(self) -> list[Task]:
        """All Tasks that a worker holds, oldest first."""
        return list(self._session.scalars(self._in_order(col(Task.status).in_(RUNNING))))

    def waiting(self, limit: int) -> list[Task]:
        """The first waiting Tasks, next first."""
        return list(self._session.scalars(self._in_order(is_waiting()).limit(limit)))

    def queue_position(self, task: Task) -> int | None:
        """1 = next; None if the Task does not wait."""
        if task.status is not JobStatus.QUEUED:
            return None
        earlier = tuple_(col(Task.job_id), col(Task.position)) < (task.job_id, task.position)
        ahead = select(func.count() + 1).select_from(Task).where(is_waiting(), earlier).correlate(None)
        place = case((is_arriving(), None), else_=ahead.scalar_subquery())
        return self._session.scalar(select(place).where(col(Task.id) == task.id))

    def unfinished(self) -> list[str]:
        """Public ids of Tasks that are not finished, oldest first."""
        return [task.uuid for task in self._session.scalars(self._in_order(col(Task.status).not_in(FINISHED)))]

    def count(self, *statuses: JobStatus) -> int:
        """How many Tasks have one of these statuses; not those that wait for nothing but their recording."""
        counted = select(func.count()).select_from(Task).where(col(Task.status).in_(statuses), ~is_arriving())
        return self._session.scalar(counted) or 0

    def remove(self, task: Task) -> None:
        """Delete the Task, its segments and events."""
        self._session.execute(delete(Task).where(col(Task.id) == task.id))

    def _in_order(self, condition: ColumnElement[bool]) -> Any:
        return select(Task).where(condition).order_by(col(Task.job_id), col(Task.position))
