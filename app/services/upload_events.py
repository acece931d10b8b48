"""Owns what watchers hear of a recording on its way in: its Task stays `queued`, and progress tells how much is here."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from app.core.clock import utc_now
from app.domain.events import ProgressEvent, StatusEvent
from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.models import Task
from app.services.store import Transaction
from app.services.webhook_events import tell_status

UPLOADING: Final = "Uploading"
CHECKING: Final = "Checking the recording"
_PACE: Final = timedelta(seconds=0.2)


def tell_announced(tx: Transaction, arriving: Sequence[tuple[Task, int]]) -> None:
    """These Tasks, made in this transaction, wait for recordings of so many bytes."""
    tx.events.begin(
        [(task, _progress(UPLOADING, 0) if length else _progress(CHECKING, 100)) for task, length in arriving]
    )


def tell_uploading(tx: Transaction, task: Task, offset: int, length: int) -> None:
    """Tell how much is here (bytes), if that is another percentage than was told last, and not too soon after it."""
    if offset == length:
        tx.events.append(task, _progress(CHECKING, 100))
        return
    percentage = offset * 100 // length
    is_news = percentage > task.stage_percentage or task.progress_message != UPLOADING
    if is_news and not (offset and tx.uploads.was_told_since(task, utc_now() - _PACE)):
        tx.events.append(task, _progress(UPLOADING, percentage))


def tell_arrived(tx: Transaction, task: Task) -> None:
    """Every byte is here and the recording can be used: now the Task has a place in the queue. The transaction ends with `tell_queue`."""
    tx.events.append(task, _progress("", 100))
    task.queue_position = tx.tasks.queue_position(task)
    (event,) = tx.events.append(task, StatusEvent(JobStatus.QUEUED, task.queue_position, task.attempt))
    tell_status(tx, task, event)


def _progress(message: str, percentage: int) -> ProgressEvent:
    return ProgressEvent(TaskProgressStage.QUEUED, 0, message, percentage)
