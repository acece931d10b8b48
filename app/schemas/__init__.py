"""The wire contract: HTTP bodies, socket commands, events. Nothing else in Cesar defines JSON."""

from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.schemas.events import encode_event

__all__ = ["JobStatus", "TaskProgressStage", "encode_event"]
