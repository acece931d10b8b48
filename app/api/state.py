"""Owns what the lifespan gives to every request: the services, typed."""

from dataclasses import dataclass
from typing import Protocol, TypedDict, cast

from starlette.requests import HTTPConnection

from app.api.gate import GateRule
from app.core.config import Settings
from app.domain.ports import Storage
from app.infrastructure.websocket import ConnectionManager
from app.schemas.service import EngineChoice, EngineHealth, WorkerHealth
from app.schemas.tasks import TaskProgress
from app.services.duplicate_service import DuplicateService
from app.services.edit_service import EditService
from app.services.errand_intake import ErrandIntake
from app.services.file_service import FileService
from app.services.intake_service import IntakeService
from app.services.job_service import JobService
from app.services.keeping_service import KeepingService
from app.services.media_service import MediaService
from app.services.peak_service import PeakService
from app.services.query_service import QueryService
from app.services.search_service import SearchService
from app.services.task_service import TaskService
from app.services.upload_service import UploadService
from app.services.webhook_service import WebhookService


@dataclass(frozen=True, slots=True)
class CurrentProgress:
    """A Task's progress now, as it is and as its JSON, and the tag that changes when anything in it does."""

    body: TaskProgress
    json: str
    etag: str


class ProgressSource(Protocol):
    """The polling read: microseconds, never waits."""

    def read(self, task_id: str) -> CurrentProgress | None:
        """The Task's progress now; None for an unknown Task."""


class Diagnosis(Protocol):
    """What the health routes tell about the machine."""

    def worker(self) -> WorkerHealth:
        """This server's own worker."""

    def engines(self) -> tuple[EngineHealth, ...]:
        """Every engine, and whether it could run. Blocking."""

    def engine_choice(self) -> EngineChoice | None:
        """What a request without an engine of its own gets, and why; None if nothing can run. Blocking."""

    def database(self) -> str:
        """`ok`, or what is wrong. Blocking."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the endpoints work with."""

    settings: Settings
    jobs: JobService
    tasks: TaskService
    queries: QueryService
    duplicates: DuplicateService
    edits: EditService
    files: FileService
    search: SearchService
    intake: IntakeService
    errands: ErrandIntake
    uploads: UploadService
    webhooks: WebhookService
    storage: Storage
    recordings: MediaService
    peaks: PeakService
    keeping: KeepingService
    progress: ProgressSource
    diagnosis: Diagnosis


class State(TypedDict):
    """What the lifespan yields."""

    services: Services
    sockets: ConnectionManager
    gate: GateRule


def services_of(connection: HTTPConnection) -> Services:
    """The services of this server."""
    return cast("Services", connection.state.services)


def sockets_of(connection: HTTPConnection) -> ConnectionManager:
    """Who listens to what on this server."""
    return cast("ConnectionManager", connection.state.sockets)
