"""Owns the routes that tell how the server is: for people, for load balancers, for the page."""

from fastapi import APIRouter, Request

from app import __version__
from app.api.errors import documented
from app.api.state import services_of, sockets_of
from app.domain.errors import CesarError
from app.schemas.service import Engines, Health, Live

router = APIRouter(tags=["Health"])


@router.get("/health", summary="How the server is")
def health(request: Request) -> Health:
    """Server, worker, queue and connections; `degraded` when the worker or the database is not well."""
    services = services_of(request)
    worker, database = services.diagnosis.worker(), services.diagnosis.database()
    queued, running = services.queries.counts() if database == "ok" else (0, 0)
    well = database == "ok" and worker.status in ("running", "starting", "none")
    return Health(
        status="ok" if well else "degraded",
        version=__version__,
        worker=worker,
        queued=queued,
        running=running,
        connections=sockets_of(request).counts.connections,
        database=database,
    )


@router.get("/health/live", summary="Whether the process answers")
async def live() -> Live:
    """Answers as long as the event loop runs."""
    return Live(status="ok")


@router.get("/health/ready", summary="Whether the server can take work", responses=documented(503))
def ready(request: Request) -> Live:
    """503 while the database is out of reach."""
    if (database := services_of(request).diagnosis.database()) != "ok":
        raise CesarError("unavailable", database)
    return Live(status="ok")


@router.get("/health/engines", summary="The engines of this machine")
def engines(request: Request) -> Engines:
    """Which engines are installed, which one a plain request gets, and why."""
    diagnosis = services_of(request).diagnosis
    return Engines(engines=list(diagnosis.engines()), default=diagnosis.engine_choice())
