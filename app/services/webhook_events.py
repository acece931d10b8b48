"""Owns what is told to webhooks: a change that somebody wants to hear of becomes a delivery in the same transaction."""

from app.core.clock import utc_now
from app.domain.events import StoredEvent
from app.models import Job, Task
from app.schemas.webhooks import TASK_STATUS, EndedJob, EndedTask, encode_end, encode_status, type_of_end
from app.services.store import Transaction
from app.services.views import job_links, task_links


def tell_status(tx: Transaction, task: Task, event: StoredEvent) -> None:
    """Write down that the Task's status changed, if its Job's receiver wants to hear of that."""
    job = task.job
    if job.webhook_url is not None and job.webhook_statuses:
        tx.webhooks.add(job, job.webhook_url, TASK_STATUS, encode_status(event.payload))


def tell_end(tx: Transaction, job: Job) -> None:
    """Write down that the Job ended, if somebody is to be told."""
    if job.webhook_url is not None:
        tx.webhooks.add(job, job.webhook_url, type_of_end(job.status), encode_end(_ended(job), utc_now()))


def _ended(job: Job) -> EndedJob:
    return EndedJob(
        id=job.uuid,
        job_type=job.job_type,
        status=job.status,
        created_at=job.created_at,
        completed_at=job.completed_at,
        tasks=[_ended_task(task) for task in job.tasks],
        links=job_links(job),
    )


def _ended_task(task: Task) -> EndedTask:
    return EndedTask(
        id=task.uuid,
        status=task.status,
        attempt=task.attempt,
        seq=task.last_seq,
        error_code=task.error_code,
        error=task.error,
        diarization_error_code=task.diarization_error_code,
        links=task_links(task),
    )
