"""Owns who listens to what, and passes every event on to them: paced per Task, in the order of its numbers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import orjson

from app.core.logging import logger
from app.domain.events import StoredEvent, TranscriptChangedEvent
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.message import Message
from app.infrastructure.websocket.subscription import Subscription

PACE_SECONDS: Final = 0.04
"""Progress of one Task leaves at most this often. Nobody shall be more than 100 ms behind, and the way takes some of that."""

SLICE_SECONDS: Final = 0.01
"""How long fanning out may keep the event loop before others get their turn."""


class Channel:
    """One Task's watchers, and the pace of its progress.

    Progress leaves at once if its stage is new or at 100 %; of any other only the newest of a portion of the log leaves, and not
    before `PACE_SECONDS` are over since the one before. Any other event sends it ahead, so the order holds.
    """

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.subscriptions: dict[Connection, Subscription] = {}
        self.seq: int | None = None
        self._waiting: Message | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_left = float("-inf")
        self._stage: str | None = None

    def pass_on(self, event: StoredEvent, loop: asyncio.AbstractEventLoop) -> None:
        """Send an event to every watcher, or let it wait until `settle`."""
        message = Message.of(event)
        if not message.conflates:
            self._send_waiting(loop)
            self.send(message)
        else:
            is_urgent = self._is_urgent(event)
            self._waiting = message
            if is_urgent:
                self._send_waiting(loop)

    def settle(self, loop: asyncio.AbstractEventLoop) -> None:
        """A portion of the log is passed on: what waits leaves now, or as soon as it may."""
        if self._waiting is None or self._timer is not None:
            return
        due = self._last_left + PACE_SECONDS
        if loop.time() >= due:
            self._send_waiting(loop)
        else:
            self._timer = loop.call_at(due, self._send_waiting, loop)

    def send(self, message: Message) -> None:
        """To every watcher, now."""
        for subscription in list(self.subscriptions.values()):
            subscription.offer(message)

    def stop(self) -> None:
        """Nobody watches any more."""
        self._waiting = None
        if self._timer is not None:
            self._timer.cancel()

    def _is_urgent(self, event: StoredEvent) -> bool:
        progress = orjson.loads(event.payload)
        before, self._stage = self._stage, progress["stage"]
        return before != self._stage or progress["percentage"] == 100

    def _send_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        message, self._waiting = self._waiting, None
        if message is not None:
            self._last_left = loop.time()
            self.send(message)


class Hub:
    """Tasks and their watchers. To be used from one event loop; `wants` and `is_watched` from any thread.

    `on_gap` is called with a Task's id when its numbers jump, that is, when the log lost events before they were read.
    """

    def __init__(self, on_gap: Callable[[str], None]) -> None:
        self._on_gap = on_gap
        self._channels: dict[str, Channel] = {}
        self._unsettled: dict[Channel, None] = {}
        self._everything: dict[Connection, bool] = {}

    @property
    def is_watched(self) -> bool:
        """Whether anybody listens to anything."""
        return bool(self._channels or self._everything)

    @property
    def watched_tasks(self) -> frozenset[str]:
        """The Tasks that are listened to."""
        return frozenset(self._channels)

    @property
    def watches_everything(self) -> bool:
        """Whether anybody listens to every Task."""
        return bool(self._everything)

    def wants(self, task_id: str) -> bool:
        """Whether anybody listens to this Task."""
        return task_id in self._channels or bool(self._everything)

    def subscribe(self, connection: Connection, task_id: str, *, adopted: bool = False) -> Subscription:
        """Register a watcher, holding back what comes until its `release`; an earlier registration is replaced."""
        subscription = Subscription(connection, task_id, adopted=adopted)
        subscription.hold()
        self._register(self._channels.get(task_id) or self._open(task_id), subscription)
        return subscription

    def unsubscribe(self, connection: Connection, task_id: str) -> bool:
        """Forget one subscription; False if there is none."""
        subscription = connection.subscriptions.pop(task_id, None)
        if subscription is None:
            return False
        self._leave(subscription)
        return True

    def forget(self, connection: Connection) -> None:
        """Forget everything about a connection."""
        self._everything.pop(connection, None)
        for task_id in list(connection.subscriptions):
            self.unsubscribe(connection, task_id)

    def forget_task(self, task_id: str) -> list[Connection]:
        """The Task is gone: who listened to it, or to everything."""
        watchers = dict.fromkeys([*(one.connection for one in self.subscriptions_of(task_id)), *self._everything])
        for connection in watchers:
            self.unsubscribe(connection, task_id)
        return list(watchers)

    def watch_everything(self, connection: Connection) -> None:
        """Adopt every Task as soon as something happens to it; held back until `release_everything`."""
        self._everything[connection] = True
        for channel in self._channels.values():
            if connection not in channel.subscriptions:
                self._adopt(channel, connection, hold=True)

    def release_everything(self, connection: Connection) -> None:
        """The unfinished Tasks are caught up with: let pass what happened to others meanwhile."""
        self._everything[connection] = False
        for subscription in list(connection.subscriptions.values()):
            if subscription.adopted and not subscription.is_live:
                subscription.release()

    def subscriptions_of(self, task_id: str) -> list[Subscription]:
        """The watchers of a Task."""
        channel = self._channels.get(task_id)
        return list(channel.subscriptions.values()) if channel else []

    def send(self, task_id: str, message: Message) -> None:
        """Send something that is not in the log to a Task's watchers."""
        channel = self._channels.get(task_id)
        if channel is not None:
            channel.send(message)
        else:
            for connection in list(self._everything):
                connection.send(message)

    def fan_out(self, events: Sequence[StoredEvent], done: Callable[[], None]) -> None:
        """Pass on events in the order of the log, in slices; `done` is called after the last."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SLICE_SECONDS
        for index, event in enumerate(events):
            if index and loop.time() > until:
                self._settle(loop)
                loop.call_soon(self.fan_out, events[index:], done)
                return
            self._pass_on(event, loop)
        self._settle(loop)
        done()

    def _settle(self, loop: asyncio.AbstractEventLoop) -> None:
        unsettled, self._unsettled = self._unsettled, {}
        for channel in unsettled:
            try:
                channel.settle(loop)
            except Exception:  # the others' turn, and the word that this portion is done
                logger.exception("event_not_passed_on", task_id=channel.task_id, seq=channel.seq)

    def _pass_on(self, event: StoredEvent, loop: asyncio.AbstractEventLoop) -> None:
        if not self.wants(event.task_id):
            return
        try:
            channel = self._channels.get(event.task_id) or self._open(event.task_id)
            before, channel.seq = channel.seq, event.seq
            if before is not None and event.seq > before + 1:
                self._on_gap(event.task_id)
            channel.pass_on(event, loop)
            self._unsettled[channel] = None
            # Both tell of a finished Task, of which nothing more is to be expected.
            if event.final or event.type == TranscriptChangedEvent.type:
                self._let_go_adopted(channel)
        except Exception:  # one event that cannot be passed on must not silence all that follow
            logger.exception("event_not_passed_on", task_id=event.task_id, seq=event.seq)

    def _open(self, task_id: str) -> Channel:
        channel = self._channels[task_id] = Channel(task_id)
        for connection, listing in self._everything.items():
            self._adopt(channel, connection, hold=listing)
        return channel

    def _adopt(self, channel: Channel, connection: Connection, *, hold: bool) -> None:
        subscription = Subscription(connection, channel.task_id, adopted=True)
        if hold:
            subscription.hold()
        self._register(channel, subscription)

    def _register(self, channel: Channel, subscription: Subscription) -> None:
        channel.subscriptions[subscription.connection] = subscription
        subscription.connection.subscriptions[channel.task_id] = subscription

    def _let_go_adopted(self, channel: Channel) -> None:
        for subscription in list(channel.subscriptions.values()):
            if subscription.adopted and subscription.is_live:
                self.unsubscribe(subscription.connection, channel.task_id)

    def _leave(self, subscription: Subscription) -> None:
        channel = self._channels.get(subscription.task_id)
        if channel is None or channel.subscriptions.get(subscription.connection) is not subscription:
            return
        del channel.subscriptions[subscription.connection]
        if not channel.subscriptions:
            channel.stop()
            del self._channels[subscription.task_id]
