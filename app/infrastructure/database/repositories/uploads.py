"""Owns the statements about uploads that come in pieces."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.models import Task, TaskEvent, Upload


def is_arriving() -> ColumnElement[bool]:
    """The condition under which a Task's recording is still on its way in: no worker may have it, and nobody waits behind it."""
    return col(Task.id).in_(select(col(Upload.task_id)))


class UploadRepository:
    """Uploads that are not complete, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_all(self, uploads: Sequence[Upload]) -> None:
        """Store new ones."""
        self._session.add_all(uploads)
        self._session.flush()

    def find(self, uuid: str) -> Upload | None:
        """The upload with this public id; None if it is complete, has ended, or never was."""
        return self._session.scalars(select(Upload).where(col(Upload.uuid) == uuid)).one_or_none()

    def advance(self, uuid: str, before: int, after: int, expires_at: datetime) -> bool:
        """Say how far it is; False if it has ended, or stands elsewhere than at `before`."""
        same = (col(Upload.uuid) == uuid) & (col(Upload.offset) == before)
        statement = update(Upload).where(same).values(offset=after, expires_at=expires_at).returning(col(Upload.id))
        return self._session.execute(statement, execution_options={"synchronize_session": False}).first() is not None

    def end(self, task: Task) -> bool:
        """Forget the upload of this Task; whether there was one."""
        statement = delete(Upload).where(col(Upload.task_id) == task.id).returning(col(Upload.id))
        return self._session.execute(statement, execution_options={"synchronize_session": False}).first() is not None

    def complete(self) -> list[str]:
        """Those of which every byte is here."""
        return self._ids(col(Upload.offset) == col(Upload.length))

    def expired(self, now: datetime) -> list[str]:
        """Those of which nothing came for too long."""
        return self._ids((col(Upload.offset) < col(Upload.length)) & (col(Upload.expires_at) < now))

    def untold(self) -> list[str]:
        """Those of which more is here than was told, by a whole percent."""
        told = (col(Task.stage_percentage) + 1) * col(Upload.length)
        unfinished = select(col(Upload.uuid)).join(Task, col(Task.id) == col(Upload.task_id))
        return list(self._session.scalars(unfinished.where(col(Upload.offset) * 100 >= told)))

    def storage_names(self) -> set[str]:
        """Under which names their bytes wait."""
        return set(self._session.scalars(select(col(Upload.storage_name))))

    def was_told_since(self, task: Task, moment: datetime) -> bool:
        """Whether the newest event of this Task is younger."""
        newest = (col(TaskEvent.task_id) == task.id) & (col(TaskEvent.seq) == task.last_seq)
        told = self._session.scalar(select(col(TaskEvent.created_at)).where(newest))
        return told is not None and told > moment

    def _ids(self, condition: ColumnElement[bool]) -> list[str]:
        return list(self._session.scalars(select(col(Upload.uuid)).where(condition).order_by(col(Upload.id))))
