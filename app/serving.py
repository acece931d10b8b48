"""Owns how `cesar serve` runs: one process, several that share a port, or one that reloads while somebody edits the code."""

import os
import socket

import typer
import uvicorn
from uvicorn.supervisors import ChangeReload, Multiprocess

from app.core.config import Settings, SettingsError
from app.core.logging import configure_logging
from app.infrastructure.websocket.serving import listening_socket, uvicorn_options

APP = "app.main:app"


def serve(settings: Settings, *, workers: int = 1, reload: bool = False) -> None:
    """Serve until told to stop. With `workers` > 1 each server process brings a transcription worker of its own.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    configure_logging(settings.log_level, json=settings.log_json)
    listener = _listen(settings)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        APP, host=settings.host, port=port, workers=workers, reload=reload, **uvicorn_options(settings)
    )
    server = uvicorn.Server(config)
    typer.echo(f"Cesar listens on http://{_shown(settings.host)}:{port}")
    if reload:
        ChangeReload(config, target=server.run, sockets=[listener]).run()
    elif workers > 1:
        Multiprocess(config, sockets=[listener]).run()
    else:
        server.run(sockets=[listener])


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
