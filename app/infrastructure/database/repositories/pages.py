"""Owns which rows a page of Tasks or Jobs shows, and in which order: conditions and sort keys as SQL."""

from typing import Any, Final

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import defer
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.domain.filenames import composed
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
        named = select(col(File.id)).where(is_named(wanted.name))
        found = found.where(col(Task.file_id).in_(named))
    shown = found.offset((page - 1) * per_page).limit(per_page)
    if wanted.order in _OF_FILE:
        shown = shown.join(File, col(File.id) == col(Task.file_id)).order_by(_OF_FILE[wanted.order])
    elif wanted.order in (TaskOrder.STATUS, TaskOrder.STATUS_DESCENDING):
        life = _life(col(Task.status))
        shown = shown.order_by(life if wanted.order is TaskOrder.STATUS else life.desc())
    shown = shown.order_by(col(Task.id) if wanted.order is TaskOrder.OLDEST else col(Task.id).desc())
    return _keys(session, found, shown, is_search=bool(wanted.name))


def job_page(session: Session, wanted: JobFilter, page: int, per_page: int) -> tuple[list[int], int]:
    """The same of Jobs."""
    found = select(col(Job.id)).where(*_conditions(col(Job.status), wanted.statuses))
    if wanted.job_type is not None:
        found = found.where(col(Job.job_type) == wanted.job_type)
    if wanted.name:
        holding = select(col(JobFile.job_id)).join(File, col(File.id) == col(JobFile.file_id))
        found = found.where(col(Job.id).in_(holding.where(is_named(wanted.name))))
    shown = found.offset((page - 1) * per_page).limit(per_page)
    if wanted.order in (JobOrder.STATUS, JobOrder.STATUS_DESCENDING):
        life = _life(col(Job.status))
        shown = shown.order_by(life if wanted.order is JobOrder.STATUS else life.desc())
    shown = shown.order_by(col(Job.id) if wanted.order is JobOrder.OLDEST else col(Job.id).desc())
    return _keys(session, found, shown, is_search=bool(wanted.name))


def without_text(text: bool) -> tuple[Any, ...]:
    """How Tasks are loaded: with their whole result, or without it, and then a look at it is an error instead of a statement."""
    return () if text else (defer(Task.result_text, raiseload=True),)  # type: ignore[arg-type]


def _conditions(status: Any, statuses: tuple[JobStatus, ...]) -> list[ColumnElement[bool]]:
    return [status.in_(statuses)] if statuses else []


def is_named(part: str) -> ColumnElement[bool]:
    """The condition that a File has this in its name. SQLite's own LIKE knows the case of ASCII letters alone."""
    return func.instr(func.casefold(col(File.original_filename)), composed(part).casefold()) > 0


def _life(status: Any) -> Any:
    return case(_LIFE, value=status)


def _keys(session: Session, found: Select[Any], shown: Select[Any], *, is_search: bool) -> tuple[list[int], int]:
    """Those that are shown, and how many are found. A search looks through all names once for both; else an index counts faster."""
    if is_search and (rows := session.execute(shown.add_columns(func.count().over())).all()):
        return [key for key, _ in rows], rows[0][1]
    total = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    return list(session.scalars(shown)) if total else [], total
