"""Owns the worker process: it claims Tasks, runs them one at a time in a thread, keeps their leases, and drains when asked to stop."""

import argparse
import asyncio
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from app.composition import WorkerParts, build_worker
from app.core.config import Settings, load_settings
from app.core.logging import configure_logging, logger
from app.domain.errors import CesarError
from app.infrastructure.queue.channel import BEAT, WAKE, HintSender, NoAnnouncer, read_hints
from app.services.run_progress import RunProgress
from app.services.runs import Claim

_IDLE_LOOK_SECONDS = 5.0
"""How often an idle worker looks at the queue when nothing told it to."""

_CHANGE_LOOK_SECONDS = 0.2
"""How often it asks whether the database changed at all, which costs microseconds."""

_UNSTOPPABLE_SECONDS = 15.0
"""How long a run that is no longer wanted may go on before the whole process is given up: native code cannot be interrupted."""

_EXIT_UNSTOPPABLE = 75


class BackgroundWorker:
    """Finds queued Tasks and runs them, oldest first, one at a time; URL downloads run beside in their own lane."""

    def __init__(self, parts: WorkerParts, settings: Settings, beat: Callable[[], None]) -> None:
        self._parts = parts
        self._settings = settings
        self._beat = beat
        self._draining = asyncio.Event()
        self._woken = {False: asyncio.Event(), True: asyncio.Event()}
        self._running: dict[str, tuple[Claim, RunProgress]] = {}
        self._deadline = math.inf

    async def run(self) -> None:
        """Work until `drain` is called and the running Task has ended or was put back."""
        helpers = [
            asyncio.create_task(job) for job in (self._keep_beating(), self._keep_looking(), self._keep_recovering())
        ]
        lanes = [asyncio.create_task(self._lane(to_fetch=to_fetch)) for to_fetch in (False, True)]
        await self._draining.wait()
        while any(not lane.done() for lane in lanes) and time.monotonic() < self._deadline:
            await asyncio.wait(lanes, timeout=0.2)
        for _, progress in list(self._running.values()):
            progress.stop()
        await asyncio.to_thread(_put_back, self._parts)
        for helper in [*helpers, *lanes]:
            helper.cancel()

    def wake(self) -> None:
        """Something changed: look at the queue, and whether the running Task is still wanted."""
        for event in self._woken.values():
            event.set()

    def drain(self, seconds: float) -> None:
        """Claim no more; end when the running Task has ended, or put it back after `seconds`."""
        self._deadline = time.monotonic() + seconds
        self._draining.set()
        self.wake()

    def parent_gone(self) -> None:
        """The server that started this worker was killed: finish the running Task, then end. Put it back if already draining."""
        self.drain(0.0 if self._draining.is_set() else math.inf)

    async def _lane(self, *, to_fetch: bool) -> None:
        while not self._draining.is_set():
            woken = self._woken[to_fetch]
            woken.clear()
            try:
                claim = await asyncio.to_thread(self._parts.tasks.claim, self._parts.owner, to_fetch=to_fetch)
            except Exception:  # a database that is busy or gone must not end the worker
                logger.exception("claim_failed")
                await asyncio.sleep(1)
                continue
            if claim is None:
                await _wait(woken, _IDLE_LOOK_SECONDS)
            else:
                await self._run(claim)

    async def _run(self, claim: Claim) -> None:
        progress = RunProgress(claim.task_id, self._parts.emitter, claim.percentage)
        entry = self._running[claim.task_id] = (claim, progress)
        self._parts.leases[claim.task_id] = claim.lease
        run = asyncio.create_task(asyncio.to_thread(self._parts.runs.run, claim, progress))
        keep = asyncio.create_task(self._keep_lease(claim, progress))
        try:
            await asyncio.wait([run])
            if (problem := run.exception()) is not None:
                logger.error("run_lost", task_id=claim.task_id, problem=repr(problem))
        finally:
            keep.cancel()
            # A fetched recording may already run in the other lane, under the same id.
            if self._running.get(claim.task_id) is entry:
                del self._running[claim.task_id]
            if self._parts.leases.get(claim.task_id) is claim.lease:
                del self._parts.leases[claim.task_id]

    async def _keep_lease(self, claim: Claim, progress: RunProgress) -> None:
        renew_every = self._settings.lease_seconds / 3
        renewed = time.monotonic()
        while True:
            await asyncio.sleep(0.5)
            progress.tick()
            try:
                due = time.monotonic() - renewed >= renew_every
                ask = self._parts.tasks.renew if due else self._parts.tasks.holds
                ours = await asyncio.to_thread(ask, claim.lease)
            except Exception:  # the lease outlasts a moment without the database
                logger.exception("lease_check_failed", task_id=claim.task_id)
                continue
            if due:
                renewed = time.monotonic()
            if not ours:
                return await self._stop_run(claim, progress)

    async def _stop_run(self, claim: Claim, progress: RunProgress) -> None:
        progress.stop()
        await asyncio.sleep(_UNSTOPPABLE_SECONDS)
        logger.error("run_unstoppable", task_id=claim.task_id)
        os._exit(_EXIT_UNSTOPPABLE)

    async def _keep_beating(self) -> None:
        while True:
            self._beat()
            await asyncio.sleep(1)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_CHANGE_LOOK_SECONDS)
            try:
                changed = self._parts.changed()
            except Exception:  # the database may be out of reach for a moment
                changed = True
            if changed:
                self.wake()

    async def _keep_recovering(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._parts.tasks.recover)
            except Exception:  # tried again in a moment
                logger.exception("recovery_failed")
            await asyncio.sleep(2)


def _put_back(parts: WorkerParts) -> None:
    """Return what runs to the queue; what cannot be returned now goes back when its lease runs out."""
    for lease in list(parts.leases.values()):
        try:
            parts.tasks.put_back(lease)
        except CesarError as problem:
            logger.warning("put_back_failed", task_id=lease.task_id, error_code=problem.code)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def serve(settings: Settings, channel: socket.socket | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT; with a `channel` also until the server at its other end is gone."""
    sender = HintSender(channel.dup()) if channel is not None else None
    parts = build_worker(settings, sender or NoAnnouncer())
    worker = BackgroundWorker(parts, settings, (lambda: sender.send(BEAT)) if sender else (lambda: None))
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
                _put_back(parts)
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
