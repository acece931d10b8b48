"""Owns the statements about errands – Jobs without Tasks – and about what they took in from folders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.core.clock import utc_now
from app.domain.job_types import ERRANDS
from app.domain.lifecycle import RUNNING, sources_of
from app.infrastructure.database.repositories.decided import discarded_files
from app.models import File, ImportSource, Job, JobFile, JobStatus
from app.services.errand_store import ErrandLease


def fence(lease: ErrandLease) -> ColumnElement[bool]:
    """The condition under which a worker may still write about an errand."""
    return (col(Job.uuid) == lease.job_id) & (col(Job.attempt) == lease.attempt) & (col(Job.lease_owner) == lease.owner)


def _is_waiting() -> ColumnElement[bool]:
    return col(Job.job_type).in_(ERRANDS) & (col(Job.status) == JobStatus.QUEUED)


class ErrandRepository:
    """Errands, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: Job, files: Sequence[File]) -> Job:
        """Store a new errand that holds these Files."""
        self._session.add(job)
        self._session.flush()
        for file in files:
            self._include(job.id, file)
        return job

    def any_waiting(self) -> bool:
        """Whether there is one to claim."""
        return self._session.execute(select(col(Job.id)).where(_is_waiting()).limit(1)).first() is not None

    def claim(self, owner: str, expires: datetime) -> Job | None:
        """Take the oldest waiting errand, atomically."""
        oldest = select(func.min(col(Job.id))).where(_is_waiting())
        statement = (
            update(Job)
            .where(col(Job.id) == oldest.scalar_subquery(), _is_waiting())
            .values(
                status=JobStatus.PROCESSING,
                lease_owner=owner,
                lease_expires_at=expires,
                started_at=case((col(Job.started_at).is_(None), utc_now()), else_=col(Job.started_at)),
            )
            .returning(col(Job.id))
        )
        row = self._session.scalar(statement, execution_options={"synchronize_session": False})
        return None if row is None else self._session.get_one(Job, row)

    def renew(self, lease: ErrandLease, expires: datetime) -> bool:
        """Prolong a lease; False if it is no longer ours."""
        return self._set(lease, {"lease_expires_at": expires})

    def holds(self, lease: ErrandLease) -> bool:
        """Whether the lease is still ours."""
        return self._session.execute(select(col(Job.id)).where(fence(lease))).first() is not None

    def leased(self) -> list[Job]:
        """All errands that a worker holds, oldest first."""
        held = select(Job).where(col(Job.job_type).in_(ERRANDS), col(Job.status).in_(RUNNING))
        return list(self._session.scalars(held.order_by(col(Job.id))))

    def move(self, job: Job, target: JobStatus, lease: ErrandLease | None, values: Mapping[str, Any]) -> bool:
        """Change the status and set columns if the lifecycle allows it and, where given, the lease still holds."""
        statement = update(Job).where(col(Job.id) == job.id, col(Job.status).in_(sources_of(target)))
        if lease is not None:
            statement = statement.where(fence(lease))
        freed = {"status": target, "lease_owner": None, "lease_expires_at": None}
        moved = self._session.execute(
            statement.values({**freed, **values}).returning(col(Job.id)),
            execution_options={"synchronize_session": False},
        ).first()
        self._session.refresh(job)
        return moved is not None

    def count(self, lease: ErrandLease, current: int, total: int) -> bool:
        """So many of so many are done; False if the lease is no longer ours."""
        return self._set(lease, {"progress_current": current, "progress_total": total})

    def include(self, job_id: str, file: File) -> None:
        """The File is one of the Job's; once is enough."""
        job = self._session.scalars(select(col(Job.id)).where(col(Job.uuid) == job_id)).one()
        self._include(job, file)

    def _include(self, job: int, file: File) -> None:
        self._session.execute(insert(JobFile).values(job_id=job, file_id=file.id).on_conflict_do_nothing())

    def _set(self, lease: ErrandLease, values: Mapping[str, Any]) -> bool:
        statement = update(Job).where(fence(lease)).values(dict(values)).returning(col(Job.id))
        return self._session.execute(statement, execution_options={"synchronize_session": False}).first() is not None


class ImportRepository:
    """What was taken in from folders, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def known(self, path: str, size_bytes: int, modified_ns: int) -> File | None:
        """The File that was taken from this path while it had this size and time."""
        source = select(col(ImportSource.file_id)).where(
            col(ImportSource.path) == path,
            col(ImportSource.size_bytes) == size_bytes,
            col(ImportSource.modified_ns) == modified_ns,
        )
        return self._session.scalars(select(File).where(col(File.id).in_(source))).one_or_none()

    def same_bytes(self, sha256: str) -> File | None:
        """The oldest File with these bytes that still has them; a discarded copy only if there is no other."""
        equal = select(File).where(col(File.file_hash_sha256) == sha256, col(File.storage_path).is_not(None))
        shown_first = equal.order_by(col(File.id).in_(discarded_files()), col(File.id))
        return self._session.scalars(shown_first.limit(1)).one_or_none()

    def remember(self, path: str, size_bytes: int, modified_ns: int, file: File) -> None:
        """What is at this path is this File."""
        values = {"size_bytes": size_bytes, "modified_ns": modified_ns, "file_id": file.id}
        statement = insert(ImportSource).values(path=path, **values)
        self._session.execute(statement.on_conflict_do_update(index_elements=["path"], set_=values))
