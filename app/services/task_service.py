"""Owns every change of a Task's status: claimed, finished, failed, cancelled, retried, recovered, put back.

Each change is one transaction that moves the Task, derives its Job's status, stores the events that tell of it and
renews the places in the queue. A worker's changes carry its lease; without a valid one they have no effect.
"""

from collections.abc import Callable
from datetime import timedelta, tzinfo
from typing import Any

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.errors import WARNINGS, Cancelled, CesarError
from app.domain.events import ErrorEvent, ProgressEvent, SegmentsRevisedEvent, WarningEvent
from app.domain.lifecycle import RETRYABLE
from app.domain.options import TranscriptionOptions
from app.domain.ports import MediaFacts, StoredFile
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Transcript
from app.models import JobStatus, Task
from app.services.duplicate_rule import DuplicateRule, Plan
from app.services.file_rows import write_facts
from app.services.lease_watch import LeaseWatch
from app.services.option_defaults import OptionDefaults
from app.services.retry import (
    KEEPING,
    Redo,
    check_stage,
    first_stage,
    in_effect,
    kept_of,
    named_language,
    wanted_changes,
)
from app.services.runs import Claim, RunResult, SpeakerFailure, speaker_warning, warnings_before
from app.services.shown_transcript import clear_transcript
from app.services.store import Lease, Store, Transaction
from app.services.submission import ArrivedFile
from app.services.task_columns import FRESH, RENEWED, UNDONE, as_stored, failed, finished
from app.services.task_moves import tell_job, tell_move, tell_queue, tell_task


