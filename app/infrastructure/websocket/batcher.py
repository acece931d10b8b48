"""Owns the shared clock of `?batch=1`: what waits on any connection leaves together, with one timer for all."""

import asyncio
from typing import Final, Protocol

from app.infrastructure.websocket.message import Bundle

BATCH_SECONDS: Final = 0.018
"""How long the first message of a batch waits: 20 ms are promised, and the clock is coarse."""


class Batched(Protocol):
    """A connection whose messages wait for the clock."""

    def flush(self) -> None:
        """Send what waits."""


class Batcher:
    """Wakes every waiting connection at once. To be used from one event loop."""

    def __init__(self) -> None:
        self.empty = Bundle()
        self._waiting: list[Batched] = []

    def join(self, connection: Batched) -> None:
        """`connection` has a first message waiting; it starts from `empty`, so that equal batches are shared."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(BATCH_SECONDS, self._flush)
        self._waiting.append(connection)

    def _flush(self) -> None:
        waiting, self._waiting, self.empty = self._waiting, [], Bundle()
        for connection in waiting:
            connection.flush()
