"""Owns the answer that is an open `text/event-stream`: proxies pass it on at once, and it ends when its peer does."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.protocol import ABORT_EXTENSION


class EventStream(StreamingResponse):
    """A response that lets go of its connection as soon as the peer is gone, not when memory is tidied up.

    `left` is called when it is over, in whatever way: of a peer that was gone before the first byte, `chunks` never even
    begin, so nothing that they would tidy up at their end is tidied up there.
    """

    def __init__(self, connection: Connection, chunks: AsyncGenerator[bytes, None], left: Callable[[], None]) -> None:
        # Proxies would otherwise hold the events back to make larger portions of them.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(chunks, media_type="text/event-stream", headers=headers)
        self._chunks = chunks
        self._connection = connection
        self._left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        cutting_off = asyncio.create_task(_cut_off(scope, self._connection))
        try:
            await super().__call__(scope, receive, send)
        finally:
            cutting_off.cancel()
            self._left()
            await self._chunks.aclose()


async def _cut_off(scope: Scope, connection: Connection) -> None:
    """A peer that does not read must not hold its file descriptor when the stream is over."""
    abort: Callable[[], None] | None = scope.get("extensions", {}).get(ABORT_EXTENSION)
    await connection.overstayed()
    if abort is not None:
        abort()
