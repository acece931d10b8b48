"""Owns the second look for a transcript: what was being transcribed when the same recording came again is finished by its turn."""

from app.core.logging import logger
from app.domain.errors import Cancelled
from app.services.duplicate_rule import DuplicateRule, reuse
from app.services.runs import Claim
from app.services.store import Store
from app.services.task_moves import tell_queue


class LateReuse:
    """Asked by a worker before it runs what it claimed."""

    def __init__(self, store: Store, rule: DuplicateRule) -> None:
        self._store = store
        self._rule = rule

    def ends(self, claim: Claim) -> bool:
        """Whether the Task is completed with a transcript that is there now. Blocking: may ask what would run.

        Not in later attempts: who retries a Task wants it transcribed. Raises `Cancelled` if the lease is lost.
        """
        if claim.lease.attempt > 1 or claim.kept is not None or self._rule.choice(claim.options) != "reuse":
            return False
        sha256 = self._repeated(claim.task_id)
        if sha256 is None:
            return False
        plan = self._rule.plan(claim.options)
        with self._store.write(durable=True) as tx:
            if not tx.tasks.holds(claim.lease):
                raise Cancelled
            if not reuse(tx, tx.tasks.get(claim.task_id), sha256, plan, claim.lease):
                return False
            tell_queue(tx)
        logger.info("transcript_reused", task_id=claim.task_id)
        return True

    def _repeated(self, task_id: str) -> str | None:
        """The sha256 of the Task's recording, if there is a finished transcript of it."""
        with self._store.read() as tx:
            sha256 = tx.tasks.get(task_id).file.file_hash_sha256
            return sha256 if sha256 is not None and tx.duplicates.finished_tasks(sha256) else None
