"""Owns the statements about what has been kept long enough: bytes, Tasks, events – never anything unfinished."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.domain.job_types import EXPORT
from app.domain.lifecycle import FINISHED
from app.models import Duplicate, File, Job, Task, TaskEvent, UserDecision
from app.models.columns import UtcDateTime
from app.services.turns import one_turn

_KEPT_OR_NOT = ("keep_duplicate", "discard_duplicate")
_AT_ONCE = 500


class KeepingRepository:
    """`app.services.keeping_store.Keeping`, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def expired_media(self, before: datetime, limit: int) -> list[File]:
        """Files with bytes whose last Task finished before that moment, or that have none and were last worked on before it."""
        has_tasks = exists().where(col(Task.file_id) == col(File.id))
        brought_by_tasks = and_(~has_tasks, col(File.imported).is_(False), col(File.updated_at) < before)
        finished = and_(has_tasks, ~_has_task_since(before))
        return self._with_bytes(or_(finished, brought_by_tasks), limit)

    def discarded_media(self, before: datetime, limit: int) -> list[File]:
        """Files with bytes that were discarded before that moment, while another copy has its bytes."""
        latest = _latest_decision(col(File.id))
        discarded = exists().where(
            col(UserDecision.id) == latest,
            col(UserDecision.decision_type) == "discard_duplicate",
            col(UserDecision.decided_at) < before,
        )
        return self._with_bytes(and_(discarded, _has_other_copy()), limit)

    def expired_tasks(self, before: datetime, limit: int) -> list[Task]:
        """Finished Tasks that finished before that moment, oldest first."""
        expired = select(Task).where(_finished_before(before)).order_by(col(Task.id)).limit(limit)
        return list(self._session.scalars(expired))

    def expired_exports(self, before: datetime, limit: int) -> list[Job]:
        """Export Jobs that ended before that moment, oldest first."""
        ended = func.coalesce(col(Job.completed_at), col(Job.created_at), type_=UtcDateTime()) < before
        exports = select(Job).where(col(Job.job_type) == EXPORT, col(Job.status).in_(FINISHED), ended)
        return list(self._session.scalars(exports.order_by(col(Job.id)).limit(limit)))

    def prune_events(self, before: datetime, limit: int) -> int:
        """Delete every event but the last; how many Tasks had more than that."""
        earlier = (col(TaskEvent.task_id) == col(Task.id)) & (col(TaskEvent.seq) < col(Task.last_seq))
        long_ago = select(col(Task.id), col(Task.last_seq)).where(_finished_before(before), exists().where(earlier))
        count = 0
        for task_id, last_seq in one_turn(self._session.execute(long_ago.limit(limit)).all()):
            pruned = delete(TaskEvent).where(col(TaskEvent.task_id) == task_id, col(TaskEvent.seq) < last_seq)
            self._session.execute(pruned)
            count += 1
        return count

    def tasks_of(self, file: File) -> list[Task]:
        """Every Task of a File."""
        return list(self._session.scalars(select(Task).where(col(Task.file_id) == file.id).order_by(col(Task.id))))

    def is_kept_for_nothing(self, file: File) -> bool:
        """Whether neither bytes nor Tasks are left of a File that was not imported, and no decision speaks of it."""
        used = select(exists().where(col(Task.file_id) == file.id))
        decided = select(exists().where(col(UserDecision.file_id) == file.id))
        gone = file.storage_path is None and not file.imported
        return gone and not self._session.scalar(used) and not self._session.scalar(decided)

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Public ids of the Files that still name one of these keys."""
        found: list[str] = []
        for begin in range(0, len(keys), _AT_ONCE):
            named = select(col(File.uuid)).where(col(File.storage_path).in_(keys[begin : begin + _AT_ONCE]))
            found += self._session.scalars(named)
        return found

    def _with_bytes(self, condition: ColumnElement[bool], limit: int) -> list[File]:
        unfinished = exists().where(col(Task.file_id) == col(File.id), col(Task.status).not_in(FINISHED))
        chosen = select(File).where(col(File.storage_path).is_not(None), condition, ~unfinished)
        return list(self._session.scalars(chosen.order_by(col(File.id)).limit(limit)))


def _finished_before(before: datetime) -> ColumnElement[bool]:
    return and_(col(Task.status).in_(FINISHED), _end_of_task() < before)


def _end_of_task() -> ColumnElement[Any]:
    return func.coalesce(col(Task.completed_at), col(Task.created_at), type_=UtcDateTime())


def _has_task_since(before: datetime) -> ColumnElement[bool]:
    return exists().where(col(Task.file_id) == col(File.id), _end_of_task() >= before)


def _latest_decision(file_id: Any) -> Any:
    decided = select(func.max(col(UserDecision.id)))
    about = decided.where(col(UserDecision.file_id) == file_id, col(UserDecision.decision_type).in_(_KEPT_OR_NOT))
    return about.correlate_except(UserDecision).scalar_subquery()


def _has_other_copy() -> ColumnElement[bool]:
    """Nothing is the last of its kind because a person called it a copy of something that has gone since."""
    paired, equal = aliased(File), aliased(File)
    pair = or_(
        and_(col(Duplicate.file_id) == col(File.id), col(Duplicate.duplicate_of_id) == paired.id),
        and_(col(Duplicate.duplicate_of_id) == col(File.id), col(Duplicate.file_id) == paired.id),
    )
    # Equal bytes are paired with the oldest alone, which may be discarded itself.
    same_bytes = and_(col(equal.file_hash_sha256) == col(File.file_hash_sha256), col(equal.id) != col(File.id))
    return or_(exists().where(pair, _is_kept(paired)), exists().where(same_bytes, _is_kept(equal)))


def _is_kept(other: Any) -> ColumnElement[bool]:
    decision = aliased(UserDecision)
    discarded = exists().where(
        col(decision.id) == _latest_decision(other.id),
        col(decision.decision_type) == "discard_duplicate",
    )
    return and_(col(other.storage_path).is_not(None), ~discarded)
