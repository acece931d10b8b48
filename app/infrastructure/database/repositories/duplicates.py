"""Owns the statements about Files that are the same recording: their pairs, and the Tasks about the same bytes."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.domain.lifecycle import JobStatus
from app.models import Duplicate, File, Task
from app.services.duplicate_store import EXACT, KnownBytes
from app.services.library_store import PairOfFiles

_LOOKED_AT = 20
_AT_ONCE = 500
"""SQLite takes a bounded number of values in one statement."""

Value = TypeVar("Value")

_FAILED = (JobStatus.FAILED, JobStatus.CANCELLED)


class DuplicateRepository:
    """Duplicates, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def oldest_with_same_bytes(self, file: File) -> File | None:
        """The oldest other File with the same sha256."""
        same = select(File).where(File.file_hash_sha256 == file.file_hash_sha256, File.id != file.id)
        return self._session.exec(same.order_by(col(File.id)).limit(1)).first()

    def repeated(self, hashes: Collection[str]) -> frozenset[str]:
        """Of these sha256 those that more than one File has."""
        sha256 = col(File.file_hash_sha256)
        several = select(sha256).group_by(sha256).having(func.count() > 1)
        found = (self._session.exec(several.where(sha256.in_(some))).all() for some in _portions(hashes))
        return frozenset(value for values in found for value in values if value is not None)

    def taken_up(self, hashes: Collection[str]) -> frozenset[str]:
        """Of these sha256 those that more than one Task is about which did not fail and was not cancelled."""
        sha256 = col(File.file_hash_sha256)
        tasks = select(sha256).join(Task, col(Task.file_id) == File.id).where(col(Task.status).not_in(_FAILED))
        several = tasks.group_by(sha256).having(func.count() > 1)
        found = (self._session.exec(several.where(sha256.in_(some))).all() for some in _portions(hashes))
        return frozenset(value for values in found for value in values if value is not None)

    def add(self, file: File, duplicate_of: File, match_type: str, score: float) -> None:
        """Write down that a File is the same as an older one; a pair that is known already stays as it is."""
        known = select(Duplicate.id).where(
            Duplicate.file_id == file.id,
            Duplicate.duplicate_of_id == duplicate_of.id,
            Duplicate.match_type == match_type,
        )
        if self._session.exec(known).first() is None:
            row = Duplicate(
                file_id=file.id, duplicate_of_id=duplicate_of.id, match_type=match_type, similarity_score=score
            )
            self._session.add(row)
            self._session.flush()

    def finished_tasks(self, sha256: str) -> list[Task]:
        """Completed Tasks about these bytes, newest first; the first twenty."""
        same = select(Task).join(File, col(File.id) == Task.file_id).where(File.file_hash_sha256 == sha256)
        completed = same.where(Task.status == JobStatus.COMPLETED)
        return list(self._session.exec(completed.order_by(col(Task.id).desc()).limit(_LOOKED_AT)).all())

    def transcripts(self, hashes: Collection[str], named: Collection[str]) -> dict[str, list[str]]:
        """Completed Tasks (public ids) by these sha256, newest first: the two newest of each, and those that are named."""
        place = func.row_number().over(partition_by=File.file_hash_sha256, order_by=col(Task.id).desc())
        ranked = select(File.file_hash_sha256, Task.uuid, Task.id, place.label("place"))
        ranked = ranked.join(File, col(File.id) == Task.file_id).where(Task.status == JobStatus.COMPLETED)
        found: dict[str, list[str]] = {}
        for some in _portions(hashes):
            rows = ranked.where(col(File.file_hash_sha256).in_(some)).subquery()
            shown = select(rows.c.file_hash_sha256, rows.c.uuid).where(or_(rows.c.place <= 2, rows.c.uuid.in_(named)))
            for sha256, uuid in self._session.exec(shown.order_by(rows.c.id.desc())).all():
                found.setdefault(sha256, []).append(uuid)
        return found

    def tasks(self, task_ids: Collection[str]) -> list[Task]:
        """These Tasks (public ids), oldest first; those that are gone are left out."""
        found = [
            task
            for some in _portions(task_ids)
            for task in self._session.exec(select(Task).where(col(Task.uuid).in_(some))).all()
        ]
        return sorted(found, key=lambda task: task.id)

    def earlier_task(self, task: Task, sha256: str) -> Task | None:
        """The newest other Task about these bytes that did not fail and was not cancelled; a completed one if there is any."""
        same = select(Task).join(File, col(File.id) == Task.file_id).where(File.file_hash_sha256 == sha256)
        earlier = same.where(Task.id != task.id, col(Task.status).not_in(_FAILED))
        completed_first = (col(Task.status) == JobStatus.COMPLETED).desc()
        return self._session.exec(earlier.order_by(completed_first, col(Task.id).desc()).limit(1)).first()

    def known_bytes(self, file_ids: Collection[str]) -> dict[str, KnownBytes]:
        """Of these Files (public ids) those whose bytes an older one has."""
        older, same = aliased(File), aliased(File)
        first = select(func.min(same.id)).where(same.file_hash_sha256 == File.file_hash_sha256).correlate(File)
        known = select(File.uuid, older.uuid, older.file_hash_sha256).join(
            older, col(older.id) == first.scalar_subquery()
        )
        return self._known(known.where(col(older.id) != File.id), file_ids)

    def transcribed(self, file_ids: Collection[str]) -> dict[str, KnownBytes]:
        """Of these Files (public ids) those that a completed Task is about."""
        completed = select(Task.id).where(Task.file_id == File.id, Task.status == JobStatus.COMPLETED).exists()
        known = select(File.uuid, File.uuid, File.file_hash_sha256).where(col(File.file_hash_sha256).is_not(None))
        return self._known(known.where(completed), file_ids)

    def pairs(self) -> list[tuple[int, int]]:
        """All pairs, by row ids."""
        rows = self._session.exec(select(Duplicate.file_id, Duplicate.duplicate_of_id)).all()
        return [(newer, older) for newer, older in rows]

    def pairs_among(self, rows: Collection[int]) -> list[PairOfFiles]:
        """The pairs of these Files (row ids), oldest first."""
        newer, older = aliased(File), aliased(File)
        pairs = (
            select(Duplicate, newer.uuid, older.uuid)
            .join(newer, col(Duplicate.file_id) == newer.id)
            .join(older, col(Duplicate.duplicate_of_id) == older.id)
        )
        found = [
            row
            for some in _portions(rows)
            for row in self._session.exec(pairs.where(col(Duplicate.file_id).in_(some))).all()
        ]
        return [
            PairOfFiles(newer_id, older_id, pair.match_type, pair.similarity_score, pair.detected_at)
            for pair, newer_id, older_id in sorted(found, key=lambda row: row[0].id)
        ]

    def files(self, rows: Collection[int]) -> list[File]:
        """Files by row ids, oldest first; those that are gone are left out."""
        found = [
            file
            for some in _portions(rows)
            for file in self._session.exec(select(File).where(col(File.id).in_(some))).all()
        ]
        return sorted(found, key=lambda file: file.id)

    def _known(self, found: Any, file_ids: Collection[str]) -> dict[str, KnownBytes]:
        rows = (self._session.exec(found.where(col(File.uuid).in_(some))).all() for some in _portions(file_ids))
        return {file_id: KnownBytes(other, sha256) for some in rows for file_id, other, sha256 in some}


def hand_on(session: Session, file: File) -> None:
    """To be called before a File is deleted: of those with the same bytes the oldest takes its place, in every pair that it is in."""
    partners = _partners(session, file.id)
    heir = min((row for row, pair in partners.items() if pair.match_type == EXACT), default=None)
    if heir is None:
        return
    for row in partners.keys() - {heir, *_partners(session, heir)}:
        newer, older = max(row, heir), min(row, heir)
        kind, score = partners[row].match_type, partners[row].similarity_score
        session.add(Duplicate(file_id=newer, duplicate_of_id=older, match_type=kind, similarity_score=score))
    session.flush()


def _partners(session: Session, row: int) -> dict[int, Duplicate]:
    """The Files (row ids) that one is paired with, and how: by equal bytes, if by those."""
    mine = or_(col(Duplicate.file_id) == row, col(Duplicate.duplicate_of_id) == row)
    exact_last = select(Duplicate).where(mine).order_by(col(Duplicate.match_type) == EXACT)
    pairs = session.exec(exact_last).all()
    return {pair.duplicate_of_id if pair.file_id == row else pair.file_id: pair for pair in pairs}


def _portions(values: Collection[Value]) -> Iterator[list[Value]]:
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield some
