"""Owns the work of a worker process: it claims Tasks, runs them in threads, keeps their leases, and gives up what cannot be stopped."""

import asyncio
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from app.composition import WorkerParts
from app.core.config import Settings
from app.core.logging import logger
from app.core.waiting import is_set_within
from app.domain.errors import CesarError
from app.services.run_progress import RunProgress
from app.services.runs import Claim

_IDLE_LOOK_SECONDS = 5.0
"""How often an idle worker looks at the queue when nothing told it to."""

_CHANGE_LOOK_SECONDS = 0.2
"""How often it asks whether the database changed at all, which costs microseconds."""

_STOPPING_SECONDS = 1.2
"""How long a run that is no longer wanted, and what it left behind, may go on before the whole process is given up.

Native code cannot be interrupted. With the time until the worker notices, a cancel takes effect within two seconds.
"""

_STOPPING_DOWNLOAD_SECONDS = 15.0
"""The same for a download, which waits for nothing but the network; giving up the process would cost the other lane its run."""

_LAST_PUT_BACK_SECONDS = 3.0
_LEASE_LOOK_SECONDS = 0.5

_LAST_WEBHOOKS_SECONDS = 1.5
"""How long a worker that ends still tells of what just ended; the rest is told by whoever comes next."""


_UNDER_WAY_SECONDS = 0.3
"""What a webhook that is under way still gets when the process is given up; its receiver gets it again if that was too little."""


@dataclass(slots=True)
class _Run:
    """One claimed Task on its way. `look` asks for a look at its lease now, `patience` is how long it may take to stop."""

    claim: Claim
    progress: RunProgress
    patience: float
    look: asyncio.Event = field(default_factory=asyncio.Event)
    stop_by: float = math.inf

    def stop(self) -> None:
        """It is no longer wanted."""
        self.progress.stop()
        self.stop_by = time.monotonic() + self.patience


