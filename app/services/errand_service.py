"""Owns the life of errands – import and export Jobs, which have no Tasks: claimed, counted, ended, recovered, cancelled, retried."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.disclosure import shown_text
from app.domain.errors import Cancelled, CesarError
from app.domain.lifecycle import RETRYABLE
from app.models import Job, JobStatus
from app.services.errand_store import ErrandLease
from app.services.lease_watch import LeaseWatch
from app.services.store import Store, Transaction
from app.services.webhook_events import tell_end

_COUNT_EVERY_SECONDS: Final = 0.25
"""How often a count that nothing else is stored with is worth a transaction."""

_TOLD_FAILURES: Final = 50
"""How many failures of single recordings are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class ErrandClaim:
    """An errand that this worker may do: its lease, its kind, and what the person asked for, as it was stored."""

    lease: ErrandLease
    job_type: str
    request: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ErrandOutcome:
    """What came of an errand: how many recordings it was about, those that could not be served and why, the archive's key."""

    total: int
    failures: tuple[tuple[str, CesarError], ...] = ()
    output_path: str | None = None

    @property
    def status(self) -> JobStatus:
        """`partial` if only some could be served, `failed` if none of several could."""
        if not self.failures:
            return JobStatus.COMPLETED
        return JobStatus.PARTIAL if len(self.failures) < self.total else JobStatus.FAILED

    @property
    def error_message(self) -> str | None:
        """A line for each recording that could not be served."""
        told = [f"{name}: {_reason(problem)}" for name, problem in self.failures[:_TOLD_FAILURES]]
        more = len(self.failures) - len(told)
        return "\n".join([*told, *([f"and {more} more"] if more else [])]) or None


class ErrandService:
    """Errands, from the database to the database. `is_dead` tells for certain that a lease's owner no longer runs."""

    def __init__(
        self, store: Store, *, lease_seconds: float, max_attempts: int, is_dead: Callable[[str], bool]
    ) -> None:
        self._store = store
        self._lease_time = timedelta(seconds=lease_seconds)
        self._max_attempts = max_attempts
        self._leases = LeaseWatch(is_dead, lease_seconds)

    def claim(self, owner: str) -> ErrandClaim | None:
        """Take the oldest waiting errand for this worker, or None."""
        with self._store.read() as tx:
            if not tx.errands.any_waiting():
                return None
        with self._store.write() as tx:
            job = tx.errands.claim(owner, utc_now() + self._lease_time)
            if job is None:
                return None
            logger.info("errand_claimed", job_id=job.uuid, job_type=job.job_type, attempt=job.attempt)
            lease = ErrandLease(job.uuid, job.attempt, owner)
            return ErrandClaim(lease, job.job_type, dict(job.options), job.created_at)

    def renew(self, lease: ErrandLease) -> bool:
        """Prolong a lease; False if the errand is no longer this worker's."""
        with self._store.write() as tx:
            return tx.errands.renew(lease, utc_now() + self._lease_time)

    def holds(self, lease: ErrandLease) -> bool:
        """Whether the errand is still this worker's."""
        with self._store.read() as tx:
            return tx.errands.holds(lease)

    def count(self, lease: ErrandLease, current: int, total: int) -> None:
        """So many of so many are done. Raises `Cancelled` if the lease is lost."""
        with self._store.write() as tx:
            if not tx.errands.count(lease, current, total):
                raise Cancelled

    def finish(self, lease: ErrandLease, outcome: ErrandOutcome) -> None:
        """The end of an errand that was carried out. Raises `Cancelled` if the lease is lost."""
        counted = {"progress_current": outcome.total, "progress_total": outcome.total}
        ended = {"error_message": outcome.error_message, "output_path": outcome.output_path}
        self._end(lease, outcome.status, counted | ended)
        logger.info("errand_ended", job_id=lease.job_id, status=outcome.status.value, failures=len(outcome.failures))

    def fail(self, lease: ErrandLease, error: CesarError) -> None:
        """The end of an errand that could not be carried out. No effect if the lease is lost."""
        try:
            self._end(lease, JobStatus.FAILED, {"error_message": _reason(error)})
        except Cancelled:
            return
        logger.warning("errand_failed", job_id=lease.job_id, error_code=error.code)

    def put_back(self, lease: ErrandLease) -> None:
        """Let another worker go on with it. No effect if the lease is lost."""
        with self._store.write() as tx:
            if tx.errands.holds(lease):
                job = tx.jobs.get(lease.job_id)
                tx.errands.move(job, JobStatus.QUEUED, lease, {"attempt": job.attempt + 1})

    def recover(self) -> list[str]:
        """Return the errands of dead workers to the queue, or fail those that were tried too often; their ids."""
        with self._store.read() as tx:
            if not self._leases.lost(tx.errands.leased(), utc_now()):
                return []
        with self._store.write(durable=True) as tx:
            abandoned = self._leases.lost(tx.errands.leased(), utc_now())
            for job in abandoned:
                self._recover(tx, job)
            return [job.uuid for job in abandoned]

    def _end(self, lease: ErrandLease, status: JobStatus, values: dict[str, Any]) -> None:
        with self._store.write(durable=True) as tx:
            if not tx.errands.holds(lease):
                raise Cancelled
            job = tx.jobs.get(lease.job_id)
            tx.errands.move(job, status, lease, values | {"completed_at": utc_now()})
            tell_end(tx, job)

    def _recover(self, tx: Transaction, job: Job) -> None:
        lease = ErrandLease(job.uuid, job.attempt, job.lease_owner or "")
        deaths = job.recoveries + 1
        logger.warning("errand_recovered", job_id=job.uuid, attempt=job.attempt, deaths=deaths)
        if deaths < self._max_attempts:
            tx.errands.move(job, JobStatus.QUEUED, lease, {"attempt": job.attempt + 1, "recoveries": deaths})
            return
        error = CesarError("worker_lost", f"{deaths} workers ended without a word")
        ended = {"error_message": _reason(error), "completed_at": utc_now(), "recoveries": deaths}
        if tx.errands.move(job, JobStatus.FAILED, lease, ended):
            tell_end(tx, job)


