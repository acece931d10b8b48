"""Owns which rows a page of Tasks or Jobs shows, and in which order: conditions and sort keys as SQL."""

from typing import Any, Final

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import defer
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.models import File, Job, JobFile, JobStatus, Task
from app.services.work_filter import JobFilter, JobOrder, TaskFilter, TaskOrder

_LIFE: Final = {status.value: place for place, status in enumerate(JobStatus)}
"""Statuses sort as a life goes, not by their letters."""

_NAME: Final = func.name_order(col(File.original_filename))
_LENGTH: Final = col(File.duration_seconds)
_OF_FILE: Final[dict[TaskOrder, ColumnElement[Any]]] = {
    TaskOrder.NAME: _NAME.asc(),
    TaskOrder.NAME_DESCENDING: _NAME.desc(),
    TaskOrder.SHORTEST: _LENGTH.asc().nulls_last(),
    TaskOrder.LONGEST: _LENGTH.desc().nulls_last(),
}
"""What only the recording knows; without these no row of a File is read."""


def task_page(session: Session, wanted: TaskFilter, page: int, per_page: int) -> tuple[list[int], int]:
    """The keys of a page's Tasks in their order, and how many there are. Rows with whole transcripts in them are not read for it."""
    found = select(col(Task.id)).where(*_conditions(col(Task.status), wanted.statuses))
    if wanted.name:
        named = select(col(File.id)).where(_is_named(wanted.name))
        found = found.where(col(Task.file_id).in_(named))
    total = _count(session, found)
    if wanted.order in _OF_FILE:
        found = found.join(File, col(File.id) == col(Task.file_id)).order_by(_OF_FILE[wanted.order])
    elif wanted.order in (TaskOrder.STATUS, TaskOrder.STATUS_DESCENDING):
        life = _life(col(Task.status))
        found = found.order_by(life if wanted.order is TaskOrder.STATUS else life.desc())
    found = found.order_by(col(Task.id) if wanted.order is TaskOrder.OLDEST else col(Task.id).desc())
    return _page(session, found, page, per_page), total


def job_page(session: Session, wanted: JobFilter, page: int, per_page: int) -> tuple[list[int], int]:
    """The same of Jobs."""
    found = select(col(Job.id)).where(*_conditions(col(Job.status), wanted.statuses))
    if wanted.job_type is not None:
        found = found.where(col(Job.job_type) == wanted.job_type)
    if wanted.name:
        holding = select(col(JobFile.job_id)).join(File, col(File.id) == col(JobFile.file_id))
        found = found.where(col(Job.id).in_(holding.where(_is_named(wanted.name))))
    total = _count(session, found)
    if wanted.order in (JobOrder.STATUS, JobOrder.STATUS_DESCENDING):
        life = _life(col(Job.status))
        found = found.order_by(life if wanted.order is JobOrder.STATUS else life.desc())
    found = found.order_by(col(Job.id) if wanted.order is JobOrder.OLDEST else col(Job.id).desc())
    return _page(session, found, page, per_page), total


def without_text(text: bool) -> tuple[Any, ...]:
    """How Tasks are loaded: with their whole result, or without it, and then a look at it is an error instead of a statement."""
    return () if text else (defer(Task.result_text, raiseload=True),)  # type: ignore[arg-type]


def _conditions(status: Any, statuses: tuple[JobStatus, ...]) -> list[ColumnElement[bool]]:
    return [status.in_(statuses)] if statuses else []


def _is_named(part: str) -> ColumnElement[bool]:
    return col(File.original_filename).icontains(part, autoescape=True)


def _life(status: Any) -> Any:
    return case(_LIFE, value=status)


def _count(session: Session, found: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _page(session: Session, found: Select[Any], page: int, per_page: int) -> list[int]:
    return list(session.scalars(found.offset((page - 1) * per_page).limit(per_page)))
