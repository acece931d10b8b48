"""Owns what follows from every change of a Task's status: what is shown and found, who is told, and the Job's own status."""

from app.domain.events import StatusEvent
from app.models import Task
from app.services.shown_transcript import follow_move
from app.services.store import Transaction
from app.services.webhook_events import tell_end, tell_status


def tell_move(tx: Transaction, task: Task) -> None:
    """To be called in the transaction of a move just made."""
    follow_move(tx, task)
    position = tx.tasks.queue_position(task)
    task.queue_position = position
    (event,) = tx.events.append(task, StatusEvent(task.status, position, task.attempt))
    tell_status(tx, task, event)
    if (ended := tx.jobs.refresh(task.job_id)) is not None:
        tell_end(tx, ended)
