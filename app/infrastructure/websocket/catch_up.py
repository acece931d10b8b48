"""Owns how a watcher that comes late gets what it missed, without a hole and without anything twice."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from app.domain.errors import CesarError
from app.domain.ports import EventLog
from app.infrastructure.websocket.close_codes import DONE, SLOW_CONSUMER
from app.infrastructure.websocket.event_log import Page, first_page, next_page
from app.infrastructure.websocket.message import Message
from app.infrastructure.websocket.subscription import Subscription
from app.schemas.socket import CommandId, Problem, Subscribed


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a watcher stands: `after` is the last number it has (None: it has nothing), `epoch` the log's it had then.

    `reply_to` is the id of the command that asked.
    """

    after: int | None = None
    epoch: str | None = None
    reply_to: CommandId | None = None


class CatchUp:
    """Reads the log for subscriptions that are registered already and hold back what comes meanwhile.

    `aim` makes sure that everything committed from now on is delivered live; so what the pages do not show, the held
    messages do, and what both show is recognised by its number. Both block and are called in threads.
    """

    def __init__(self, log: EventLog, aim: Callable[[], None]) -> None:
        self._log = log
        self._aim = aim

    async def run(self, subscription: Subscription, resume: Resume) -> None:
        """Say `subscribed`, send the missed events or a snapshot, then let live events pass.

        Raises:
            CesarError: `task_not_found`.
        """
        await asyncio.to_thread(self._aim)
        page = await self._first(subscription, resume)
        while await self._send_and_drain(subscription, page):
            page = await self._next(subscription, resume)
        if not _is_current(subscription):
            return
        subscription.release()
        if page.is_finished and subscription.connection.ends_with_task:
            subscription.connection.end(DONE)

    async def _first(self, subscription: Subscription, resume: Resume) -> Page:
        page = await asyncio.to_thread(self._read_first, subscription.task_id, resume)
        say_subscribed(subscription, page.epoch, page.seq, page.recovered, resume.reply_to)
        subscription.seq = resume.after if page.recovered else page.seq
        return page

    def _read_first(self, task_id: str, resume: Resume) -> Page:
        page = first_page(self._log, task_id, resume.after, resume.epoch)
        if page is None:
            raise CesarError("task_not_found")
        return page

    async def _next(self, subscription: Subscription, resume: Resume) -> Page:
        """More of the history; if it was pruned while it was being read, a snapshot, and the gap is said."""
        subscription.hold()
        page = await asyncio.to_thread(next_page, self._log, subscription.task_id, subscription.seq or 0)
        if page is None or page.epoch != subscription.epoch:
            return await self._first(subscription, Resume(reply_to=resume.reply_to))
        return page

    async def _send_and_drain(self, subscription: Subscription, page: Page) -> bool:
        """Whether to go on reading: there is more, and the connection took what it got."""
        for message in page.messages:
            if not (subscription.connection.has_room or await _drained(subscription)):
                return False
            subscription.connection.send(message)
            subscription.seq = message.seq
        if page.is_last and not subscription.overrun:
            return False
        return await _drained(subscription)


async def _drained(subscription: Subscription) -> bool:
    """Wait for the peer to read on; whether it did, and still wants this Task."""
    connection = subscription.connection
    if not await connection.drained():
        connection.end(SLOW_CONSUMER, Problem.of("slow_consumer", task_id=subscription.task_id, seq=subscription.seq))
    return _is_current(subscription)


def say_subscribed(
    subscription: Subscription, epoch: str | None, seq: int, recovered: bool, reply_to: CommandId | None
) -> None:
    """The first thing a watcher hears about a Task."""
    subscription.epoch = epoch
    answer = Subscribed(task_id=subscription.task_id, epoch=epoch, seq=seq, recovered=recovered, id=reply_to)
    subscription.connection.send(Message(answer.encode()))


def _is_current(subscription: Subscription) -> bool:
    connection = subscription.connection
    return connection.closing is None and connection.subscriptions.get(subscription.task_id) is subscription
