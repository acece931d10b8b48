"""Owns the sockets of this process: admission and limits, catching up, announcements from any thread, start and stop."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Final, Protocol

from app.core.clock import utc_now
from app.core.logging import logger
from app.core.waiting import is_set_within
from app.domain.errors import CesarError
from app.domain.events import StoredEvent
from app.domain.ports import EventLog, TaskDirectory
from app.infrastructure.websocket.batcher import Batcher
from app.infrastructure.websocket.catch_up import CatchUp, Resume, say_subscribed
from app.infrastructure.websocket.close_codes import GOING_AWAY, INTERNAL, UNKNOWN_TASK
from app.infrastructure.websocket.codec import encode_message
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.deletions import DeletionWatch
from app.infrastructure.websocket.event_log import LogTail
from app.infrastructure.websocket.hub import Hub
from app.infrastructure.websocket.job_watch import JobWatch
from app.infrastructure.websocket.message import Message
from app.infrastructure.websocket.subscription import Subscription
from app.schemas.socket import Heartbeat, Problem

TICKS_PER_HEARTBEAT: Final = 10
RECONNECT_SECONDS: Final = (0.5, 5.0)
"""Clients of a server that goes away come back spread over this time."""

NOTHING_YET: Final = Resume()

_random = SystemRandom()


class SocketLimits(Protocol):
    """The settings that sockets know; `app.core.config.Settings` has them."""

    @property
    def max_connections(self) -> int:
        """Most open sockets and event streams."""

    @property
    def outbox_bytes(self) -> int:
        """Most bytes waiting for one of them."""

    @property
    def heartbeat_seconds(self) -> float:
        """Idle time before a heartbeat, in seconds."""


@dataclass(frozen=True, slots=True)
class DefaultLimits:
    """The limits until `attach` brings the settings."""

    max_connections: int = 20_000
    outbox_bytes: int = 1_048_576
    heartbeat_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class SocketCounts:
    """For `/health`: open connections, Tasks listened to, and whether the log is being followed."""

    connections: int
    watched_tasks: int
    following: bool


class ConnectionManager:
    """Who is connected, and the way of an event to them: announced from any thread, read from the log, fanned out by the hub.

    Inert until `attach` and `start`; then `announce` and `send_to_task` are safe from any thread, all else belongs to the loop.
    """

    def __init__(self) -> None:
        self.limits: SocketLimits = DefaultLimits()
        self.directory: TaskDirectory | None = None
        self.batcher = Batcher()
        self.is_going_away = False
        self._log: EventLog | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hub = Hub(self._close_gap)
        self._tail: LogTail | None = None
        self._catch_up: CatchUp | None = None
        self._jobs: JobWatch | None = None
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._chores: set[asyncio.Task[None]] = set()

    def attach(self, event_log: EventLog, directory: TaskDirectory | None, limits: SocketLimits) -> None:
        """Give the manager what it reads from; called by the composition root before `start`."""
        self._log, self.directory, self.limits = event_log, directory, limits

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to follow the log and to send heartbeats."""
        self._loop = loop
        self.is_going_away = False
        if self._log is not None:
            self._tail = LogTail(self._log, lambda: self._hub.is_watched, self._hand_over)
            self._tail.start()
            self._catch_up = CatchUp(self._log, self._tail.aim)
            if self.directory is not None:
                self._jobs = JobWatch(self.directory)
                self._begin(self._jobs.run())
            self._begin(DeletionWatch(self._log, self._hub, self._tail, self._drop).run())
        self._begin(self._send_heartbeats())

    async def stop(self, seconds: float = 5.0) -> None:
        """Say goodbye to everybody, then end, in at most about `seconds`."""
        self.go_away()
        await is_set_within(self._empty, seconds)
        for chore in list(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        tail, self._tail, self._catch_up = self._tail, None, None
        if tail is not None:
            await asyncio.to_thread(tail.stop, 1.0)
        self._loop = None

    def go_away(self) -> None:
        """Tell every connection that the server goes away and when to come back, and end it. Does nothing the second time."""
        self.is_going_away = True
        for connection in list(self._connections):
            wait = round(_random.uniform(*RECONNECT_SECONDS), 2)
            connection.end(GOING_AWAY, Problem.of("server_going_away", reconnect_after=wait))

    @property
    def counts(self) -> SocketCounts:
        """The state of the sockets."""
        following = self._tail is not None and self._tail.is_healthy
        return SocketCounts(len(self._connections), len(self._hub.watched_tasks), following)

    def announce(self, task_id: str) -> None:
        """`app.domain.ports.Announcer`: the Task's log grew. From any thread; a hint that never blocks or raises."""
        tail = self._tail
        if tail is not None and self._hub.wants(task_id):
            tail.wake()

    async def send_to_task(self, task_id: str, message: dict[str, Any]) -> None:
        """Send one message to a Task's watchers without storing or numbering it. From any thread's event loop."""
        outgoing = Message(encode_message(message), task_id=task_id)
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if loop is asyncio.get_running_loop():
            self._hub.send(task_id, outgoing)
        else:
            loop.call_soon_threadsafe(self._hub.send, task_id, outgoing)

    def admit(self, connection: Connection) -> None:
        """Count a connection in.

        Raises:
            CesarError: `connection_limit`, `server_going_away`.
        """
        if self.is_going_away:
            raise CesarError("server_going_away")
        if len(self._connections) >= self.limits.max_connections:
            raise CesarError("connection_limit")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._connections.add(connection)
        self._empty.clear()

    def forget(self, connection: Connection) -> None:
        """The connection is gone."""
        self._connections.discard(connection)
        self._forget_subscriptions(connection)
        if not self._connections:
            self._empty.set()

    async def require_task(self, task_id: str) -> None:
        """Raises `CesarError`: `task_not_found`."""
        if self._log is not None and await asyncio.to_thread(self._log.position, task_id) is None:
            raise CesarError("task_not_found")

    async def watch(
        self, connection: Connection, task_id: str, resume: Resume = NOTHING_YET, *, adopted: bool = False
    ) -> None:
        """Watch one Task: `subscribed`, then what was missed or a snapshot, then live events.

        Raises:
            CesarError: `task_not_found`.
        """
        subscription = self._hub.subscribe(connection, task_id, adopted=adopted)
        try:
            await self._bring_up(subscription, resume)
        except BaseException:
            if connection.subscriptions.get(task_id) is subscription:
                self._hub.unsubscribe(connection, task_id)
            raise

    async def watch_if_there(
        self, connection: Connection, task_id: str, resume: Resume, *, adopted: bool = False
    ) -> None:
        """The same of one of many Tasks: that one of them was deleted meanwhile keeps nobody from watching the others."""
        try:
            await self.watch(connection, task_id, resume, adopted=adopted)
        except CesarError as problem:
            if problem.code != "task_not_found":
                raise

    async def watch_everything(self, connection: Connection, resume: Resume = NOTHING_YET) -> None:
        """Watch every Task that is unfinished now, and every other as soon as something happens to it.

        Raises:
            CesarError: `unavailable` without a directory of Tasks.
        """
        if self.directory is None:
            raise CesarError("unavailable", "there is no directory of tasks")
        self._hub.watch_everything(connection)
        try:
            if self._tail is not None:
                await asyncio.to_thread(self._tail.aim)
            for task_id in await asyncio.to_thread(self.directory.unfinished):
                await self.watch_if_there(connection, task_id, resume, adopted=True)
        finally:
            self._hub.release_everything(connection)

    async def watch_job(self, connection: Connection, job_id: str) -> None:
        """Tell how far the Job itself is, now and whenever that changes. Raises `CesarError("job_not_found")`."""
        if self._jobs is not None:
            await self._jobs.watch(connection, job_id)

    def unwatch_job(self, connection: Connection, job_id: str) -> None:
        """Stop telling of the Job itself."""
        if self._jobs is not None:
            self._jobs.unwatch(connection, job_id)

    def unwatch(self, connection: Connection, task_id: str | None) -> None:
        """Stop watching a Task, or (None) everything."""
        if task_id is None:
            self._forget_subscriptions(connection)
        else:
            self._hub.unsubscribe(connection, task_id)

    def _forget_subscriptions(self, connection: Connection) -> None:
        self._hub.forget(connection)
        if self._jobs is not None:
            self._jobs.forget(connection)

    async def _bring_up(self, subscription: Subscription, resume: Resume) -> None:
        if self._catch_up is not None:
            await self._catch_up.run(subscription, resume)
        else:
            say_subscribed(subscription, None, 0, False, resume.reply_to)
            subscription.release()

    def drop_task(self, task_id: str) -> None:
        """The Task was deleted: its watchers are told, and sockets that watch nothing else are closed. From any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._drop, task_id)

    def _drop(self, task_id: str) -> None:
        farewell = Problem.of("task_not_found", task_id=task_id)
        watchers = self._hub.forget_task(task_id)
        for connection in watchers:
            if connection.ends_with_task:
                connection.end(UNKNOWN_TASK, farewell)
            else:
                connection.send(Message(farewell.encode()))

    def _close_gap(self, task_id: str) -> None:
        """The log lost events of this Task before they were read: every watcher catches up anew from where it is."""
        logger.warning("events_lost_before_delivery", task_id=task_id)
        for subscription in self._hub.subscriptions_of(task_id):
            if subscription.is_live:
                subscription.hold()
                self._begin(self._catch_up_again(subscription))

    async def _catch_up_again(self, subscription: Subscription) -> None:
        try:
            await self._bring_up(subscription, Resume(subscription.seq, subscription.epoch))
        except CesarError:
            self._hub.unsubscribe(subscription.connection, subscription.task_id)
        except Exception as problem:  # the database failed: the client comes back by itself
            logger.warning("catching_up_failed", task_id=subscription.task_id, error=type(problem).__name__)
            subscription.connection.end(INTERNAL)

    def _hand_over(self, events: list[StoredEvent]) -> None:
        """Called by the tail: one wake-up of the event loop per portion, and no next portion before this one is out."""
        wanted = [event for event in events if self._hub.wants(event.task_id)]
        loop = self._loop
        if not wanted or loop is None:
            return
        done = threading.Event()
        loop.call_soon_threadsafe(self._hub.fan_out, wanted, done.set)
        while not done.wait(0.5) and self._loop is loop and not loop.is_closed():
            pass

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self.limits.heartbeat_seconds / TICKS_PER_HEARTBEAT)
            heartbeat = Message(Heartbeat(timestamp=utc_now().isoformat()).encode(), is_heartbeat=True)
            for connection in list(self._connections):
                connection.quiet_ticks += 1
                if connection.quiet_ticks > TICKS_PER_HEARTBEAT:
                    connection.send(heartbeat)

    def _begin(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


connection_manager = ConnectionManager()
"""The sockets of this process; inert until the composition root attaches and starts it."""
