"""Owns the worker process of a server: started with it, watched, restarted when it dies or falls silent, stopped with it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Literal

from app.core.logging import logger
from app.infrastructure.queue.channel import BEAT, REPLACE_ME, WAKE, HintSender, read_hints

_LOOK_EVERY_SECONDS = 0.1
_STARTING_SECONDS = 60.0
"""How much longer than usual a worker may be silent while it starts on a busy machine."""

_LARGE_PAGES = "glibc.malloc.hugetlb=1"
"""The models take and give back hundreds of megabytes a second; in pages of 4 KiB a fifth of the time goes into that."""

WorkerStatus = Literal["starting", "running", "restarting", "stopped"]


class EmbeddedWorker:
    """Keeps one `python -m app.worker` alive.

    A worker that ends is restarted: at once the first time, or when it asks for it, then after a growing pause. One that
    has not said `beat` for `silence_seconds` (frozen, or stuck in native code that holds the interpreter) is killed; its
    Task goes back to the queue because its lease's owner is dead.
    """

    def __init__(self, announce: Callable[[str], None], *, silence_seconds: float) -> None:
        self._announce = announce
        self._silence_seconds = silence_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._sender: HintSender | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._silence = 0.0
        self._stopping = False
        self.status: WorkerStatus = "stopped"
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the worker and watch it; returns at once."""
        self.status = "starting"
        self._keeper = asyncio.create_task(self._keep(), name="embedded-worker")

    def wake(self) -> None:
        """Something changed: a Task was submitted, cancelled, retried. From any thread."""
        sender = self._sender
        if sender is not None:
            sender.send(WAKE)

    async def stop(self, drain_seconds: float) -> None:
        """Ask the worker to finish or put back its Task, and wait for it; kill it when that takes too long."""
        self._stopping = True
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            deadline = time.monotonic() + drain_seconds
            while process.poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
            process.kill()
        if self._keeper is not None:
            await asyncio.wait([self._keeper], timeout=5)
            self._keeper.cancel()
        self.status = "stopped"

    def hurry(self) -> None:
        """A second request to stop: the worker puts its Task back and ends at once."""
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGTERM)

    async def _keep(self) -> None:
        pause = 0.0
        while True:
            started = time.monotonic()
            try:
                await self._live_once()
            except OSError:
                logger.exception("worker_start_failed")
            if self._stopping:
                return
            code = self._process.returncode if self._process else None
            is_fine = code == REPLACE_ME or time.monotonic() - started > 60
            pause = 0.0 if is_fine else min(30.0, pause * 2 + 0.1)
            self.status, self.restarts = "restarting", self.restarts + 1
            logger.warning("worker_ended", exit_code=code, restart_in_seconds=pause)
            await asyncio.sleep(pause)
            if self._is_stopping():
                return

    async def _live_once(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.to_thread(_spawn, theirs.fileno())
        if self._is_stopping():
            self._process.terminate()
        self._silence = -_STARTING_SECONDS
        self._sender = HintSender(ours)
        hints = asyncio.create_task(read_hints(ours, self._hear))
        await self._ended(self._process)
        hints.cancel()
        self._sender = None
        ours.close()

    def _is_stopping(self) -> bool:
        return self._stopping

    def _hear(self, hint: str) -> None:
        if hint == BEAT:
            self._silence, self.status = 0.0, "running"
        else:
            self._announce(hint)

    async def _ended(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for its end, and see to it when it has fallen silent."""
        while process.poll() is None:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            # A look counts for its own length: this process may have been frozen itself, with beats waiting to be read.
            self._silence += _LOOK_EVERY_SECONDS
            if self._silence > self._silence_seconds:
                logger.error("worker_silent", pid=process.pid)
                process.kill()
                self._silence = 0.0


def _spawn(channel: int) -> subprocess.Popen[bytes]:
    # Not through the event loop: some loops let a child inherit every open socket, the listening one too,
    # and then the port stays taken for as long as an orphaned worker lives.
    command = [sys.executable, "-m", "app.worker", "--channel", str(channel)]
    environment = {"GLIBC_TUNABLES": _LARGE_PAGES, **os.environ}
    return subprocess.Popen(command, env=environment, pass_fds=[channel], start_new_session=True)  # noqa: S603 - our own program
