"""The answer that is an open event stream."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.api.event_stream import EventStream
from app.infrastructure.websocket.connection import Connection


async def chunks() -> AsyncGenerator[bytes, None]:
    """One event."""
    yield b"data: 1\n\n"


@pytest.mark.parametrize("is_gone", [True, False])
async def test_its_end_is_told(is_gone: bool) -> None:
    """Whoever opened the stream hears once that it is over, also if the peer was gone before the first byte."""
    sent: list[dict[str, Any]] = []
    left: list[bool] = []

    async def receive() -> dict[str, Any]:
        if not is_gone:
            await sending_done.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(message)
        if message.get("more_body") is False:
            sending_done.set()

    sending_done = asyncio.Event()
    stream = EventStream(Connection(1000), chunks(), left=lambda: left.append(True))
    await stream({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert left == [True]
    assert (b"data: 1\n\n" in [message.get("body") for message in sent]) is not is_gone
