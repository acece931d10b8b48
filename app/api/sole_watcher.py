"""Owns the Task of an HTTP request that waits for it: its events as they come, how it ended, and its end if nobody waits any more."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson

from app.core.logging import logger
from app.domain.errors import CATALOGUE, CesarError
from app.domain.lifecycle import FINISHED, JobStatus
from app.infrastructure.websocket.catch_up import Resume
from app.infrastructure.websocket.close_codes import GOING_AWAY, INTERNAL, SLOW_CONSUMER, UNKNOWN_TASK
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.connection_manager import ConnectionManager

_REASONS: Final = {
    GOING_AWAY: "server_going_away",
    UNKNOWN_TASK: "task_not_found",
    SLOW_CONSUMER: "slow_consumer",
}


class SoleWatcher:
    """Watches one Task through the sockets' machinery, from its first event to its last.

    `connection` has been admitted; `cancel` ends the Task, blocking. A Task whose watcher leaves before its end is cancelled,
    because nobody else asked for it – unless `keep`.
    """

    def __init__(
        self,
        sockets: ConnectionManager,
        connection: Connection,
        task_id: str,
        *,
        cancel: Callable[[str], None],
        keep: bool,
    ) -> None:
        self.task_id = task_id
        self.connection = connection
        self._sockets = sockets
        self._cancel = cancel
        self._keep = keep
        self._status: JobStatus | None = None
        self._failure: CesarError | None = None
        self._watching = asyncio.create_task(self._watch())

    async def take(self) -> list[dict[str, Any]] | None:
        """The Task's next events, as soon as there are some; None after the last."""
        items = await self.connection.take()
        if items is None:
            return None
        events = [orjson.loads(message.payload) for message, _ in items if message.seq is not None]
        for event in events:
            self._note(event)
        return events

    async def finished(self) -> None:
        """Wait for a transcript.

        Raises:
            CesarError: there will be none, or nobody here will know: the catalogue's entry of a failed Task, `task_cancelled`,
                `task_not_found` (deleted), `server_going_away`, `slow_consumer`, `unavailable`.
        """
        while await self.take() is not None:
            pass
        self.require_transcript()

    def require_transcript(self) -> None:
        """How it ended, after `take` gave None. Raises as `finished`."""
        if self._status not in FINISHED:
            reason = _REASONS.get(self.connection.closing or INTERNAL, "unavailable")
            raise CesarError(reason)
        if self._status is JobStatus.CANCELLED:
            raise CesarError("task_cancelled")
        if self._status is JobStatus.FAILED:
            raise self._failure or CesarError("PROCESSING_FAILED")

    def leave(self) -> None:
        """Stop watching. Never waits, so that it can be called while this request is being torn down."""
        self._sockets.forget(self.connection)
        self._watching.cancel()
        if self._status not in FINISHED and not self._keep:
            asyncio.get_running_loop().run_in_executor(None, self._end_task)

    def _note(self, event: dict[str, Any]) -> None:
        if event["type"] == "status":
            self._status = JobStatus(event["status"])
            if self._status is JobStatus.QUEUED:
                self._failure = None  # of an earlier attempt
        elif event["type"] == "error" and event["error_code"] in CATALOGUE:
            self._failure = CesarError(event["error_code"], event["technical_detail"])

    async def _watch(self) -> None:
        try:
            await self._sockets.watch(self.connection, self.task_id, Resume(after=0))
        except Exception as problem:  # the database failed: the peer is told, and may send its request again
            logger.warning("waiting_failed", task_id=self.task_id, error=type(problem).__name__)
            self.connection.end(INTERNAL)

    def _end_task(self) -> None:
        try:
            self._cancel(self.task_id)
            logger.info("task_of_lost_client_cancelled", task_id=self.task_id)
        except CesarError as problem:  # finished or deleted meanwhile
            logger.info("task_of_lost_client_left", task_id=self.task_id, error_code=problem.code)
        except Exception:
            logger.exception("task_of_lost_client_not_cancelled", task_id=self.task_id)
