"""Owns the worker process of a server: started with it, watched, restarted when it dies or falls silent, stopped with it."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Literal

from app.core.logging import logger
from app.infrastructure.queue.channel import BEAT, WAKE, HintSender, read_hints

WorkerStatus = Literal["starting", "running", "restarting", "stopped"]


class EmbeddedWorker:
    """Keeps one `python -m app.worker` alive.

    A worker that ends is restarted: at once the first time, then after a growing pause. One that has not said `beat`
    for `silence_seconds` (frozen, or stuck in native code that holds the interpreter) is killed; its Task goes back
    to the queue because its lease's owner is dead.
    """

    def __init__(
        self, announce: Callable[[str], None], *, silence_seconds: float, environment: dict[str, str] | None = None
    ) -> None:
        self._announce = announce
        self._silence_seconds = silence_seconds
        self._environment = environment or {}
        self._process: asyncio.subprocess.Process | None = None
        self._sender: HintSender | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._last_beat = time.monotonic()
        self._stopping = False
        self.status: WorkerStatus = "stopped"
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def start(self) -> None:
        """Start the worker and watch it; returns at once."""
        self.status = "starting"
        self._keeper = asyncio.create_task(self._keep(), name="embedded-worker")

    def wake(self) -> None:
        """Something changed: a Task was submitted, cancelled, retried. From any thread."""
        if self._sender is not None:
            self._sender.send(WAKE)

    async def stop(self, drain_seconds: float) -> None:
        """Ask the worker to finish or put back its Task, and wait for it; kill it when that takes too long."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), drain_seconds)
            except TimeoutError:
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
            pause = 0.0 if time.monotonic() - started > 60 else min(30.0, pause * 2 + 0.1)
            self.status, self.restarts = "restarting", self.restarts + 1
            code = self._process.returncode if self._process else None
            logger.warning("worker_ended", exit_code=code, restart_in_seconds=pause)
            await asyncio.sleep(pause)

    async def _live_once(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app.worker", "--channel", str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._environment},
                start_new_session=True,
            )  # fmt: skip
        self._last_beat = time.monotonic()
        self._sender = HintSender(ours)
        hints = asyncio.create_task(read_hints(ours, self._hear))
        watch = asyncio.create_task(self._kill_when_silent(self._process))
        await self._process.wait()
        watch.cancel()
        hints.cancel()
        self._sender = None
        ours.close()

    def _hear(self, hint: str) -> None:
        if hint == BEAT:
            self._last_beat, self.status = time.monotonic(), "running"
        else:
            self._announce(hint)

    async def _kill_when_silent(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            await asyncio.sleep(1)
            if time.monotonic() - self._last_beat > self._silence_seconds:
                logger.error("worker_silent", pid=process.pid)
                process.kill()
