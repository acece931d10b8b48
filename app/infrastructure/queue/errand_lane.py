"""Owns the lane of a worker in which errands are done: one at a time, in threads of their own, beside the Tasks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from app.core.logging import logger
from app.core.waiting import is_set_within
from app.services.errand_runs import ErrandRuns
from app.services.errand_service import ErrandClaim, ErrandControl, ErrandService

_LOOK_SECONDS: Final = 5.0
"""How often it looks for errands when nothing woke it."""

_KEEP_SECONDS: Final = 0.5
"""How often it asks whether the errand is still wanted, so that a cancel takes effect soon."""

_RENEWALS_PER_LEASE: Final = 3
_PAUSE_SECONDS: Final = 1.0

T = TypeVar("T")


@dataclass(slots=True)
class _Current:
    """The errand under way."""

    claim: ErrandClaim
    control: ErrandControl


class ErrandLane:
    """Does what waits until it is drained; then what is under way stops soon, and goes on in another worker."""

    def __init__(self, errands: ErrandService, runs: ErrandRuns, owner: str, lease_seconds: float) -> None:
        self._errands = errands
        self._runs = runs
        self._owner = owner
        self._renew_every = lease_seconds / _RENEWALS_PER_LEASE
        self._woken = asyncio.Event()
        self._draining = False
        self._current: _Current | None = None
        # Beside the work one for its lease: it must not wait for the worker's own threads, nor they for it.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="errand")

    async def run(self) -> None:
        """Work until `drain` is called."""
        while not self._draining:
            self._woken.clear()
            try:
                await self._in_thread(self._errands.recover)
                claim = await self._in_thread(lambda: self._errands.claim(self._owner))
                if claim is not None:
                    await self._do(claim)
                    continue
            except Exception:  # a database that is busy or gone must not end the lane
                logger.exception("errand_lane_failed")
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            await is_set_within(self._woken, _LOOK_SECONDS)

    def wake(self) -> None:
        """Something changed: look for errands."""
        self._woken.set()

    def drain(self) -> None:
        """Let `run` end."""
        self._draining = True
        if self._current is not None:
            self._current.control.stop()
        self.wake()

    def put_back(self) -> None:
        """Return what is under way to the queue; what cannot be returned now goes back when its lease runs out. Blocking."""
        if self._current is not None:
            self._current.control.stop()
            self._errands.put_back(self._current.claim.lease)

    def close(self) -> None:
        """Free the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _do(self, claim: ErrandClaim) -> None:
        current = self._current = _Current(claim, ErrandControl(self._errands, claim.lease))
        keep = asyncio.create_task(self._keep_lease(current))
        if self._draining:
            current.control.stop()
        try:
            await self._in_thread(lambda: self._runs.run(claim, current.control))
        finally:
            keep.cancel()
            # Of no effect once it ended; else it goes on where it was, here or in another worker.
            await self._in_thread(lambda: self._errands.put_back(claim.lease))
            self._current = None

    async def _keep_lease(self, current: _Current) -> None:
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(_KEEP_SECONDS)
            due = loop.time() - renewed >= self._renew_every
            ask = self._errands.renew if due else self._errands.holds
            try:
                ours = await self._in_thread(lambda ask=ask: ask(current.claim.lease))  # type: ignore[misc]
            except Exception:  # the lease outlasts a moment without the database
                logger.exception("lease_check_failed", job_id=current.claim.lease.job_id)
                continue
            if due:
                renewed = loop.time()
            if not ours:
                return current.control.stop()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
