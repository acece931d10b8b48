"""Owns the JSON about the service itself: errors and health."""

from app.schemas.tasks import WireModel


class ErrorBody(WireModel):
    """What went wrong: a code of the catalogue, a sentence, and what to do."""

    code: str
    message: str
    detail: str | None
    retryable: bool
    remedy: str
    request_id: str


class ErrorAnswer(WireModel):
    """The shape of every error answer."""

    error: ErrorBody


class WorkerHealth(WireModel):
    """The transcription worker of this server process."""

    status: str
    """`running`, `starting`, `restarting`, `stopped`, or `none` when this server has no worker of its own."""
    pid: int | None
    restarts: int


class EngineHealth(WireModel):
    """An engine on this machine, and whether a Task could use it."""

    name: str
    usable: bool
    version: str | None
    why: str
    remedy: str | None


class EngineChoice(WireModel):
    """What a request that names no engine gets."""

    engine: str
    model: str
    device: str
    reason: str


class Engines(WireModel):
    """The engines of this machine."""

    engines: list[EngineHealth]
    default: EngineChoice | None


class Live(WireModel):
    """The process answers."""

    status: str


class Health(WireModel):
    """How the server is."""

    status: str
    """`ok` or `degraded`."""
    version: str
    worker: WorkerHealth
    queued: int
    running: int
    connections: int
    database: str
