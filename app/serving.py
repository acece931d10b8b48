"""Owns how `cesar serve` runs: one process, several that share a port, or one that reloads while somebody edits the code."""

import os
import socket

import typer
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import ChangeReload, Multiprocess

from app.composition import open_database
from app.core.config import Settings, SettingsError
from app.core.logging import configure_logging
from app.infrastructure.media.fetchers import refuse_missing_ytdlp
from app.infrastructure.websocket.serving import listening_socket, uvicorn_options
from app.services.option_defaults import option_defaults

APP = "app.main:app"


def serve(settings: Settings, *, workers: int = 1, reload: bool = False) -> None:
    """Serve until told to stop. With `workers` > 1 each server process brings a transcription worker of its own.

    Raises:
        SettingsError: the data folder or its database cannot be used, the address cannot be listened on, a preset cannot work,
            or a server process did not get as far as serving.
    """
    configure_logging(settings.log_level, json=settings.log_json)
    # Said here, in one sentence and once, instead of by servers that do not come up.
    option_defaults(settings)
    refuse_missing_ytdlp(settings)
    open_database(settings).close()
    listener = _listen(settings)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        APP, host=settings.host, port=port, workers=workers, reload=reload, **uvicorn_options(settings)
    )
    typer.echo(f"Cesar listens on http://{_shown(settings.host)}:{port}")
    if reload:
        ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listener]).run()
    elif not (_serve_together(config, listener) if workers > 1 else _serve_alone(config, listener)):
        raise SettingsError("The server could not start; the lines above say why.")


def _serve_alone(config: uvicorn.Config, listener: socket.socket) -> bool:
    """Whether it ever served."""
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listener])
    except SystemExit as end:
        return end.code != STARTUP_FAILURE
    return server.started


def _serve_together(config: uvicorn.Config, listener: socket.socket) -> bool:
    """Whether no server process failed to start: one that does ends them all."""
    supervisor = Multiprocess(config, sockets=[listener])
    supervisor.run()
    return all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)


def export_flags(flags: dict[str, object]) -> None:
    """Put command line flags into the environment, where every process of this server reads its settings."""
    for name, value in flags.items():
        if value is not None:
            os.environ[f"CESAR_{name.upper()}"] = str(value)


def _listen(settings: Settings) -> socket.socket:
    try:
        return listening_socket(settings.host, settings.port)
    except OSError as problem:
        raise SettingsError(
            f"Cannot listen on {settings.host}:{settings.port} ({problem.strerror}): choose another port with --port."
        ) from None


def _shown(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
