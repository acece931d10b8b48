"""Owns what people are told about duplicates: groups of Files, a File's own pairs, and what a submission turned out to repeat."""

from collections.abc import Sequence
from typing import Final, Literal

from app.domain.disclosure import shown_url
from app.domain.duplicates import groups_of
from app.domain.options import TranscriptionOptions
from app.models import File, UserDecision
from app.schemas import duplicates as wire
from app.schemas.files import FileDuplicate
from app.schemas.jobs import Job
from app.schemas.tasks import DuplicateOf
from app.schemas.tasks import Task as TaskBody
from app.services.duplicate_rule import DuplicateRule, Plan
from app.services.duplicate_store import KnownBytes
from app.services.store import Store, Transaction
from app.services.views import task_links

_DECISIONS: Final[dict[str, Literal["keep", "discard"]]] = {"keep_duplicate": "keep", "discard_duplicate": "discard"}


class DuplicateService:
    """Answers questions; changes nothing."""

    def __init__(self, store: Store, rule: DuplicateRule) -> None:
        self._store = store
        self._rule = rule

    def groups(self, page: int, per_page: int) -> wire.DuplicatePage:
        """One page of groups: the connected components of all pairs, the one with the newest File first."""
        with self._store.read() as tx:
            groups = sorted(groups_of(tx.duplicates.pairs()), key=max, reverse=True)
            shown = groups[(page - 1) * per_page : page * per_page]
            return wire.DuplicatePage(
                groups=[_group(tx, group) for group in shown], total=len(groups), page=page, per_page=per_page
            )

    def pairs_of(self, file_id: str) -> list[FileDuplicate]:
        """What a File is a duplicate of, and what is a duplicate of it. Raises `CesarError("file_not_found")`."""
        with self._store.read() as tx:
            return [FileDuplicate.model_validate(pair) for pair in tx.library.pairs_of(tx.files.get(file_id))]

    def answer(self, job: Job) -> Job:
        """An accepted Job, and what its recordings are exact duplicates of. Blocking: may ask what would run now."""
        with self._store.read() as tx:
            known = tx.duplicates.known_bytes([task.file_id for task in job.tasks])
        if not known:
            return job
        plan = self._rule.plan(TranscriptionOptions(**job.tasks[0].options))
        with self._store.read() as tx:
            tasks = [
                _answered(tx, task, known[task.file_id], plan) if task.file_id in known else task for task in job.tasks
            ]
        return job.model_copy(update={"tasks": tasks})


def _answered(tx: Transaction, body: TaskBody, known: KnownBytes, plan: Plan) -> TaskBody:
    finished = [task for task in tx.duplicates.finished_tasks(known.sha256) if task.uuid != body.id]
    reused = [task for task in finished if task.uuid == body.reused_from]
    told = DuplicateOf(file_id=known.file_id, score=1.0)
    for task in (reused or finished)[:1]:
        told = told.model_copy(
            update={
                "task_id": task.uuid,
                "transcript": task_links(task).transcript,
                "differs": [] if reused or plan.choice != "reuse" else list(plan.differing(task)),
            }
        )
    return body.model_copy(update={"duplicate_of": told})


def _group(tx: Transaction, rows: frozenset[int]) -> wire.DuplicateGroup:
    files = tx.duplicates.files(rows)
    decided = tx.library.standing(files)
    return wire.DuplicateGroup(
        files=[_file(file, decided.get(file.id, ())) for file in files],
        pairs=[FileDuplicate.model_validate(pair) for pair in tx.duplicates.pairs_among(rows)],
    )


def _file(file: File, decided: Sequence[UserDecision]) -> wire.GroupedFile:
    about_copies = [_DECISIONS[row.decision_type] for row in decided if row.decision_type in _DECISIONS]
    return wire.GroupedFile(
        id=file.uuid,
        filename=file.original_filename or shown_url(file.source_url or ""),
        file_size_bytes=file.file_size_bytes,
        mime_type=file.mime_type,
        duration_seconds=file.duration_seconds,
        created_at=file.created_at,
        decision=about_copies[-1] if about_copies else None,
    )
