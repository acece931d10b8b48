"""Owns the lane of a worker in which webhooks leave: a few at a time, in threads of their own, beside the Tasks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from app.core.logging import logger
from app.services.webhook_service import Delivery, Sender, WebhookService

AT_ONCE: Final = 4
_LOOK_SECONDS: Final = 1.0
"""How often it looks for repeated attempts that are due when nothing woke it."""

T = TypeVar("T")


class WebhookLane:
    """Sends what is due until it is drained. A receiver that is slow holds one of a few places, and never a Task."""

    def __init__(self, deliveries: WebhookService, sender: Sender) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._woken = asyncio.Event()
        self._draining = False
        self._free = asyncio.Semaphore(AT_ONCE)
        self._sending: set[asyncio.Task[None]] = set()
        # The worker's own threads keep leases alive; they must not wait behind receivers.
        self._threads = ThreadPoolExecutor(AT_ONCE + 1, thread_name_prefix="webhook")

    async def run(self) -> None:
        """Send; once draining, end as soon as nothing is due any more and nothing is under way."""
        while True:
            self._woken.clear()
            await self._free.acquire()
            delivery = await self._claim()
            if delivery is not None:
                sending = asyncio.create_task(self._send(delivery))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)
                continue
            self._free.release()
            if self._draining:
                break
            await self._pause()
        if self._sending:
            await asyncio.wait(self._sending)

    def wake(self) -> None:
        """Something changed: look for deliveries."""
        self._woken.set()

    def drain(self) -> None:
        """Let `run` end."""
        self._draining = True
        self.wake()

    def close(self) -> None:
        """Free the threads; what they still send is tried again by whoever comes next."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _claim(self) -> Delivery | None:
        try:
            return await self._in_thread(self._deliveries.claim)
        except Exception:  # a database that is busy or gone must not end the lane
            logger.exception("webhook_claim_failed")
            return None

    async def _send(self, delivery: Delivery) -> None:
        try:
            outcome = await self._in_thread(lambda: self._sender.send(delivery))
            await self._in_thread(lambda: self._deliveries.settle(delivery, outcome))
        except Exception:  # its claim runs out, and it is tried again
            logger.exception("webhook_lost", delivery_id=delivery.id)
        finally:
            self._free.release()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), _LOOK_SECONDS)
        except TimeoutError:
            return

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
