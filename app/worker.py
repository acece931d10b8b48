"""Owns the worker process: started by a server or alone, drained when asked to stop, replaced when native code is stuck in it."""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from typing import NoReturn

from app.background_worker import BackgroundWorker, put_back
from app.composition import WorkerParts, build_worker
from app.core.config import Settings, load_settings
from app.core.logging import configure_logging, logger
from app.infrastructure.queue.channel import BEAT, REPLACE_ME, WAKE, HintSender, NoAnnouncer, read_hints


async def serve(settings: Settings, channel: socket.socket | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT; with a `channel` also until the server at its other end is gone."""
    sender = HintSender(channel.dup()) if channel is not None else None
    parts = build_worker(settings, sender or NoAnnouncer())
    beat = (lambda: sender.send(BEAT)) if sender else (lambda: None)
    worker = BackgroundWorker(parts, settings, beat, _ask_for_another if sender else _begin_anew)
    _on_signals(worker, parts, settings.shutdown_seconds)
    listen = asyncio.create_task(_listen(worker, channel)) if channel is not None else None
    logger.info("worker_started", owner=parts.owner)
    try:
        await worker.run()
    finally:
        if listen is not None:
            listen.cancel()
        parts.close()
    logger.info("worker_stopped")


def _ask_for_another() -> NoReturn:
    """The server that started this process starts the next one at once."""
    os._exit(REPLACE_ME)


def _begin_anew() -> NoReturn:
    """Nobody watches over a worker that runs alone: it becomes the same program anew, under the same process id."""
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own program
    finally:
        os._exit(REPLACE_ME)


async def _listen(worker: BackgroundWorker, channel: socket.socket) -> None:
    def heard(hint: str) -> None:
        if hint == WAKE:
            worker.wake()

    await read_hints(channel, heard)
    worker.parent_gone()


def _on_signals(worker: BackgroundWorker, parts: WorkerParts, patience: float) -> None:
    asked = threading.Event()

    def stop() -> None:
        if asked.is_set():
            try:
                put_back(parts)
            finally:
                os._exit(1)
        asked.set()
        worker.drain(patience)

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)


def run_alone(settings: Settings, channel: socket.socket | None = None) -> NoReturn:
    """Run a worker as this process, to its end."""
    configure_logging(settings.log_level, json=settings.log_json, process="worker")
    asyncio.run(_serve_and_exit(settings, channel))
    os._exit(1)


async def _serve_and_exit(settings: Settings, channel: socket.socket | None) -> None:
    await serve(settings, channel)
    # The loop would wait for its threads, and one that native code keeps busy would hold the process; what mattered is stored.
    os._exit(0)


def main() -> None:
    """`python -m app.worker [--channel FD]`."""
    parser = argparse.ArgumentParser(prog="python -m app.worker")
    parser.add_argument(
        "--channel", type=int, help="file descriptor of the wire to the server that started this worker"
    )
    arguments = parser.parse_args()
    run_alone(load_settings(), socket.socket(fileno=arguments.channel) if arguments.channel is not None else None)


if __name__ == "__main__":
    main()
