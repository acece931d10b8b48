"""Owns what people are told about duplicates: groups of Files, a File's own pairs, and what a submission turned out to repeat."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

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
from app.services.file_views import shown_name
from app.services.reuse import WouldRun
from app.services.store import Store, Transaction

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
        options = TranscriptionOptions(**job.tasks[0].options) if job.tasks else TranscriptionOptions()
        plan = Plan(self._rule.choice(options))
        # A Job over Files of the library may ask to reuse what was made of these very Files.
        known = self._known(job.tasks, job.tasks if plan.choice == "reuse" else ())
        if known and plan.choice == "reuse":
            plan = self._rule.plan(options)
        return job.model_copy(update={"tasks": self._told(job.tasks, known, lambda _: plan)})

    def told(self, tasks: Sequence[TaskBody]) -> list[TaskBody]:
        """Tasks as they are read later, and what their recordings are exact duplicates of."""
        reused = [task for task in tasks if task.reused_from is not None]
        return self._told(tasks, self._known(tasks, reused), self._plan_of)

    def _known(self, tasks: Sequence[TaskBody], again: Sequence[TaskBody]) -> dict[str, KnownBytes]:
        """The Files of Tasks of which there is an older one with the same bytes, and those of `again` if they were transcribed."""
        with self._store.read() as tx:
            transcribed = tx.duplicates.transcribed([task.file_id for task in again])
            return {**transcribed, **tx.duplicates.known_bytes([task.file_id for task in tasks])}

    def _plan_of(self, task: TaskBody) -> Plan:
        """What was wanted, and what ran; without asking anybody what would run now."""
        choice = self._rule.choice(TranscriptionOptions(**task.options))
        return Plan(choice, task.options, WouldRun(task.engine or "", task.model or ""))

    def _told(
        self, tasks: Sequence[TaskBody], known: Mapping[str, KnownBytes], plan_of: Callable[[TaskBody], Plan]
    ) -> list[TaskBody]:
        reused = [task.reused_from for task in tasks if task.reused_from is not None]
        with self._store.read() as tx:
            transcripts = tx.duplicates.transcripts({bytes_.sha256 for bytes_ in known.values()}, reused)
            return [
                _answered(tx, task, known[task.file_id], transcripts, plan_of(task)) if task.file_id in known else task
                for task in tasks
            ]


def _answered(
    tx: Transaction, body: TaskBody, known: KnownBytes, transcripts: Mapping[str, Sequence[str]], plan: Plan
) -> TaskBody:
    finished = [task_id for task_id in transcripts.get(known.sha256, ()) if task_id != body.id]
    if known.file_id == body.file_id and not finished:
        return body
    told = DuplicateOf(file_id=known.file_id, score=1.0)
    if finished:
        task_id = body.reused_from if body.reused_from in finished else finished[0]
        is_made_anew = plan.choice == "reuse" and body.reused_from is None
        told = DuplicateOf(
            file_id=known.file_id,
            score=1.0,
            task_id=task_id,
            transcript=f"/tasks/{task_id}/transcript",
            differs=list(plan.differing(tx.tasks.get(task_id))) if is_made_anew else [],
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
        filename=shown_name(file),
        file_size_bytes=file.file_size_bytes,
        mime_type=file.mime_type,
        duration_seconds=file.duration_seconds,
        created_at=file.created_at,
        has_media=file.storage_path is not None,
        decision=about_copies[-1] if about_copies else None,
    )