class TaskService:
    """The life of Tasks. `is_dead` tells for certain that a lease's owner no longer runs (False when unsure).

    Times without an offset in what a URL brings are of `zone` (None: this machine's).
    """

    def __init__(
        self,
        store: Store,
        *,
        lease_seconds: float,
        max_attempts: int,
        is_dead: Callable[[str], bool],
        defaults: OptionDefaults | None = None,
        zone: tzinfo | None = None,
        duplicates: DuplicateRule | None = None,
    ) -> None:
        self.duplicates = duplicates or DuplicateRule()
        self._store = store
        self._zone = zone
        self._defaults = defaults or OptionDefaults()
        self._lease_time = timedelta(seconds=lease_seconds)
        self._max_attempts = max_attempts
        self._leases = LeaseWatch(is_dead, lease_seconds)

    def claim(self, owner: str, *, to_fetch: bool) -> Claim | None:
        """Take the oldest waiting Task for this worker, or None."""
        with self._store.write() as tx:
            task = tx.tasks.claim(owner, utc_now() + self._lease_time, to_fetch=to_fetch)
            if task is None:
                return None
            tell_move(tx, task)
            tell_queue(tx)
            kept = kept_of(tx, task)
            if kept is None and task.redo_from is not None:  # there is nothing to keep after all
                tx.tasks.update(task.uuid, {"redo_from": None, "warnings": []})
            logger.info("task_claimed", task_id=task.uuid, attempt=task.attempt, status=task.status.value)
            lease = Lease(task.uuid, task.attempt, owner)
            try:
                options = TranscriptionOptions(**task.job.options | task.options)
            except CesarError as problem:  # an earlier release accepted it; it must not stop the queue
                self._fail(tx, task, lease, problem)
                return None
            return Claim(
                lease=lease,
                filename=task.file.original_filename,
                storage_key=task.file.storage_path,
                source_url=task.file.source_url,
                duration_seconds=task.file.duration_seconds,
                options=options,
                percentage=task.progress_percentage or 0,
                kept=kept,
            )

    def renew(self, lease: Lease) -> bool:
        """Prolong a lease; False if the Task is no longer this worker's."""
        with self._store.write() as tx:
            return tx.tasks.renew(lease, utc_now() + self._lease_time)

    def holds(self, lease: Lease) -> bool:
        """Whether the Task is still this worker's."""
        with self._store.read() as tx:
            return tx.tasks.holds(lease)

    def engine_known(self, lease: Lease, engine: str, model: str, device: str) -> None:
        """Say what runs, as soon as it is loaded. No effect if the lease is lost."""
        with self._store.write() as tx:
            if tx.tasks.holds(lease):
                tx.tasks.update(lease.task_id, {"engine": engine, "model": model, "device": device})

    def arrived(self, lease: Lease, stored: StoredFile, facts: MediaFacts, filename: str) -> None:
        """The bytes of a URL rest: the Task waits for its turn, or takes over a transcript that is there.

        Raises:
            CesarError: `duplicate_refused`.
            Cancelled: the lease is lost.
        """
        plan = self.plan_for(lease.task_id)
        with self._store.write(durable=True) as tx:
            task = tx.tasks.get(lease.task_id)
            if not tx.tasks.move(task, JobStatus.QUEUED, lease, {}):
                raise Cancelled
            write_facts(task.file, ArrivedFile(filename, stored, facts), self._zone)
            tell_move(tx, task)
            self.duplicates.note(tx, task.file)
            self.duplicates.settle(tx, task, plan)
            tell_queue(tx)

    def plan_for(self, task_id: str) -> Plan:
        """What is to be done about a Task whose recording turns out to be in the library. Blocking; not within a transaction."""
        with self._store.read() as tx:
            task = tx.tasks.get(task_id)
            options = TranscriptionOptions(**task.job.options | task.options)
        return self.duplicates.plan(options)

    def reached(self, lease: Lease, stage: TaskProgressStage, transcript: Transcript) -> None:
        """The transcript is there, `stage` comes next: an attempt that follows begins with it. Raises `Cancelled` if the lease is lost."""
        with self._store.write() as tx:
            if not tx.tasks.holds(lease):
                raise Cancelled
            task = tx.tasks.get(lease.task_id)
            tx.transcripts.replace(task, transcript.segments)
            reached = {
                "redo_from": stage,
                "detected_language": transcript.language,
                "language_probability": transcript.language_probability,
                "transcript_version": task.transcript_version + 1,
            }
            tx.tasks.update(lease.task_id, reached)

    def complete(self, lease: Lease, result: RunResult) -> None:
        """Store the result and end the Task: `completed`, or `partial` without speakers. Raises `Cancelled` if the lease is lost."""
        with self._store.write(durable=True) as tx:
            if not tx.tasks.holds(lease):
                raise Cancelled
            task = tx.tasks.get(lease.task_id)
            self._finish(tx, task, lease, result)
            task.file.duration_seconds = result.duration_seconds
            for stage, seconds in result.work_seconds.items():
                pace = seconds / max(result.duration_seconds, 0.1)
                tx.speeds.learn(result.engine, result.model, result.device, stage, pace)
        logger.info("task_completed", task_id=lease.task_id, engine=result.engine, segments=len(result.segments))

    def fail(self, lease: Lease, error: CesarError) -> None:
        """End the Task with an error of the catalogue. No effect if the lease is lost."""
        with self._store.write(durable=True) as tx:
            if tx.tasks.holds(lease):
                self._fail(tx, tx.tasks.get(lease.task_id), lease, error)
                tell_queue(tx)

    def fail_waiting_within(self, tx: Transaction, task: Task, error: CesarError) -> None:
        """End a Task whose recording never came, as part of a larger transaction, which has to end with `tell_queue`.

        No worker ever had it, so it takes both steps there are at once.
        """
        lease = Lease(task.uuid, task.attempt, "intake")
        held = {"lease_owner": lease.owner, "lease_expires_at": utc_now()}
        if tx.tasks.move(task, JobStatus.DOWNLOADING, None, held):
            self._fail(tx, task, lease, error)

    def put_back(self, lease: Lease) -> None:
        """Return a running Task to the queue because this worker shuts down; a new attempt follows. No effect if the lease is lost."""
        with self._store.write(durable=True) as tx:
            task = tx.tasks.get(lease.task_id)
            self._requeue(tx, task, lease, {})
            tell_job(tx, task.job_id)
            tell_queue(tx)

    def recover(self) -> list[str]:
        """Return the Tasks of dead workers to the queue, or fail those that were tried too often; their ids."""
        with self._store.read() as tx:
            if not self._leases.lost(tx.tasks.leased(), utc_now()):
                return []
        with self._store.write(durable=True) as tx:
            abandoned = self._leases.lost(tx.tasks.leased(), utc_now())
            for task in abandoned:
                self._recover(tx, task)
            tell_queue(tx)
            return [task.uuid for task in abandoned]

    def cancel(self, task_id: str) -> None:
        """End a waiting or running Task. Raises `CesarError`: `task_not_found`, `illegal_move`."""
        with self._store.write(durable=True) as tx:
            task = tx.tasks.get(task_id)
            self.cancel_within(tx, task)
            tell_job(tx, task.job_id)
            tell_queue(tx)

    def cancel_within(self, tx: Transaction, task: Task) -> None:
        """The same, as part of a larger transaction, which has to end with `tell_job` and `tell_queue`."""
        ended = {"completed_at": utc_now(), "queue_position": None, "stalled": False}
        if not tx.tasks.move(task, JobStatus.CANCELLED, None, ended):
            raise CesarError("illegal_move", f"a task that is {task.status.value} cannot be cancelled")
        tx.uploads.end(task)
        tell_task(tx, task)

    def retry(self, task_id: str, redo: Redo | None = None) -> None:
        """Queue a finished Task anew: what failed, or what `redo` says; a completed one only from a stage that is named.

        Raises:
            CesarError: `task_not_found`, `illegal_move`, `bad_value` for options that cannot be.
        """
        with self._store.write(durable=True) as tx:
            task = tx.tasks.get(task_id)
            self.retry_within(tx, task, redo or Redo())
            task.job.retry_count += 1
            tell_job(tx, task.job_id)
            tell_queue(tx)

    def retry_within(self, tx: Transaction, task: Task, redo: Redo) -> None:
        """The same, as part of a larger transaction, which has to end with `tell_job` and `tell_queue`."""
        if task.status not in RETRYABLE and not (redo.stage and task.status is JobStatus.COMPLETED):
            raise CesarError("illegal_move", f"a task that is {task.status.value} cannot be retried")
        if task.file.media_removed_at is not None:
            raise CesarError("media_gone")
        if task.file.storage_path is None and task.file.source_url is None:
            raise CesarError("media_gone", "its upload did not come to a good end")
        redo = in_effect(redo, task)
        changes = self._defaults.change(task.job.options | task.options, wanted_changes(redo))
        check_stage(redo.stage, changes)
        stage = first_stage(task, redo)
        kept = RENEWED | named_language(stage, changes) if stage else RENEWED | UNDONE
        self._requeue(tx, task, None, kept | {"recoveries": 0, "redo_from": stage, "options": task.options | changes})

    def _requeue(self, tx: Transaction, task: Task, lease: Lease | None, values: dict[str, Any]) -> None:
        """A new attempt; it keeps the transcript if it begins at a stage that works on it. `tell_job` has to follow."""
        stage = values.get("redo_from", task.redo_from)
        keeps = stage in KEEPING
        values = values | {
            "attempt": task.attempt + 1,
            "warnings": warnings_before(stage if keeps else None, task.warnings),
            "transcript_version": task.transcript_version + (0 if keeps else 1),
        }
        if not tx.tasks.move(task, JobStatus.QUEUED, lease, FRESH | values):
            return
        if not keeps:
            clear_transcript(tx, task)
        tell_task(tx, task)
        if keeps:
            # Who follows begins the new attempt with an empty page.
            tx.events.append(task, SegmentsRevisedEvent(tx.transcripts.of(task)))

    def _recover(self, tx: Transaction, task: Task) -> None:
        lease = Lease(task.uuid, task.attempt, task.lease_owner or "")
        deaths = task.recoveries + 1
        logger.warning("worker_lost", task_id=task.uuid, attempt=task.attempt, deaths=deaths)
        if deaths >= self._max_attempts:
            self._fail(tx, task, lease, CesarError("worker_lost", f"{deaths} workers ended without a word"))
        else:
            self._requeue(tx, task, lease, {"recoveries": deaths})
            tell_job(tx, task.job_id)

    def _finish(self, tx: Transaction, task: Task, lease: Lease, result: RunResult) -> None:
        """The good end, or the end without speakers. No effect if the lease is lost."""
        end = JobStatus.PARTIAL if result.speaker_failure else JobStatus.COMPLETED
        values = finished(result) | {"transcript_version": task.transcript_version + 1}
        if not tx.tasks.move(task, end, lease, values):
            return
        tx.transcripts.replace(task, result.segments)
        tx.events.append(task, ProgressEvent(TaskProgressStage.COMPLETE, 100, "", 100, 0.0))
        tell_move(tx, task)

    def _fail(self, tx: Transaction, task: Task, lease: Lease, error: CesarError) -> None:
        """The bad end, unless the transcript is there: what fails behind it costs that stage alone."""
        if task.redo_from is TaskProgressStage.DIARIZING and tx.tasks.holds(lease):
            return self._end_without_speakers(tx, task, lease, error)
        if task.redo_from is TaskProgressStage.ALIGNING and tx.tasks.holds(lease):
            return self._go_on_without_words(tx, task, lease, error)
        if not tx.tasks.move(task, JobStatus.FAILED, lease, failed(error)):
            return None
        entry = error.entry
        event = ErrorEvent(entry.code, entry.sentence, error.detail, entry.retryable, entry.remedy)
        tx.events.append(task, event)
        tell_move(tx, task)
        logger.warning("task_failed", task_id=task.uuid, error_code=entry.code)
        return None

    def _end_without_speakers(self, tx: Transaction, task: Task, lease: Lease, error: CesarError) -> None:
        failure = SpeakerFailure.of(error)
        tx.events.append(task, WarningEvent(failure.code, speaker_warning(failure.code)))
        self._finish(tx, task, lease, as_stored(task, tx.transcripts.of(task), failure))
        logger.warning("speakers_missing", task_id=task.uuid, error_code=error.code)

    def _go_on_without_words(self, tx: Transaction, task: Task, lease: Lease, error: CesarError) -> None:
        """Words keep the times that they have: what comes after their stage is next, or the end."""
        tx.events.append(task, WarningEvent("alignment_failed", WARNINGS["alignment_failed"]))
        logger.warning("word_times_missing", task_id=task.uuid, error_code=error.code)
        if (task.job.options | task.options).get("diarize"):
            self._requeue(tx, task, lease, {"recoveries": 0, "redo_from": TaskProgressStage.DIARIZING})
            tell_job(tx, task.job_id)
        else:
            self._finish(tx, task, lease, as_stored(task, tx.transcripts.of(task), None))
