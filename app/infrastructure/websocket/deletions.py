"""Owns the noticing of Tasks that another process deleted: a deletion takes the Task's history with it, so no event tells of it."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from app.core.logging import logger
from app.domain.ports import EventLog
from app.infrastructure.websocket.event_log import LogTail
from app.infrastructure.websocket.hub import Hub

PERIOD_SECONDS: Final = 1.0
MOST_OF_THE_TIME: Final = 0.05
"""Share of the time that looking may take: with very many Tasks it is done less often."""


class DeletionWatch:
    """Compares the Tasks that are listened to with those that exist, when something was committed and at a low rate.

    `drop` is called on the event loop with each Task that is gone. What this process deletes itself it has told at once.
    """

    def __init__(self, log: EventLog, hub: Hub, tail: LogTail, drop: Callable[[str], None]) -> None:
        self._log = log
        self._hub = hub
        self._tail = tail
        self._drop = drop
        self._known: frozenset[str] = frozenset()
        self._changes = -1

    async def run(self) -> None:
        """Look until cancelled."""
        pause = PERIOD_SECONDS
        while True:
            await asyncio.sleep(pause)
            begun = time.monotonic()
            try:
                await self._look()
            except Exception as problem:  # the database may be busy or gone for a moment
                logger.warning("deletions_unreadable", error=type(problem).__name__)
                self._changes = -1
            pause = max(PERIOD_SECONDS, (time.monotonic() - begun) / MOST_OF_THE_TIME)

    async def _look(self) -> None:
        if not self._hub.is_watched:
            self._known, self._changes = frozenset(), -1
            return
        changes = self._tail.changes
        if changes == self._changes:
            return
        # Before the database is asked: a Task that is made and watched meanwhile must not seem to be gone.
        watched = self._hub.watched_tasks
        existing = await asyncio.to_thread(self._log.task_ids)
        self._changes = changes
        for task_id in (self._known | watched) - existing:
            self._drop(task_id)
        # Who listens to everything also hears of Tasks that were quiet.
        self._known = existing if self._hub.watches_everything else frozenset()
