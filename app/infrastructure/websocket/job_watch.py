"""Owns who listens to a Job itself, and tells them how far it is: its present state whenever it is another one, never a history."""

import asyncio
from typing import Final

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.errors import CesarError
from app.domain.job_types import JobState
from app.domain.ports import TaskDirectory
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.message import Message
from app.schemas.socket import JobProgress, Problem

PERIOD_SECONDS: Final = 0.25
"""How often it looks, for all Jobs together: a Job of a thousand Tasks is told four times a second at most."""


class JobWatch:
    """Jobs and their watchers. To be used from one event loop; it asks the database only while somebody listens."""

    def __init__(self, directory: TaskDirectory) -> None:
        self._directory = directory
        self._watchers: dict[str, dict[Connection, JobState]] = {}

    async def watch(self, connection: Connection, job_id: str) -> None:
        """Tell the Job's state now, and whenever it changes. Raises `CesarError("job_not_found")`."""
        states = await asyncio.to_thread(self._directory.job_states, [job_id])
        if not states:
            raise CesarError("job_not_found")
        self._watchers.setdefault(job_id, {})[connection] = states[0]
        _tell(connection, states[0])

    def unwatch(self, connection: Connection, job_id: str) -> None:
        """Nothing more about this Job."""
        watchers = self._watchers.get(job_id, {})
        watchers.pop(connection, None)
        if not watchers:
            self._watchers.pop(job_id, None)

    def forget(self, connection: Connection) -> None:
        """Forget everything about a connection."""
        for job_id in [job_id for job_id, watchers in self._watchers.items() if connection in watchers]:
            self.unwatch(connection, job_id)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            try:
                if self._watchers:
                    await self._look()
            except Exception as problem:  # the database may be busy or gone for a moment
                logger.warning("jobs_unreadable", error=type(problem).__name__)

    async def _look(self) -> None:
        # Before the database is asked: a Job that is watched meanwhile must not seem to be gone.
        asked = list(self._watchers)
        states = {state.job_id: state for state in await asyncio.to_thread(self._directory.job_states, asked)}
        for job_id in asked:
            self._pass_on(job_id, states.get(job_id))

    def _pass_on(self, job_id: str, state: JobState | None) -> None:
        if state is None:
            for connection in self._watchers.pop(job_id, {}):
                connection.send(Message(Problem.of("job_not_found", job_id).encode()))
            return
        for connection, told in self._watchers.get(job_id, {}).items():
            if told != state:
                self._watchers[job_id][connection] = state
                _tell(connection, state)


def _tell(connection: Connection, state: JobState) -> None:
    connection.send(Message(JobProgress.of(state, utc_now()).encode()))
