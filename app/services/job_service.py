"""Owns Jobs: accepting what a person asked for, and cancelling, retrying, deleting all of it."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import tzinfo

from app.core.logging import logger
from app.domain.errors import CesarError
from app.domain.events import StatusEvent
from app.domain.job_types import ERRANDS, JobState
from app.domain.lifecycle import RETRYABLE, UNFINISHED
from app.domain.ports import Storage
from app.domain.webhooks import WebhookRules
from app.models import File, Job, JobStatus, Task
from app.services.duplicate_rule import Plan
from app.services.duplicate_settling import reuse_rest, settle_accepted
from app.services.errand_service import cancel_errand, retry_errand
from app.services.file_rows import file_row
from app.services.option_defaults import OptionDefaults
from app.services.retry import Redo
from app.services.store import Store, Transaction
from app.services.submission import ArrivedFile, Submission, earlier_job, job_row
from app.services.task_moves import tell_job, tell_queue
from app.services.task_service import TaskService
from app.services.turns import let_others_write, one_turn
from app.services.upload_events import tell_announced
from app.services.upload_rows import expected_row, upload_row
from app.services.webhook_events import tell_status

_PORTION = 100
"""How many Tasks of a Job are read at once to be moved or removed."""


class JobService:
    """The life of Jobs, as far as it is not their Tasks'."""

    def __init__(
        self,
        store: Store,
        tasks: TaskService,
        storage: Storage,
        defaults: OptionDefaults | None = None,
        webhooks: WebhookRules | None = None,
        *,
        zone: tzinfo | None = None,
    ) -> None:
        self._zone = zone
        self.defaults = defaults or OptionDefaults()
        self._store = store
        self._tasks = tasks
        self._storage = storage
        self._webhooks = webhooks or WebhookRules()

    def submit(self, submission: Submission) -> str:
        """Accept: when this returns, the disk has it. The Job's public id.

        Bytes that turn out not to be needed (a repeated key, a failed transaction) are removed.

        Raises:
            CesarError: `idempotency_conflict`, `duplicate_refused`, `bad_value` for a preset that is not known, `webhook_refused`, and of
                Files of the library `file_not_found`, `media_gone`.
        """
        try:
            options = self.defaults.complete(submission.wanted)
            webhook = self._webhooks.settle(submission.webhook)
            plan = self._tasks.duplicates.plan(options)
            files, job = self._new_files(submission), job_row(submission, options, webhook)
            with self._store.write(durable=True) as tx:
                earlier = earlier_job(tx, job)
                left = [] if earlier else self._accept(tx, submission, files, job, plan)
                job_id = (earlier or job).uuid
        except BaseException:
            self.forget(submission.files)
            raise
        if earlier is not None:
            self.forget(submission.files)
        reuse_rest(self._store, left, plan)
        logger.info("job_accepted", job_id=job_id, files=len(submission.files), repeated=earlier is not None)
        return job_id

    def tasks_of_job(self, job_id: str) -> list[str]:
        """Public ids of a Job's Tasks in their order. Raises `CesarError("job_not_found")`."""
        with self._store.read() as tx:
            return [task.uuid for task in tx.jobs.get(job_id).tasks]

    def states(self, job_ids: Sequence[str]) -> list[JobState]:
        """How far these Jobs are; those that are gone are left out."""
        with self._store.read() as tx:
            return tx.lists.states(job_ids)

    def unfinished(self) -> list[str]:
        """Public ids of all Tasks that are not finished, oldest first."""
        with self._store.read() as tx:
            return tx.tasks.unfinished()

    def cancel(self, job_id: str) -> None:
        """Cancel what is not finished. Raises `CesarError`: `job_not_found`, `illegal_move` if nothing is left to cancel."""
        with self._store.write(durable=True) as tx:
            job = tx.jobs.get(job_id)
            if job.job_type in ERRANDS:
                return cancel_errand(tx, job)
        # From the end: whoever waits further ahead keeps his place meanwhile.
        if not self._move_all(job_id, UNFINISHED, self._tasks.cancel_within, from_end=True):
            raise CesarError("illegal_move", "every task of this job is finished")
        return None

    def retry(self, job_id: str) -> None:
        """Queue anew what failed and still has its recording.

        Raises:
            CesarError: `job_not_found`, `illegal_move` if nothing failed, `media_gone` if nothing of what failed has its recording.
        """
        with self._store.write(durable=True) as tx:
            job, archive = tx.jobs.get(job_id), None
            is_errand = job.job_type in ERRANDS
            if is_errand:
                archive = retry_errand(tx, job)
        self._remove_bytes([archive] if archive else [])
        if not is_errand:
            self._retry_tasks(job_id)

    def _retry_tasks(self, job_id: str) -> None:
        gone: list[CesarError] = []

        def retry(tx: Transaction, task: Task) -> None:
            try:
                self._tasks.retry_within(tx, task, Redo())
            except CesarError as problem:
                if problem.code != "media_gone":
                    raise
                gone.append(problem)

        failed = self._move_all(job_id, RETRYABLE, retry)
        if failed == len(gone):
            raise gone[0] if gone else CesarError("illegal_move", "no task of this job can be retried")
        with self._store.write() as tx:
            tx.jobs.get(job_id).retry_count += 1

    def _move_all(
        self,
        job_id: str,
        statuses: Collection[JobStatus],
        move: Callable[[Transaction, Task], None],
        *,
        from_end: bool = False,
    ) -> int:
        """Move every Task that has one of these statuses, each once, as many in a transaction as others can wait for; how many."""
        moved, past = 0, None
        while True:
            with self._store.write(durable=True) as tx:
                job = tx.jobs.get(job_id)
                tasks = tx.lists.portion(job, statuses, past, _PORTION, from_end=from_end)
                for task in one_turn(tasks):
                    move(tx, task)
                    moved, past = moved + 1, task.position
                if tasks:
                    tell_job(tx, job.id)
                    tell_queue(tx)
            if not tasks or (len(tasks) < _PORTION and past == tasks[-1].position):
                return moved
            let_others_write()

    def delete(self, job_id: str) -> list[str]:
        """Remove the Job, its Tasks and bytes that nobody else uses; the ids of the Tasks that are gone, in their order.

        From the end, and of a large one a part in a transaction: one whose removal was cut short has fewer Tasks.

        Raises:
            CesarError: `job_not_found`.
        """
        gone: list[str] = []
        while not self._delete_some(job_id, gone):
            let_others_write()
        return gone[::-1]

    def _delete_some(self, job_id: str, gone: list[str]) -> bool:
        """Whether the Job itself is gone."""
        keys: list[str] = []
        with self._store.write(durable=True) as tx:
            job = tx.jobs.get(job_id)
            for task in one_turn(tx.lists.portion(job, list(JobStatus), None, _PORTION, from_end=True)):
                file = task.file
                tx.tasks.remove(task)
                keys += _remove_unused(tx, [file])
                gone.append(task.uuid)
            if is_done := tx.jobs.is_empty(job):
                files = list(job.files)
                keys += [job.output_path] if job.output_path else []
                tx.jobs.remove(job)
                keys += _remove_unused(tx, files)
            else:
                tx.jobs.refresh(job.id)
            tell_queue(tx)
        self._remove_bytes(keys)
        return is_done

    def delete_task(self, task_id: str) -> None:
        """Remove a Task (a running one stops), its bytes if nobody else uses them, and its Job if that is empty.

        Raises:
            CesarError: `task_not_found`.
        """
        with self._store.write(durable=True) as tx:
            task = tx.tasks.get(task_id)
            job, file = task.job, task.file
            tx.tasks.remove(task)
            if tx.jobs.is_empty(job):
                tx.jobs.remove(job)
            else:
                tell_job(tx, job.id)
            keys = _remove_unused(tx, [file])
            tell_queue(tx)
        self._remove_bytes(keys)

    def remove_orphans(self, older_than_seconds: float) -> int:
        """Remove bytes that no File points to, left by a process that was killed between disk and database; how many."""
        with self._store.read() as tx:
            known = tx.files.storage_keys()
        oldest = time.time() - older_than_seconds
        stored = self._storage.keys()
        orphans = [key for key in stored if key not in known and self._is_older(key, oldest)]
        self._remove_bytes(orphans)
        return len(orphans)

    def _is_older(self, key: str, moment: float) -> bool:
        try:
            return self._storage.path_of(key).stat().st_mtime < moment
        except (CesarError, FileNotFoundError):
            return False  # somebody else removed it meanwhile

    def _new_files(self, submission: Submission) -> list[File]:
        """Rows for what is not in the library, made before others have to wait."""
        files = [file_row(arrived, self._zone) for arrived in submission.files]
        if submission.url is not None:
            files.append(File(original_filename="", original_path="", source_url=submission.url))
        return [*files, *map(expected_row, submission.expected)]

    def _accept(
        self,
        tx: Transaction,
        submission: Submission,
        files: Sequence[File],
        job: Job,
        plan: Plan,
    ) -> list[str]:
        """The Tasks whose transcript is still to be taken over."""
        tx.jobs.add(job, [*files, *self._of_library(tx, submission.library)])
        tasks = tx.lists.tasks_of(job)
        expected = submission.expected
        arriving = list(zip(tasks[len(tasks) - len(expected) :], expected, strict=True))
        tx.uploads.add_all([upload_row(task, file) for task, file in arriving])
        _tell_accepted(tx, tasks)
        tell_announced(tx, [(task, file.size_bytes) for task, file in arriving])
        return settle_accepted(tx, self._tasks.duplicates, tasks, plan)

    def _of_library(self, tx: Transaction, uuids: Sequence[str]) -> list[File]:
        files = tx.selections.files(uuids)
        for file in files:
            try:
                self._storage.path_of(file.storage_path or "")
            except CesarError:
                raise CesarError("media_gone", f"file {file.uuid}") from None
        return files

    def forget(self, files: Sequence[ArrivedFile]) -> None:
        """Remove the bytes of files that will belong to no Job."""
        self._remove_bytes([file.stored.key for file in files])

    def _remove_bytes(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._storage.remove(key)


def _tell_accepted(tx: Transaction, tasks: Sequence[Task]) -> None:
    positions = tx.lists.positions(tasks)
    for task in tasks:
        task.queue_position = positions.get(task.id)
    told = [(task, StatusEvent(JobStatus.QUEUED, task.queue_position, task.attempt)) for task in tasks]
    for task, event in zip(tasks, tx.events.begin(told), strict=True):
        tell_status(tx, task, event)


def _remove_unused(tx: Transaction, files: Sequence[File]) -> list[str]:
    """Remove Files that no Task uses and nobody imported; keys of bytes that may go once this is committed."""
    unused = [file for file in files if not tx.files.is_used(file)]
    keys = [file.storage_path for file in unused if file.storage_path]
    for file in unused:
        tx.files.remove(file)
    return keys
