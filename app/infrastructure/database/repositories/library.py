"""Owns the statements about the library: pages of Files, what belongs to them, what people decided about them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, String, func, or_, select, type_coerce, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.infrastructure.database.repositories.decided import decided_times, discarded_files, files_tagged, tag_counts
from app.infrastructure.database.repositories.pages import is_named
from app.models import Duplicate, File, Job, Task, UserDecision
from app.services.library_store import FileFilter, FileOrder, PairOfFiles, TaskOfFile


class LibraryRepository:
    """The library, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, wanted: FileFilter, page: int, per_page: int) -> tuple[list[File], int]:
        """One page, and how many there are."""
        conditions = _conditions(wanted)
        total = self._session.scalar(select(func.count(col(File.id))).where(*conditions)) or 0
        skipped = (page - 1) * per_page
        chosen = _by_time if wanted.order is FileOrder.RECORDED else _by_arrival
        return list(self._session.scalars(chosen(conditions, skipped, per_page))), total

    def tasks_of(self, files: Sequence[File]) -> Mapping[int, Sequence[TaskOfFile]]:
        """The Tasks of each, oldest first, by the File's key."""
        found = select(col(Task.file_id), col(Task.uuid), col(Job.uuid), col(Task.status))
        found = found.join(Job, col(Job.id) == col(Task.job_id)).where(col(Task.file_id).in_(_keys(files)))
        tasks = defaultdict(list)
        for file, task_id, job_id, status in self._session.execute(found.order_by(col(Task.id))):
            tasks[file].append(TaskOfFile(task_id, job_id, status))
        return tasks

    def pairs_of(self, file: File) -> list[PairOfFiles]:
        """What it is a duplicate of, and what is a duplicate of it."""
        newer, older = aliased(File), aliased(File)
        found = (
            select(newer.uuid, older.uuid, Duplicate)  # type: ignore[call-overload]
            .join(newer, newer.id == Duplicate.file_id)
            .join(older, older.id == Duplicate.duplicate_of_id)
            .where(or_(col(Duplicate.file_id) == file.id, col(Duplicate.duplicate_of_id) == file.id))
            .order_by(col(Duplicate.id))
        )
        return [
            PairOfFiles(one, other, pair.match_type, pair.similarity_score, pair.detected_at)
            for one, other, pair in self._session.execute(found)
        ]

    def standing(self, files: Sequence[File]) -> Mapping[int, Sequence[UserDecision]]:
        """The newest decision of each type, oldest first, by the File's key."""
        newest = select(func.max(col(UserDecision.id))).where(col(UserDecision.file_id).in_(_keys(files)))
        newest = newest.group_by(col(UserDecision.file_id), col(UserDecision.decision_type))
        decisions = defaultdict(list)
        for decision in self._session.scalars(_oldest_first().where(col(UserDecision.id).in_(newest))):
            decisions[decision.file_id].append(decision)
        return decisions

    def tags(self, limit: int) -> list[tuple[str, int]]:
        """Each tag, and how many Files that are not discarded have it, the most used first."""
        return [(tag, files) for tag, files in self._session.execute(tag_counts().limit(limit))]

    def history(self, file: File) -> list[UserDecision]:
        """All decisions, oldest first."""
        return list(self._session.scalars(_oldest_first().where(col(UserDecision.file_id) == file.id)))

    def decided_with(self, file: File, idempotency_key: str) -> UserDecision | None:
        """The decision that was made with this key."""
        same = select(UserDecision).where(
            col(UserDecision.file_id) == file.id, col(UserDecision.idempotency_key) == idempotency_key
        )
        return self._session.scalars(same).one_or_none()

    def decide(self, decision: UserDecision) -> UserDecision:
        """Append a decision."""
        self._session.add(decision)
        self._session.flush()
        return decision


def _conditions(wanted: FileFilter) -> list[Any]:
    conditions: list[Any] = [] if wanted.hidden else [col(File.id).not_in(discarded_files())]
    if wanted.tag is not None:
        conditions.append(col(File.id).in_(files_tagged(wanted.tag)))
    if wanted.sha256 is not None:
        conditions.append(col(File.file_hash_sha256) == wanted.sha256)
    if wanted.name:
        conditions.append(is_named(wanted.name))
    return conditions


def _by_arrival(conditions: Sequence[Any], skipped: int, limit: int) -> Select[Any]:
    return select(File).where(*conditions).order_by(col(File.id).desc()).offset(skipped).limit(limit)


def _by_time(conditions: Sequence[Any], skipped: int, limit: int) -> Select[Any]:
    """By the time in force. Few have one that a person set: these are sorted in among the first of the others, which an index gives."""
    decided = decided_times()
    id_: Any = col(File.id).label("id")
    found = select(id_, type_coerce(File.detected_timestamp, String).label("moment"))
    others = found.where(*conditions, col(File.id).not_in(select(decided.c.file_id)))
    others = others.order_by(col(File.detected_timestamp).desc().nulls_last(), col(File.id).desc())
    first = others.limit(skipped + limit).subquery()
    among = select(id_, decided.c.moment).join(decided, decided.c.file_id == col(File.id)).where(*conditions)
    rows = union_all(select(first.c.id, first.c.moment), among).subquery()
    chosen = select(File).join(rows, rows.c.id == col(File.id))
    return chosen.order_by(rows.c.moment.desc().nulls_last(), rows.c.id.desc()).offset(skipped).limit(limit)


def _oldest_first() -> Select[Any]:
    return select(UserDecision).order_by(col(UserDecision.id))


def _keys(files: Sequence[File]) -> list[int]:
    return [file.id for file in files]
