"""The composition root of the server: settings → adapters → services → app; `uvicorn app.main:app` runs it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from app import __version__
from app.api import (
    duplicate_api,
    edit_api,
    file_api,
    health_api,
    job_api,
    job_submission_api,
    media_api,
    openai_api,
    preset_api,
    search_api,
    task_api,
    transcribe_api,
    transcript_api,
    upload_api,
    webhook_api,
)
from app.api.errors import documented, install_error_answers
from app.api.event_stream_api import task_events
from app.api.gate import Gate, GateRule
from app.api.middleware import AnswerHeaders
from app.api.openai_errors import unknown_addresses
from app.api.page_api import page_routes
from app.api.plain_route import PlainRoute
from app.api.polling_lane import PollingLane
from app.api.socket_api import socket_routes
from app.api.state import State
from app.composition import build_server
from app.core.config import Settings, load_settings
from app.core.logging import configure_logging, logger
from app.infrastructure.queue.embedded_worker import EmbeddedWorker
from app.infrastructure.websocket import ConnectionManager, ProgressEmitter, connection_manager, progress_emitter
from app.infrastructure.websocket.serving import hearing_shutdown
from app.services.housekeeping import Housekeeping
from app.services.task_service import TaskService
from app.services.upload_service import UploadService

_RECOVERY_SECONDS = 5.0

DESCRIPTION = """
A recording goes in, a transcript comes out, and every step is seen live: over a WebSocket (`/ws`, `/ws/tasks/{task_id}`),
an event stream (`/tasks/{task_id}/events`), or by polling (`/tasks/{task_id}/progress`) – the same events on each.
"""


class Server(FastAPI):
    """FastAPI with the way in and out laid around everything, the answers to failures included."""

    def build_middleware_stack(self) -> ASGIApp:
        """The gate, the short way of a poll, and FastAPI's own, all of them inside the headers."""
        return AnswerHeaders(Gate(PollingLane(super().build_middleware_stack())))


class ServerAnnouncer:
    """Tells the sockets of this process and its worker that something changed. From any thread; never blocks or raises."""

    def __init__(self, sockets: ConnectionManager) -> None:
        self._sockets = sockets
        self.worker: EmbeddedWorker | None = None

    def announce(self, task_id: str) -> None:
        """The log of this Task grew."""
        self._sockets.announce(task_id)
        if self.worker is not None:
            self.worker.wake()


def create_app(
    settings: Settings | None = None,
    sockets: ConnectionManager = connection_manager,
    emitter: ProgressEmitter = progress_emitter,
) -> FastAPI:
    """The server as an ASGI app. Settings are read when the lifespan begins, unless given."""
    app = Server(
        title="Cesar",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan(settings, sockets, emitter),
        docs_url=None,
        redoc_url=None,
        strict_content_type=True,
        # Looks into the environment on every request, and a service of one's own reports to nobody.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    install_error_answers(app)
    app.router.routes[:0] = [
        *task_api.plain_routes,
        _event_stream_route(),
        *transcribe_api.plain_routes,
        *job_submission_api.plain_routes,
        *upload_api.plain_routes,
        *media_api.plain_routes,
        *openai_api.plain_routes,
    ]
    for module in (
        task_api,
        transcript_api,
        edit_api,
        file_api,
        duplicate_api,
        search_api,
        job_api,
        media_api,
        webhook_api,
        health_api,
        preset_api,
    ):
        app.include_router(module.router)
    app.router.routes.extend([*unknown_addresses, *socket_routes, *page_routes])
    return app


def _lifespan(
    given: Settings | None, sockets: ConnectionManager, emitter: ProgressEmitter
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        settings = given or load_settings()
        configure_logging(settings.log_level, json=settings.log_json, process="web")
        announcer = ServerAnnouncer(sockets)
        worker = EmbeddedWorker(sockets.announce, silence_seconds=settings.lease_seconds)
        announcer.worker = worker if settings.embedded_worker else None
        parts = await asyncio.to_thread(build_server, settings, announcer, announcer.worker)
        sockets.attach(parts.event_log, parts.directory, settings)
        sockets.start(asyncio.get_running_loop())
        emitter.attach(parts.event_log)
        recovery = asyncio.create_task(_recover(parts.services.tasks, parts.services.uploads))
        sweeping = asyncio.create_task(_keep_house(parts.housekeeping, sockets))
        if settings.embedded_worker:
            worker.start()
        logger.info("server_ready", data_dir=str(settings.data_dir))
        with hearing_shutdown(sockets.go_away):
            yield State(services=parts.services, sockets=sockets, gate=GateRule(settings))
        recovery.cancel()
        sweeping.cancel()
        parts.services.peaks.close()
        parts.services.keeping.close()
        await asyncio.to_thread(parts.services.uploads.close)
        with hearing_shutdown(worker.hurry):  # a second Ctrl-C
            await asyncio.gather(sockets.stop(), worker.stop(settings.shutdown_seconds + 3))
        await asyncio.to_thread(emitter.close)
        emitter.attach(None)
        parts.database.close()

    return lifespan


async def _recover(tasks: TaskService, uploads: UploadService) -> None:
    """A server without a living worker still tells that Tasks went back to the queue, and ends uploads that others left."""
    while True:
        try:
            await asyncio.to_thread(tasks.recover)
            await asyncio.to_thread(uploads.sweep)
        except Exception:  # the database may be busy or gone for a moment
            logger.exception("recovery_failed")
        await asyncio.sleep(_RECOVERY_SECONDS)


async def _keep_house(housekeeping: Housekeeping, sockets: ConnectionManager) -> None:
    """Forget what was kept long enough, and tell those who watch it."""
    while True:
        for task_id in await asyncio.to_thread(housekeeping.sweep):
            sockets.drop_task(task_id)
        await asyncio.sleep(housekeeping.period_seconds)


def _event_stream_route() -> PlainRoute:
    return PlainRoute(
        "/tasks/{task_id}/events",
        task_events,
        methods=["GET"],
        tags=[task_api.TAG],
        summary="Follow a task as an event stream",
        description=task_events.__doc__,
        responses={200: {"content": {"text/event-stream": {}}}, **documented(404)},
        openapi_extra={
            "parameters": [
                {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}},
                {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}},
                {"name": "Last-Event-ID", "in": "header", "schema": {"type": "integer", "minimum": 0}},
            ]
        },
    )


app = create_app()
