"""Owns the statements about Jobs."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED, job_status_of
from app.infrastructure.database.repositories.pages import job_page
from app.models import File, Job, JobFile, JobStatus, Task
from app.services.work_filter import JobFilter


class JobRepository:
    """Jobs, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: Job, files: Sequence[File]) -> Job:
        """Store a new Job with one queued Task for each File, in order; Files that are new as well."""
        job.progress_total = len(files)
        self._session.add_all([job, *files])
        self._session.flush()
        for position, file in enumerate(files):
            self._session.add(JobFile(job_id=job.id, file_id=file.id))
            self._session.add(Task(job_id=job.id, file_id=file.id, position=position))
        self._session.flush()
        return job

    def get(self, uuid: str) -> Job:
        """Raises `CesarError("job_not_found")`."""
        job = self._session.exec(select(Job).where(Job.uuid == uuid)).one_or_none()
        if job is None:
            raise CesarError("job_not_found")
        return job

    def by_key(self, idempotency_key: str) -> Job | None:
        """The Job that was submitted with this key."""
        return self._session.exec(select(Job).where(Job.idempotency_key == idempotency_key)).one_or_none()

    def list_all(self, wanted: JobFilter, page: int, per_page: int) -> tuple[list[Job], int]:
        """One page, and how many there are."""
        keys, total = job_page(self._session, wanted, page, per_page)
        rows = {job.id: job for job in self._session.exec(select(Job).where(col(Job.id).in_(keys))).all()}
        return [rows[key] for key in keys], total

    def is_empty(self, job: Job) -> bool:
        """Whether no Task is left in it."""
        return self._session.exec(select(Task.id).where(Task.job_id == job.id).limit(1)).first() is None

    def refresh(self, job_id: int) -> Job | None:
        """Derive status, counts and times anew from the Tasks; the Job, if this ended it."""
        rows = self._session.exec(
            select(Task.status, func.count()).where(Task.job_id == job_id).group_by(col(Task.status))
        ).all()
        counts = Counter({JobStatus(status): number for status, number in rows})
        job = self._session.get_one(Job, job_id)
        was_finished = job.status in FINISHED
        job.status = job_status_of(counts.keys())
        job.progress_total = counts.total()
        job.progress_current = sum(counts[status] for status in FINISHED)
        self._date(job)
        job.error_message = self._errors(job_id) if counts[JobStatus.FAILED] else None
        self._session.add(job)
        self._session.flush()
        return job if job.status in FINISHED and not was_finished else None

    def remove(self, job: Job) -> None:
        """Delete the Job, its Tasks, their segments and events."""
        self._session.exec(delete(Job).where(col(Job.id) == job.id))

    def _date(self, job: Job) -> None:
        if job.status is not JobStatus.QUEUED and job.started_at is None:
            job.started_at = utc_now()
        if job.status not in FINISHED:
            job.completed_at = None
        elif job.completed_at is None:
            job.completed_at = utc_now()

    def _errors(self, job_id: int) -> str:
        failed = select(Task.error, Task.technical_detail).where(Task.job_id == job_id, Task.status == JobStatus.FAILED)
        rows = self._session.exec(failed.order_by(col(Task.position)).limit(20)).all()
        return "\n".join(" – ".join(part for part in row if part) for row in rows)
