"""Owns `GET /tasks/{task_id}/events`: the events of a socket as `text/event-stream`."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import StreamingResponse

from app.api.event_stream import EventStream
from app.core.logging import logger
from app.domain.errors import CesarError
from app.infrastructure.websocket.catch_up import Resume
from app.infrastructure.websocket.close_codes import INTERNAL
from app.infrastructure.websocket.codec import STREAM_COMMENT, stream_event
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.connection_manager import ConnectionManager
from app.infrastructure.websocket.message import Item

LARGEST_SEQ: Final = 2**53


async def task_events(request: Request) -> StreamingResponse:
    """The events of one Task, ending after the final one; `Last-Event-ID` or `?after=` resumes, `?epoch=` as on the socket.

    Raises:
        CesarError: `task_not_found`, `bad_value`, `connection_limit`, `server_going_away`.
    """
    sockets: ConnectionManager = request.state.sockets
    task_id: str = request.path_params["task_id"]
    after = _after(request)
    await sockets.require_task(task_id)
    connection = Connection(sockets.limits.outbox_bytes, ends_with_task=True)
    sockets.admit(connection)
    resume = Resume(after, request.query_params.get("epoch"))
    chunks = _stream(sockets, connection, task_id, resume)
    return EventStream(connection, chunks, left=partial(sockets.forget, connection))


async def _stream(
    sockets: ConnectionManager, connection: Connection, task_id: str, resume: Resume
) -> AsyncGenerator[bytes, None]:
    watching = asyncio.create_task(_watch(sockets, connection, task_id, resume))
    try:
        while (items := await connection.take()) is not None:
            yield b"".join(_lines(items))
    finally:
        watching.cancel()


async def _watch(sockets: ConnectionManager, connection: Connection, task_id: str, resume: Resume) -> None:
    try:
        await sockets.watch(connection, task_id, resume)
    except Exception as problem:  # the peer sees the stream end and comes back by itself
        logger.warning("event_stream_failed", task_id=task_id, error=type(problem).__name__)
        connection.end(INTERNAL)


def _lines(items: list[Item]) -> list[bytes]:
    """Several messages with one number are a snapshot: only its last may be where a client resumes."""
    following = [message.seq for message, _ in items[1:]] + [None]
    return [
        STREAM_COMMENT
        if message.is_heartbeat
        else stream_event(message.text(skipped), None if message.seq == after else message.seq)
        for (message, skipped), after in zip(items, following, strict=True)
    ]


def _after(request: Request) -> int | None:
    given = request.headers.get("last-event-id") or request.query_params.get("after")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and int(given) <= LARGEST_SEQ):
        raise CesarError("bad_value", "after: not a number")
    return int(given)
