"""Owns the statements behind what lists show of Tasks and Jobs: a handful for a page, however many there are."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import contains_eager, joinedload
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.domain.job_types import ERRANDS, JobState
from app.domain.lifecycle import UNFINISHED
from app.infrastructure.database.repositories.pages import without_text
from app.infrastructure.database.repositories.tasks import is_waiting
from app.models import File, Job, JobFile, JobStatus, Task
from app.services.errand_store import JobDigest

_SPEAKS_FOR_ITS_JOB = (JobStatus.PROCESSING, JobStatus.DOWNLOADING, JobStatus.QUEUED)
"""The Task whose stage speaks for a Job: the running one, else the next, else the last."""


class ListRepository:
    """Pages, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def tasks_of(self, job: Job, *, text: bool = True) -> list[Task]:
        """All of a Job's, in their order."""
        return self._loaded(col(Task.job_id) == job.id, col(Task.position), text=text)

    def portion(
        self, job: Job, statuses: Collection[JobStatus], past: int | None, limit: int, *, from_end: bool
    ) -> list[Task]:
        """Some of a Job's that have one of these statuses, by position, beyond `past` (None: from the first, or the last)."""
        place = col(Task.position)
        wanted = select(Task).where(col(Task.job_id) == job.id, col(Task.status).in_(statuses))
        if past is not None:
            wanted = wanted.where(place < past if from_end else place > past)
        return list(self._session.scalars(wanted.order_by(place.desc() if from_end else place).limit(limit)))

    def positions(self, tasks: Collection[Task]) -> dict[int, int]:
        """Places in the queue (1 = next) of those that wait, by row id."""
        waiting = sorted((t for t in tasks if t.status is JobStatus.QUEUED), key=lambda t: (t.job_id, t.position))
        if not waiting:
            return {}
        place = tuple_(col(Task.job_id), col(Task.position))
        first, last = ((t.job_id, t.position) for t in (waiting[0], waiting[-1]))
        ahead = select(func.count()).select_from(Task).where(is_waiting(), place < first)
        before = self._session.scalar(ahead) or 0
        place_after = func.row_number().over(order_by=(col(Task.job_id), col(Task.position))).label("number")
        between = select(col(Task.id), place_after).where(is_waiting(), place >= first, place <= last).subquery()
        shown = select(between.c.id, between.c.number).where(between.c.id.in_([task.id for task in waiting]))
        return {row: before + number for row, number in self._session.execute(shown)}

    def beginnings(self, tasks: Collection[Task], characters: int) -> dict[int, str]:
        """The first characters of what is in `result_text`, by row id, of those that have one."""
        text = col(Task.result_text)
        first = select(col(Task.id), func.substr(text, 1, characters)).where(text.is_not(None))
        rows = self._session.execute(first.where(col(Task.id).in_([task.id for task in tasks])))
        return dict(list(rows))

    def states(self, uuids: Sequence[str]) -> list[JobState]:
        """How far these Jobs are; those that are gone are left out."""
        columns = (Job.uuid, Job.job_type, Job.status, Job.progress_current, Job.progress_total, Job.retry_count)
        chosen = select(*map(col, columns), col(Job.error_message)).where(col(Job.uuid).in_(uuids))
        return [JobState(*row) for row in self._session.execute(chosen)]

    def digests(self, jobs: Sequence[Job], shown: int, *, text: bool = True) -> dict[int, JobDigest]:
        """By row id, with at most `shown` Tasks and Files each; without `text` nobody may ask the Tasks for `result_text`."""
        ids = [job.id for job in jobs]
        leading = self._leading(ids)
        is_shown = (col(Task.job_id).in_(ids) & (col(Task.position) < shown)) | col(Task.id).in_(leading.values())
        tasks: dict[int, list[Task]] = {row: [] for row in ids}
        for task in self._loaded(is_shown, col(Task.job_id), col(Task.position), text=text):
            tasks[task.job_id].append(task)
        files, percentages = self._files(jobs, shown), self._percentages(jobs)
        return {
            job.id: JobDigest(
                tasks=tuple(task for task in tasks[job.id] if task.position < shown),
                files=tuple(files[job.id]),
                leading=next((task for task in tasks[job.id] if task.id == leading.get(job.id)), None),
                percentage=percentages[job.id] if tasks[job.id] else None,
            )
            for job in jobs
        }

    def _loaded(self, condition: ColumnElement[bool], *order: Any, text: bool = True) -> list[Task]:
        """Tasks together with their Jobs and Files."""
        chosen = select(Task).where(condition).join(col(Task.file)).options(contains_eager(Task.file))  # type: ignore[arg-type]
        chosen = chosen.options(joinedload(Task.job), *without_text(text))  # type: ignore[arg-type]
        return list(self._session.scalars(chosen.order_by(*order)))

    def _leading(self, ids: Sequence[int]) -> dict[int, int]:
        """The row of the Task that speaks for each Job, found through indexes alone."""

        def first(status: JobStatus) -> Any:
            mine = select(col(Task.id)).where(col(Task.status) == status, col(Task.job_id) == col(Job.id))
            return mine.order_by(col(Task.position)).limit(1).correlate(Job).scalar_subquery()

        last = select(col(Task.id)).where(col(Task.job_id) == col(Job.id)).order_by(col(Task.position).desc())
        candidates = [
            *(first(status) for status in _SPEAKS_FOR_ITS_JOB),
            last.limit(1).correlate(Job).scalar_subquery(),
        ]
        rows = self._session.execute(select(col(Job.id), func.coalesce(*candidates)).where(col(Job.id).in_(ids)))
        return {job: task for job, task in rows if task is not None}

    def _percentages(self, jobs: Sequence[Job]) -> dict[int, int]:
        """The mean of a Job's Tasks, of which those that are finished count whole; of a single Task its own percentage."""
        single, many = ([job.id for job in jobs if (job.progress_total == 1) is alone] for alone in (True, False))
        # Of what is finished the count is known: thousands of rows need not be read for it.
        counts = col(Task.job_id).in_(single) | (col(Task.job_id).in_(many) & col(Task.status).in_(UNFINISHED))
        parts = select(col(Task.job_id), func.sum(col(Task.progress_percentage))).where(counts)
        known = {job: part or 0 for job, part in self._session.execute(parts.group_by(col(Task.job_id)))}
        return {
            job.id: known.get(job.id, 0)
            if job.progress_total == 1
            else (known.get(job.id, 0) + 100 * job.progress_current) // max(1, job.progress_total)
            for job in jobs
        }

    def _files(self, jobs: Sequence[Job], shown: int) -> dict[int, list[File]]:
        """The first Files of each errand."""
        files: dict[int, list[File]] = {job.id: [] for job in jobs}
        ids = [job.id for job in jobs if job.job_type in ERRANDS]
        if not ids:
            return files
        place = func.row_number().over(partition_by=col(JobFile.job_id), order_by=col(JobFile.file_id))
        numbered = select(col(JobFile.job_id), col(JobFile.file_id), place.label("place"))
        first = numbered.where(col(JobFile.job_id).in_(ids)).subquery()
        chosen = select(first.c.job_id, File).join(File, col(File.id) == first.c.file_id).where(first.c.place <= shown)
        for job, file in self._session.execute(chosen.order_by(first.c.job_id, first.c.file_id)):
            files[job].append(file)
        return files
