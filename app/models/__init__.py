"""The one name for tables and the enums they store."""

from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.domain.recording_time import ConfidenceLevel
from app.models.edits import SearchEntry, SegmentEdit, SpeakerName
from app.models.imports import ImportSource
from app.models.library import Duplicate, File, Fingerprint, FingerprintKey, JobFile, UserDecision
from app.models.transcript import EngineSpeed, Segment, TaskEvent
from app.models.uploads import Upload
from app.models.webhooks import WebhookDelivery
from app.models.work import Job, Task

__all__ = [
    "ConfidenceLevel",
    "Duplicate",
    "EngineSpeed",
    "File",
    "Fingerprint",
    "FingerprintKey",
    "ImportSource",
    "Job",
    "JobFile",
    "JobStatus",
    "SearchEntry",
    "Segment",
    "SegmentEdit",
    "SpeakerName",
    "Task",
    "TaskEvent",
    "TaskProgressStage",
    "Upload",
    "UserDecision",
    "WebhookDelivery",
]
