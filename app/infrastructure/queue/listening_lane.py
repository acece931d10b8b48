"""Owns the lane of a worker in which it listens to what no Task decoded, while it has nothing better to do."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.core.logging import logger
from app.core.waiting import is_set_within
from app.domain.errors import Cancelled
from app.services.listening_service import ListeningService

_LOOK_SECONDS: Final = 2.0
"""How often an idle worker looks for something to listen to. Nobody waits for it."""


class ListeningLane:
    """Listens until it is drained. `is_busy` tells that this worker has a Task, which ends the listening within moments."""

    def __init__(self, listening: ListeningService, is_busy: Callable[[], bool]) -> None:
        self._listening = listening
        self._is_busy = is_busy
        self._draining = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="listening")

    async def run(self) -> None:
        """Listen until `drain` is called."""
        while not self._draining.is_set():
            if not await self._listened():
                await is_set_within(self._draining, _LOOK_SECONDS)

    def drain(self) -> None:
        """Let `run` end soon; what is under way is listened to another time."""
        self._draining.set()

    def close(self) -> None:
        """Free the thread."""
        self.drain()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _listened(self) -> bool:
        if self._is_busy():
            return False
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._listening.listen_to_next, self._check
            )
        except Cancelled:
            return False
        except Exception:  # a database that is busy or gone must not end the lane
            logger.exception("listening_failed")
            return False

    def _check(self) -> None:
        if self._is_busy() or self._draining.is_set():
            raise Cancelled
