"""Owns the lane of a worker in which webhooks leave: a few at a time, in threads of their own, beside the Tasks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from app.core.logging import logger
from app.core.waiting import is_set_within
from app.infrastructure.webhooks.receivers import Receivers
from app.services.webhook_service import Delivery, Outcome, Sender, WebhookService

AT_ONCE: Final = 4
_LOOK_SECONDS: Final = 1.0
"""How often it looks for repeated attempts that are due when nothing woke it."""

T = TypeVar("T")


class WebhookLane:
    """Sends what is due until it is drained. A receiver that is slow holds some of a few places, never all, and never a Task."""

    def __init__(self, deliveries: WebhookService, sender: Sender) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._receivers = Receivers()
        self._woken = asyncio.Event()
        self._draining = False
        self._has_let_go = False
        self._claiming = asyncio.Lock()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[asyncio.Task[None], Delivery] = {}
        # The worker's own threads keep leases alive; they must not wait behind receivers.
        self._threads = ThreadPoolExecutor(AT_ONCE + 1, thread_name_prefix="webhook")

    async def run(self) -> None:
        """Send; once draining, end as soon as nothing is due any more and nothing is under way."""
        while True:
            self._woken.clear()
            await self._free.acquire()
            if await self._begin_next():
                continue
            self._free.release()
            # Woken: a receiver that was busy while it looked may be free by now.
            if self._draining and not self._under_way and not self._woken.is_set():
                return
            await is_set_within(self._woken, _LOOK_SECONDS)

    def wake(self) -> None:
        """Something changed: look for deliveries."""
        self._woken.set()

    def drain(self) -> None:
        """Let `run` end."""
        self._draining = True
        self.wake()

    async def let_go(self, seconds: float) -> None:
        """Begin nothing more, because this process ends. What is still under way after `seconds` is due at once for whoever comes next."""
        async with self._claiming:
            self._has_let_go = True
        self.drain()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        left = list(self._under_way.values())
        try:
            await self._in_thread(lambda: self._deliveries.put_back(left))
        except Exception:  # their claims run out
            logger.exception("webhooks_not_put_back", deliveries=len(left))

    def close(self) -> None:
        """Free the threads; what they still send is tried again by whoever comes next."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _begin_next(self) -> bool:
        """Whether there was something to send to somebody who may be sent something."""
        async with self._claiming:
            delivery = None if self._has_let_go else await self._claim()
            if delivery is None:
                return False
            self._receivers.begun(delivery.receiver)
            sending = asyncio.create_task(self._send(delivery))
            self._under_way[sending] = delivery
            sending.add_done_callback(self._ended)
            return True

    def _ended(self, sending: asyncio.Task[None]) -> None:
        del self._under_way[sending]
        self._free.release()
        self.wake()  # its receiver may have more that waits

    async def _claim(self) -> Delivery | None:
        left_alone = self._receivers.left_alone()
        try:
            return await self._in_thread(lambda: self._deliveries.claim(left_alone))
        except Exception:  # a database that is busy or gone must not end the lane
            logger.exception("webhook_claim_failed")
            return None

    async def _send(self, delivery: Delivery) -> None:
        try:
            outcome = await self._in_thread(lambda: self._sender.send(delivery))
        except (
            Exception
        ) as problem:  # one that nobody foresaw is a failed attempt like any other, or it would never end
            logger.exception("webhook_sender_failed", delivery_id=delivery.id)
            outcome = Outcome(error=type(problem).__name__)
        self._receivers.ended(delivery.receiver, in_time=not outcome.timed_out)
        try:
            await self._in_thread(lambda: self._deliveries.settle(delivery, outcome))
        except Exception:  # its claim runs out, and it is tried again
            logger.exception("webhook_lost", delivery_id=delivery.id)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
