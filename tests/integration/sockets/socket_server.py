"""A server with nothing but the sockets and the event stream, on the real log, under real uvicorn: what the tests here run against.

Started as a program: `python socket_server.py FOLDER`, settings from the environment; prints its port when it listens.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.api.event_stream_api import task_events
from app.api.gate import Gate, GateRule
from app.api.socket_api import socket_routes
from app.core.config import Settings
from app.core.logging import configure_logging
from app.domain.errors import CesarError
from app.infrastructure.database.engine import Database
from app.infrastructure.database.event_log import SqlEventLog
from app.infrastructure.websocket import connection_manager, progress_emitter
from app.infrastructure.websocket.serving import hearing_shutdown, listening_socket, uvicorn_options
from tests.integration.sockets.some_tasks import SomeTasks


def build(database: Database, settings: Settings) -> Starlette:
    """The application."""
    log = SqlEventLog(database)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        connection_manager.attach(log, SomeTasks(database, log, connection_manager), settings)
        connection_manager.start(asyncio.get_running_loop())
        progress_emitter.attach(log)
        with hearing_shutdown(connection_manager.go_away):
            yield {"sockets": connection_manager, "gate": GateRule(settings)}
        await connection_manager.stop()
        progress_emitter.close()

    return Starlette(
        routes=[*socket_routes, Route("/tasks/{task_id}/events", task_events), Route("/health", _health)],
        lifespan=lifespan,
        exception_handlers={CesarError: _explain},
    )


async def _health(_request: Request) -> Response:
    counts = connection_manager.counts
    return JSONResponse({"connections": counts.connections, "following": counts.following})


async def _explain(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, CesarError)
    return JSONResponse({"error": {"code": problem.code}}, status_code=problem.entry.http_status)


def main(folder: Path) -> None:
    """Serve until told to stop."""
    settings = Settings(data_dir=folder)
    configure_logging(settings.log_level)
    application = Gate(build(Database(settings.resolved_database_url), settings))
    listener = listening_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application, **uvicorn_options(settings)))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
