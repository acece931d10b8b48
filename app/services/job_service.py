"""Owns Jobs: accepting what a person asked for, and cancelling, retrying, deleting all of it."""

import time
from collections.abc import Sequence

from app.core.logging import logger
from app.domain.errors import CesarError
from app.domain.events import StatusEvent
from app.domain.lifecycle import FINISHED, RETRYABLE
from app.domain.options import TranscriptionOptions
from app.domain.ports import Storage
from app.domain.webhooks import WebhookRules, WebhookTarget
from app.models import File, Job, JobStatus, Task
from app.services.file_rows import file_row
from app.services.option_defaults import OptionDefaults
from app.services.retry import Redo
from app.services.store import Store, Transaction
from app.services.submission import ArrivedFile, Submission
from app.services.task_service import TaskService, tell_queue
from app.services.webhook_events import tell_end, tell_status


class JobService:
    """The life of Jobs, as far as it is not their Tasks'."""

    def __init__(
        self,
        store: Store,
        tasks: TaskService,
        storage: Storage,
        defaults: OptionDefaults | None = None,
        webhooks: WebhookRules | None = None,
    ) -> None:
        self.defaults = defaults or OptionDefaults()
        self._store = store
        self._tasks = tasks
        self._storage = storage
        self._webhooks = webhooks or WebhookRules()

    def submit(self, submission: Submission) -> str:
        """Accept: when this returns, the disk has it. The Job's public id.

        Bytes that turn out not to be needed (a repeated key, a failed transaction) are removed.

        Raises:
            CesarError: `idempotency_conflict`, `bad_value` for a preset that is not known, `webhook_refused`.
        """
        try:
            options = self.defaults.complete(submission.options)
            webhook = self._webhooks.settle(submission.webhook)
            with self._store.write(durable=True) as tx:
                earlier = self._earlier(tx, submission)
                job = earlier or self._accept(tx, submission, options, webhook)
                job_id = job.uuid
        except BaseException:
            self.forget(submission.files)
            raise
        if earlier is not None:
            self.forget(submission.files)
        logger.info("job_accepted", job_id=job_id, files=len(submission.files), repeated=earlier is not None)
        return job_id

    def tasks_of_job(self, job_id: str) -> list[str]:
        """Public ids of a Job's Tasks in their order. Raises `CesarError("job_not_found")`."""
        with self._store.read() as tx:
            return [task.uuid for task in tx.jobs.get(job_id).tasks]

    def unfinished(self) -> list[str]:
        """Public ids of all Tasks that are not finished, oldest first."""
        with self._store.read() as tx:
            return tx.tasks.unfinished()

    def cancel(self, job_id: str) -> None:
        """Cancel what is not finished. Raises `CesarError`: `job_not_found`, `illegal_move` if nothing is left to cancel."""
        with self._store.write(durable=True) as tx:
            unfinished = [task for task in tx.jobs.get(job_id).tasks if task.status not in FINISHED]
            if not unfinished:
                raise CesarError("illegal_move", "every task of this job is finished")
            for task in unfinished:
                self._tasks.cancel_within(tx, task)
            tell_queue(tx)

    def retry(self, job_id: str) -> None:
        """Queue anew what failed. Raises `CesarError`: `job_not_found`, `illegal_move` if nothing did."""
        with self._store.write(durable=True) as tx:
            job = tx.jobs.get(job_id)
            failed = [task for task in job.tasks if task.status in RETRYABLE]
            if not failed:
                raise CesarError("illegal_move", "no task of this job can be retried")
            for task in failed:
                self._tasks.retry_within(tx, task, Redo())
            tell_queue(tx)

    def delete(self, job_id: str) -> list[str]:
        """Remove the Job, its Tasks and bytes that nobody else uses; the ids of the Tasks that are gone.

        Raises:
            CesarError: `job_not_found`.
        """
        with self._store.write(durable=True) as tx:
            job = tx.jobs.get(job_id)
            files, gone = list(job.files), [task.uuid for task in job.tasks]
            tx.jobs.remove(job)
            keys = _remove_unused(tx, files)
            tell_queue(tx)
        self._remove_bytes(keys)
        return gone

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
            elif tx.jobs.refresh(job.id) is not None:
                tell_end(tx, job)
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

    def _earlier(self, tx: Transaction, submission: Submission) -> Job | None:
        if submission.idempotency_key is None:
            return None
        job = tx.jobs.by_key(submission.idempotency_key)
        if job is not None and job.request_fingerprint != submission.fingerprint:
            raise CesarError("idempotency_conflict")
        return job

    def _accept(
        self, tx: Transaction, submission: Submission, options: TranscriptionOptions, webhook: WebhookTarget
    ) -> Job:
        files = [tx.files.add(file_row(arrived)) for arrived in submission.files]
        if submission.url is not None:
            files.append(tx.files.add(File(original_filename="", original_path="", source_url=submission.url)))
        job = tx.jobs.add(
            Job(
                model_size=options.model,
                language=options.language,
                diarize=bool(options.diarize),
                min_speakers=options.min_speakers,
                max_speakers=options.max_speakers,
                options=options.given(),
                idempotency_key=submission.idempotency_key,
                request_fingerprint=submission.fingerprint,
                webhook_url=webhook.url,
                webhook_statuses=webhook.statuses,
            ),
            files,
        )
        for task in job.tasks:
            _tell_accepted(tx, task)
        return job

    def forget(self, files: Sequence[ArrivedFile]) -> None:
        """Remove the bytes of files that will belong to no Job."""
        self._remove_bytes([file.stored.key for file in files])

    def _remove_bytes(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._storage.remove(key)


def _tell_accepted(tx: Transaction, task: Task) -> None:
    task.queue_position = tx.tasks.queue_position(task)
    (event,) = tx.events.append(task, StatusEvent(JobStatus.QUEUED, task.queue_position, task.attempt))
    tell_status(tx, task, event)


def _remove_unused(tx: Transaction, files: Sequence[File]) -> list[str]:
    """Remove Files that no Task uses; keys of bytes that may go once this is committed."""
    unused = [file for file in files if not tx.files.is_used(file)]
    keys = [file.storage_path for file in unused if file.storage_path]
    for file in unused:
        tx.files.remove(file)
    return keys
