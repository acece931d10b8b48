"""Owns the statements that find Files and Tasks by what a person names."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.domain.disclosure import shown_url
from app.domain.errors import CesarError
from app.infrastructure.database.repositories.decided import discarded_files, files_tagged
from app.models import File, Job, JobFile, JobStatus, Task
from app.services.errand_store import Selected, Selection

_HAVE_TRANSCRIPTS = (JobStatus.COMPLETED, JobStatus.PARTIAL)


class SelectionRepository:
    """What was named, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def files(self, uuids: Sequence[str]) -> list[File]:
        """In this order, each once. Raises `CesarError("file_not_found")`."""
        self._require(File, uuids, "file_not_found")
        found = {file.uuid: file for file in self._session.scalars(select(File).where(col(File.uuid).in_(uuids)))}
        return [found[uuid] for uuid in dict.fromkeys(uuids)]

    def check(self, selection: Selection) -> None:
        """Raises `CesarError`: `file_not_found`, `task_not_found`, `job_not_found`."""
        self._require(File, selection.files, "file_not_found")
        self._require(Task, selection.tasks, "task_not_found")
        self._require(Job, selection.jobs, "job_not_found")

    def resolve(self, selection: Selection) -> list[Selected]:
        """Every recording once: Tasks as they are, of a File its newest Task that has a transcript. What is gone is left out.

        A tag stands for the Files that have it, but for discarded copies.
        """
        rows = [*self._tasks(col(Task.uuid).in_(selection.tasks), selection.tasks)]
        jobs = select(col(Job.id)).where(col(Job.uuid).in_(selection.jobs))
        if selection.jobs:
            rows += self._tasks(col(Task.job_id).in_(jobs), ())
        errands = jobs.where(~select(col(Task.id)).where(col(Task.job_id) == col(Job.id)).exists())
        held = select(col(JobFile.file_id)).where(col(JobFile.job_id).in_(errands))
        if selection.jobs:
            rows += self._newest(col(File.id).in_(held), ())
        if selection.tag is not None:
            hidden = col(File.id).in_(discarded_files())
            rows += self._newest(col(File.id).in_(files_tagged(selection.tag)) & ~hidden, ())
        if selection.files:
            rows += self._newest(col(File.uuid).in_(selection.files), selection.files)
        return list(dict.fromkeys(rows))

    def _tasks(self, condition: Any, order: Sequence[str]) -> list[Selected]:
        chosen = select(col(Task.uuid), col(File.original_filename), col(File.source_url)).where(condition)
        rows = self._session.execute(
            chosen.join(File, col(File.id) == col(Task.file_id)).order_by(col(Task.job_id), col(Task.position))
        )
        return _in_order({uuid: Selected(uuid, _name(name, url)) for uuid, name, url in rows}, order)

    def _newest(self, condition: Any, order: Sequence[str]) -> list[Selected]:
        newest = (
            select(func.max(col(Task.id)))
            .where(col(Task.file_id) == col(File.id), col(Task.status).in_(_HAVE_TRANSCRIPTS))
            .correlate(File)
            .scalar_subquery()
        )
        chosen = select(col(File.uuid), col(Task.uuid), col(File.original_filename), col(File.source_url))
        rows = self._session.execute(
            chosen.outerjoin(Task, col(Task.id) == newest).where(condition).order_by(col(File.id))
        )
        return _in_order({file: Selected(task, _name(name, url)) for file, task, name, url in rows}, order)

    def _require(self, table: type[File] | type[Task] | type[Job], uuids: Sequence[str], code: str) -> None:
        there = (
            set(self._session.scalars(select(col(table.uuid)).where(col(table.uuid).in_(uuids)))) if uuids else set()
        )
        missing = next((uuid for uuid in uuids if uuid not in there), None)
        if missing is not None:
            raise CesarError(code, missing[:100])


def _in_order(rows: dict[str, Selected], order: Sequence[str]) -> list[Selected]:
    return [rows[uuid] for uuid in dict.fromkeys(order) if uuid in rows] if order else list(rows.values())


def _name(filename: str, url: str | None) -> str:
    return filename or shown_url(url or "")
