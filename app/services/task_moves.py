"""Owns what follows from every change of a Task's status: what is shown, who is told, the places in the queue, the Job's own status."""

from app.domain.events import StatusEvent
from app.models import JobStatus, Task
from app.services.shown_transcript import follow_move
from app.services.store import Transaction
from app.services.webhook_events import tell_end, tell_status

TOLD_POSITIONS = 20
"""How many places at the head of the queue are pushed when they change; the others are told when asked for."""


def tell_move(tx: Transaction, task: Task) -> None:
    """To be called in the transaction of a move just made."""
    tell_task(tx, task)
    tell_job(tx, task.job_id)


def tell_task(tx: Transaction, task: Task) -> None:
    """The same of one of many Tasks of a Job that are moved together; the transaction has to end with `tell_job`."""
    follow_move(tx, task)
    position = tx.tasks.queue_position(task)
    task.queue_position = position
    (event,) = tx.events.append(task, StatusEvent(task.status, position, task.attempt))
    tell_status(tx, task, event)


def tell_job(tx: Transaction, job_id: int) -> None:
    """Derive the Job's status from its Tasks, and say if that ended it."""
    if (ended := tx.jobs.refresh(job_id)) is not None:
        tell_end(tx, ended)


def tell_queue(tx: Transaction) -> None:
    """Push the places at the head of the queue that changed."""
    for position, task in enumerate(tx.tasks.waiting(TOLD_POSITIONS), start=1):
        if task.queue_position != position:
            task.queue_position = position
            tx.events.append(task, StatusEvent(JobStatus.QUEUED, position, task.attempt))
