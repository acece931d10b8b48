"""Owns the conversation on one socket: reading without pause, answering commands one after the other, saying goodbye."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.core.logging import logger
from app.domain.errors import CesarError
from app.infrastructure.websocket.catch_up import Resume
from app.infrastructure.websocket.close_codes import (
    BAD_MESSAGE,
    CONNECTION_LIMIT,
    GOING_AWAY,
    INTERNAL,
    MESSAGE_TOO_BIG,
    TOO_MANY_REQUESTS,
    UNKNOWN_TASK,
    CloseCode,
)
from app.infrastructure.websocket.codec import decode_message
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.connection_manager import ConnectionManager
from app.infrastructure.websocket.message import Message, array_text
from app.infrastructure.websocket.protocol import FRAMES_EXTENSION
from app.schemas.socket import (
    MAX_MESSAGE_BYTES,
    Cancel,
    Command,
    CommandId,
    Ok,
    Ping,
    Pong,
    Problem,
    Retry,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    id_of,
    read_command,
)

if TYPE_CHECKING:
    from app.infrastructure.websocket.protocol import FrameChannel

COMMANDS_PER_SECOND: Final = 100
COMMANDS_AT_ONCE: Final = 1000
"""A page that comes back may ask for hundreds of Tasks in one go; nobody needs this many all the time."""

REFUSALS: Final = {
    "connection_limit": CONNECTION_LIMIT,
    "server_going_away": GOING_AWAY,
    "unavailable": INTERNAL,
    "task_not_found": UNKNOWN_TASK,
    "bad_value": BAD_MESSAGE,
}
"""Close codes of sockets that end before anything was sent on them."""


class Allowance:
    """How many commands a peer may still send: refilled `COMMANDS_PER_SECOND`, at most `COMMANDS_AT_ONCE`."""

    def __init__(self, now: float) -> None:
        self._left = float(COMMANDS_AT_ONCE)
        self._counted = now

    def take(self, now: float) -> bool:
        """Use one; False if none is left."""
        self._left = min(COMMANDS_AT_ONCE, self._left + (now - self._counted) * COMMANDS_PER_SECOND)
        self._counted = now
        self._left -= 1
        return self._left >= 0


class Session:
    """One accepted socket. `task` is what a socket of one Task watches; such a socket answers nothing but `ping`."""

    def __init__(
        self, websocket: WebSocket, manager: ConnectionManager, *, batch: bool, task: Subscribe | None = None
    ) -> None:
        self._websocket = websocket
        self._manager = manager
        self._task = task
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._allowance = Allowance(asyncio.get_running_loop().time())
        frames: FrameChannel | None = websocket.scope.get("extensions", {}).get(FRAMES_EXTENSION)
        self._writes_texts = frames is None
        self._connection = Connection(
            manager.limits.outbox_bytes,
            frames=frames,
            batcher=manager.batcher if batch else None,
            hang_up=self._hang_up,
            ends_with_task=task is not None,
        )

    async def run(self) -> None:
        """Talk until the peer is gone."""
        try:
            self._manager.admit(self._connection)
        except CesarError as problem:
            await refuse(self._websocket, problem)
            return
        chores = [asyncio.create_task(self._guarded(work)) for work in self._chores()]
        try:
            await self._read()
        finally:
            self._manager.forget(self._connection)
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)

    def _chores(self) -> list[Awaitable[None]]:
        chores: list[Awaitable[None]] = [self._obey()]
        if self._writes_texts:
            chores.append(self._write_texts())
        if self._task is not None:
            self._commands.put_nowait(self._task)
        return chores

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except WebSocketDisconnect:
            return
        except Exception as problem:  # a failure here must end this socket, visibly, and no other
            logger.exception("socket_failed", error=type(problem).__name__)
            self._connection.end(INTERNAL)

    async def _read(self) -> None:
        """A socket that is not read answers no pings; so reading never waits for what a command does."""
        while True:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            if self._connection.closing is None:
                self._take(received.get("text") or received.get("bytes") or b"")

    def _take(self, text: str | bytes) -> None:
        if len(text) > MAX_MESSAGE_BYTES:
            self._connection.end(MESSAGE_TOO_BIG, Problem.of("message_too_big"))
        elif not self._allowance.take(asyncio.get_running_loop().time()):
            self._connection.end(TOO_MANY_REQUESTS, Problem.of("too_many_requests"))
        else:
            self._understand(text)

    def _understand(self, text: str | bytes) -> None:
        try:
            message = decode_message(text)
        except ValueError:
            self._complain(CesarError("bad_message", "not JSON"), None)
            return
        try:
            command = read_command(message)
            if self._task is not None and not isinstance(command, Ping):
                raise CesarError("bad_command", "this socket watches one task; use /ws for more")
        except CesarError as problem:
            self._complain(problem, id_of(message))
            return
        self._commands.put_nowait(command)

    async def _obey(self) -> None:
        while True:
            command = await self._commands.get()
            try:
                await self._carry_out(command)
            except CesarError as problem:
                self._refuse_command(command, problem)
            except Exception as problem:  # the database failed: the peer is told, and may try again
                logger.warning("command_failed", command=command.type, error=type(problem).__name__)
                self._refuse_command(command, CesarError("unavailable"))

    def _refuse_command(self, command: Command, problem: CesarError) -> None:
        task_id = getattr(command, "task_id", None)
        farewell = REFUSALS.get(problem.code) if command is self._task else None
        if farewell is not None:
            self._connection.end(farewell, Problem.of(problem.code, problem.detail, task_id=task_id))
        else:
            self._complain(problem, command.id, task_id)

    async def _carry_out(self, command: Command) -> None:
        match command:
            case Ping():
                self._answer(Pong(id=command.id))
            case Subscribe():
                await self._subscribe(command)
            case Unsubscribe():
                await self._unsubscribe(command)
            case Cancel() | Retry():
                await self._move(command)

    async def _subscribe(self, command: Subscribe) -> None:
        resume = Resume(command.after, command.epoch, command.id)
        if command.task_id is not None:
            await self._manager.watch(self._connection, command.task_id, resume)
            return
        if command.job_id is not None:
            for task_id in await self._tasks_of(command.job_id):
                await self._manager.watch_if_there(self._connection, task_id, resume)
            await self._manager.watch_job(self._connection, command.job_id)
        else:
            await self._manager.watch_everything(self._connection, resume)
        self._answer(Ok(id=command.id))

    async def _unsubscribe(self, command: Unsubscribe) -> None:
        if command.all:
            task_ids: list[str | None] = [None]
        elif command.job_id is not None:
            self._manager.unwatch_job(self._connection, command.job_id)
            task_ids = [*await self._tasks_of(command.job_id)]
        else:
            task_ids = [command.task_id]
        for task_id in task_ids:
            self._manager.unwatch(self._connection, task_id)
            self._answer(Unsubscribed(task_id=task_id, id=command.id))

    async def _move(self, command: Cancel | Retry) -> None:
        directory = self._manager.directory
        if directory is None:
            raise CesarError("unavailable")
        move = directory.cancel if isinstance(command, Cancel) else directory.retry
        await asyncio.to_thread(move, command.task_id)
        self._answer(Ok(id=command.id))

    async def _tasks_of(self, job_id: str) -> list[str]:
        if self._manager.directory is None:
            raise CesarError("unavailable")
        return await asyncio.to_thread(self._manager.directory.tasks_of_job, job_id)

    def _answer(self, answer: Ok | Pong | Subscribed | Unsubscribed | Problem) -> None:
        self._connection.send(Message(answer.encode()))

    def _complain(self, problem: CesarError, command_id: CommandId | None, task_id: str | None = None) -> None:
        self._answer(Problem.of(problem.code, problem.detail, task_id=task_id, id=command_id))

    async def _hang_up(self, code: CloseCode) -> None:
        # The peer may be gone already, or the server may have said its own goodbye.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code.code, code.name)

    async def _write_texts(self) -> None:
        """For servers that offer no ready-made frames."""
        while (items := await self._connection.take()) is not None:
            if self._connection.batched:
                await self._websocket.send_text(array_text(items).decode())
                continue
            for message, skipped in items:
                await self._websocket.send_text(message.text(skipped).decode())
        await self._hang_up(self._connection.closing or INTERNAL)


async def refuse(websocket: WebSocket, problem: CesarError) -> None:
    """End an accepted socket before anything else was sent: an `error`, then the code; and hear the peer's goodbye."""
    code = REFUSALS.get(problem.code, INTERNAL)
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_text(Problem.of(problem.code, problem.detail).encode().decode())
        await websocket.close(code.code, code.name)
        while websocket.client_state is WebSocketState.CONNECTED:
            await websocket.receive()
