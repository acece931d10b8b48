"""Owns what an accepted Job does about all its duplicates: refused before anything is kept, reused a portion at a time."""

from collections.abc import Sequence
from typing import Final

from app.core.logging import logger
from app.domain.errors import CesarError
from app.models import JobStatus, Task
from app.services.duplicate_rule import DuplicateRule, Plan, reuse
from app.services.store import Store, Transaction
from app.services.task_moves import tell_queue
from app.services.turns import let_others_write, one_turn

_PORTION: Final = 100
"""How many Tasks are read for a turn that may be too short for them."""


def settle_accepted(tx: Transaction, rule: DuplicateRule, tasks: Sequence[Task], plan: Plan) -> list[str]:
    """Do what is planned about the Tasks of a new Job, as part of the transaction that accepts it.

    The ids of those whose transcript is still to be taken over, with `reuse_rest`: all of many would hold up everybody else.

    Raises:
        CesarError: `duplicate_refused`.
    """
    hashes = [task.file.file_hash_sha256 or "" for task in tasks]
    repeated = tx.duplicates.repeated(hashes)
    for task in tasks:
        if task.file.file_hash_sha256 in repeated:
            rule.note(tx, task.file)
    if plan.choice == "refuse":
        taken_up = tx.duplicates.taken_up(hashes)
        for task in tasks:
            if task.file.file_hash_sha256 in taken_up:
                rule.settle(tx, task, plan)
    if plan.choice != "reuse":
        return []
    transcribed = tx.duplicates.transcripts(set(hashes), ())
    return _one_turn_of(tx, [task for task in tasks if task.file.file_hash_sha256 in transcribed], plan)


def reuse_rest(store: Store, task_ids: Sequence[str], plan: Plan) -> None:
    """Go on with them. Blocking; raises nothing, because the Job is accepted.

    Whoever fails or is killed on the way leaves the rest to the workers, who look again before they run a Task.
    """
    left = list(task_ids)
    try:
        while left:
            let_others_write()
            with store.write(durable=True) as tx:
                tasks = tx.duplicates.tasks(left[:_PORTION])
                waiting = [task for task in tasks if task.status is JobStatus.QUEUED]
                left = _one_turn_of(tx, waiting, plan) + left[_PORTION:]
    except CesarError as problem:
        logger.warning("reuse_left_to_workers", tasks=len(left), error_code=problem.code)


def _one_turn_of(tx: Transaction, tasks: Sequence[Task], plan: Plan) -> list[str]:
    left = [task.uuid for task in tasks]
    for task in one_turn(tasks):
        reuse(tx, task, task.file.file_hash_sha256 or "", plan)
        left.remove(task.uuid)
    tell_queue(tx)
    return left
