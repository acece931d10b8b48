"""Owns the JSON of webhooks: the bodies that receivers get, and the delivery log."""

from datetime import datetime
from typing import Final

import orjson

from app.domain.lifecycle import JobStatus
from app.schemas.jobs import JobLinks
from app.schemas.tasks import TaskLinks, WireModel

TASK_STATUS: Final = "task.status"


class EndedTask(WireModel):
    """One Task of a Job that ended. `seq` is the number of its newest event; links are paths on this server."""

    id: str
    status: JobStatus
    attempt: int
    seq: int
    error_code: str | None
    error: str | None
    diarization_error_code: str | None
    links: TaskLinks


class EndedJob(WireModel):
    """A Job that ended: how, when, and where everything is. No words of the transcript: they are fetched over `links`."""

    id: str
    job_type: str
    status: JobStatus
    created_at: datetime
    completed_at: datetime | None
    tasks: list[EndedTask]
    links: JobLinks


def type_of_end(status: JobStatus) -> str:
    """`job.completed`, `job.partial`, `job.failed` or `job.cancelled`."""
    return f"job.{status.value}"


def encode_end(job: EndedJob, timestamp: datetime) -> bytes:
    """The body that tells of a Job's end, as UTF-8."""
    told = {"type": type_of_end(job.status), "timestamp": timestamp.isoformat(), "data": job.model_dump(mode="json")}
    return orjson.dumps(told)


def encode_status(event: bytes) -> bytes:
    """The body that tells of a Task's status: the encoded event goes in byte for byte, with its own timestamp outside too."""
    told = {"type": TASK_STATUS, "timestamp": orjson.loads(event)["timestamp"], "data": orjson.Fragment(event)}
    return orjson.dumps(told)


class WebhookDelivery(WireModel):
    """One message to one address, and what came of it."""

    id: str
    """Also its `webhook-id`."""
    url: str
    """Scheme, host and port; the rest of a webhook's address is often its receiver's key."""
    event_type: str
    status: str
    """`waiting`, `delivered` or `given_up`."""
    attempts: int
    next_attempt_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None


class WebhookDeliveryPage(WireModel):
    """One page of a Job's deliveries, oldest first."""

    deliveries: list[WebhookDelivery]
    total: int
    page: int
    per_page: int