class ErrandControl:
    """How an errand's work says how far it is and learns that it should stop; for one thread, `stop` for any."""

    def __init__(self, errands: ErrandService, lease: ErrandLease) -> None:
        self._errands = errands
        self._lease = lease
        self._stopped = threading.Event()
        self._counted = 0.0

    def stop(self) -> None:
        """It is no longer wanted here."""
        self._stopped.set()

    def check(self) -> None:
        """Raises `Cancelled` when the errand is no longer wanted; cheap, to be called often."""
        if self._stopped.is_set():
            raise Cancelled

    def count(self, current: int, total: int) -> None:
        """So many of so many are done; stored now and then, and the first one at once. Raises `Cancelled`."""
        self.check()
        now = time.monotonic()
        if now - self._counted >= _COUNT_EVERY_SECONDS:
            self._errands.count(self._lease, current, total)
            self._counted = now


def cancel_errand(tx: Transaction, job: Job) -> None:
    """End a waiting or running errand. Raises `CesarError("illegal_move")`."""
    if not tx.errands.move(job, JobStatus.CANCELLED, None, {"completed_at": utc_now()}):
        raise CesarError("illegal_move", f"a job that is {job.status.value} cannot be cancelled")
    tell_end(tx, job)


def retry_errand(tx: Transaction, job: Job) -> str | None:
    """Queue a finished errand anew; the key of the archive that it had. What was imported already is not taken twice.

    Raises:
        CesarError: `illegal_move` for one that did not fail, or whose recordings came with its request.
    """
    if job.status not in RETRYABLE or not job.options:
        raise CesarError("illegal_move", f"a {job.job_type} job that is {job.status.value} cannot be retried")
    archive = job.output_path
    again = {"attempt": job.attempt + 1, "recoveries": 0, "retry_count": job.retry_count + 1, "progress_current": 0}
    forgotten = dict.fromkeys(("completed_at", "error_message", "output_path"))
    tx.errands.move(job, JobStatus.QUEUED, None, again | forgotten)
    return archive


def _reason(problem: CesarError) -> str:
    detail = shown_text(problem.detail)
    return f"{problem.entry.sentence} ({detail})" if detail else problem.entry.sentence
