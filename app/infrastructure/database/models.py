"""The tables under the name that database code and scripts know; defined in `app.models`."""

from app.models import (
    Duplicate,
    EngineSpeed,
    File,
    Job,
    JobFile,
    SearchEntry,
    Segment,
    SegmentEdit,
    SpeakerName,
    Task,
    TaskEvent,
    UserDecision,
    WebhookDelivery,
)

__all__ = [
    "Duplicate",
    "EngineSpeed",
    "File",
    "Job",
    "JobFile",
    "SearchEntry",
    "Segment",
    "SegmentEdit",
    "SpeakerName",
    "Task",
    "TaskEvent",
    "UserDecision",
    "WebhookDelivery",
]