class BackgroundWorker:
    """Finds queued Tasks and runs them, oldest first, one at a time; URL downloads run beside in their own lane."""

    def __init__(
        self, parts: WorkerParts, settings: Settings, beat: Callable[[], None], replace: Callable[[], NoReturn]
    ) -> None:
        self._replace = replace
        self._parts = parts
        self._settings = settings
        self._beat = beat
        self._draining = asyncio.Event()
        self._woken = {False: asyncio.Event(), True: asyncio.Event()}
        self._claiming = asyncio.Lock()
        self._running: dict[str, _Run] = {}
        self._deadline = math.inf

    async def run(self) -> None:
        """Work until `drain` is called and the running Task has ended or was put back."""
        helpers = [
            asyncio.create_task(job) for job in (self._keep_beating(), self._keep_looking(), self._keep_recovering())
        ]
        lanes = [asyncio.create_task(self._lane(to_fetch=to_fetch)) for to_fetch in (False, True)]
        webhooks = asyncio.create_task(self._parts.webhooks.run())
        errands = asyncio.create_task(self._parts.errands.run())
        listening = asyncio.create_task(self._parts.listening.run())
        await self._draining.wait()
        while any(not lane.done() for lane in lanes) and time.monotonic() < self._deadline:
            await asyncio.wait(lanes, timeout=0.2)
        await asyncio.to_thread(put_back, self._parts)  # first: a run that stops by itself takes its lease along
        for current in list(self._running.values()):
            current.progress.stop()
        self._parts.webhooks.drain()
        await asyncio.wait([webhooks, errands, listening], timeout=_LAST_WEBHOOKS_SECONDS)
        await self._parts.webhooks.let_go(0.0)
        for helper in [*helpers, *lanes, webhooks, errands, listening]:
            helper.cancel()

    def wake(self) -> None:
        """Something changed: look at the queue, at the webhooks, and whether the running Task is still wanted."""
        self._parts.webhooks.wake()
        self._parts.errands.wake()
        for event in (*self._woken.values(), *(current.look for current in self._running.values())):
            event.set()

    def drain(self, seconds: float) -> None:
        """Claim no more; end when the running Task has ended, or put it back after `seconds`."""
        self._deadline = time.monotonic() + seconds
        self._draining.set()
        self._parts.errands.drain()
        self._parts.listening.drain()
        self.wake()

    def parent_gone(self) -> None:
        """The server that started this worker was killed: finish the running Task, then end. Put it back if already draining."""
        self.drain(0.0 if self._draining.is_set() else math.inf)

    async def _lane(self, *, to_fetch: bool) -> None:
        while not self._draining.is_set():
            woken = self._woken[to_fetch]
            woken.clear()
            try:
                current = await self._claim(to_fetch)
            except Exception:  # a database that is busy or gone must not end the worker
                logger.exception("claim_failed")
                await asyncio.sleep(1)
                continue
            if current is None:
                await is_set_within(woken, _IDLE_LOOK_SECONDS)
                continue
            try:
                await self._run(current)
            except Exception:  # this Task goes back when its lease runs out; the next one gets its turn
                logger.exception("lane_failed", task_id=current.claim.task_id)

    async def _claim(self, to_fetch: bool) -> "_Run | None":
        async with self._claiming:
            claim = await asyncio.to_thread(self._parts.tasks.claim, self._parts.owner, to_fetch=to_fetch)
            if claim is None:
                return None
            progress = RunProgress(claim.task_id, self._parts.emitter, claim.percentage)
            patience = _STOPPING_DOWNLOAD_SECONDS if to_fetch else _STOPPING_SECONDS
            current = self._running[claim.task_id] = _Run(claim, progress, patience)
            self._parts.leases[claim.task_id] = claim.lease
            return current

    async def _run(self, current: "_Run") -> None:
        claim = current.claim
        run = asyncio.create_task(asyncio.to_thread(self._parts.runs.run, claim, current.progress))
        keep = asyncio.create_task(self._keep_lease(current))
        try:
            await asyncio.wait([run])
            if (problem := run.exception()) is not None:
                logger.error("run_lost", task_id=claim.task_id, problem=repr(problem))
        finally:
            keep.cancel()
            # A fetched recording may already run in the other lane, under the same id.
            if self._running.get(claim.task_id) is current:
                del self._running[claim.task_id]
            if self._parts.leases.get(claim.task_id) is claim.lease:
                del self._parts.leases[claim.task_id]
        if current.progress.is_stopped:
            await self._see_it_end(current)

    async def _keep_lease(self, current: "_Run") -> None:
        claim = current.claim
        renew_every = self._settings.lease_seconds / 3
        renewed = time.monotonic()
        while True:
            current.look.clear()
            await is_set_within(current.look, _LEASE_LOOK_SECONDS)
            current.progress.tick()
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
                return await self._stop_run(current)

    async def _stop_run(self, current: "_Run") -> None:
        current.stop()
        await asyncio.sleep(current.patience)
        await self._give_up(current)

    async def _see_it_end(self, current: "_Run") -> None:
        """A run that stopped may leave a native call behind, which goes on with a model that the next run would get."""
        while self._parts.stray_calls() and not self._draining.is_set():
            if time.monotonic() > current.stop_by:
                await self._give_up(current)
            await asyncio.sleep(0.05)

    async def _give_up(self, current: "_Run") -> NoReturn:
        """Have this process replaced; what runs in the other lane goes back to the queue, webhooks too."""
        logger.warning("run_unstoppable", task_id=current.claim.task_id)
        try:
            async with asyncio.timeout(_LAST_PUT_BACK_SECONDS), self._claiming:
                # First: a run that stops by itself takes its lease along, and then there is nothing to put back.
                await asyncio.to_thread(put_back, self._parts)
                for other in list(self._running.values()):
                    other.progress.stop()
                await self._parts.webhooks.let_go(_UNDER_WAY_SECONDS)
        except TimeoutError:
            logger.warning("put_back_too_slow")
        if self._draining.is_set():
            os._exit(1)
        self._replace()

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


def put_back(parts: WorkerParts) -> None:
    """Return what runs to the queue; what cannot be returned now goes back when its lease runs out."""
    for lease in list(parts.leases.values()):
        try:
            parts.tasks.put_back(lease)
        except CesarError as problem:
            logger.warning("put_back_failed", task_id=lease.task_id, error_code=problem.code)
    try:
        parts.errands.put_back()
    except CesarError as problem:
        logger.warning("errand_not_put_back", error_code=problem.code)
