"""The lane of a worker in which webhooks leave."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.webhooks import WebhookTarget
from app.infrastructure.webhooks.lane import AT_ONCE, WebhookLane
from app.services.submission import ArrivedFile, Submission
from app.services.webhook_service import Delivery, Outcome, WebhookService
from tests.workbench import FACTS, Workbench


class Sender:
    """Delivers; the first `failures` sendings raise, and with `gate` each waits until it opens."""

    def __init__(self, failures: int = 0, gate: threading.Event | None = None) -> None:
        self.sent: list[str] = []
        self._failures = failures
        self._gate = gate

    def send(self, delivery: Delivery) -> Outcome:
        self.sent.append(delivery.id)
        if len(self.sent) <= self._failures:
            raise OSError("the network went away in a way that nobody foresaw")
        if self._gate is not None:
            assert self._gate.wait(30)
        return Outcome(204)


class Interrupted(WebhookService):
    """The first look at the database fails."""

    looks = 0

    def claim(self) -> Delivery | None:
        self.looks += 1
        if self.looks == 1:
            raise CesarError("unavailable", "database is locked")
        return super().claim()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    bench = Workbench(tmp_path / "data")
    yield bench
    bench.close()


def end_jobs(bench: Workbench, number: int) -> list[str]:
    """Jobs that ended, and whose end is to be told."""
    jobs = []
    for _ in range(number):
        arrived = (ArrivedFile("a.wav", bench.store_bytes(), FACTS),)
        webhook = WebhookTarget("https://hooks.example.org/")
        jobs.append(bench.jobs.submit(Submission(TranscriptionOptions(), arrived, webhook=webhook)))
        bench.jobs.cancel(jobs[-1])
    return jobs


def statuses(deliveries: WebhookService, jobs: list[str]) -> list[str]:
    return [deliveries.deliveries(job_id, 1, 10).deliveries[0].status for job_id in jobs]


async def test_a_drained_lane_first_sends_what_is_due(bench: Workbench) -> None:
    """Asked to end, it sends everything that is due, more than fits at once, and then ends."""
    jobs = end_jobs(bench, 3 * AT_ONCE)
    deliveries = WebhookService(bench.store, max_attempts=3, first_pause_seconds=5)
    lane = WebhookLane(deliveries, Sender())
    lane.drain()
    await asyncio.wait_for(lane.run(), 30)
    lane.close()
    assert statuses(deliveries, jobs) == ["delivered"] * len(jobs)


async def test_a_few_are_sent_at_once_and_no_more(bench: Workbench) -> None:
    """While all places are taken, nothing else is claimed; it leaves when one becomes free."""
    jobs, gate = end_jobs(bench, AT_ONCE + 2), threading.Event()
    deliveries, sender = WebhookService(bench.store, max_attempts=3, first_pause_seconds=5), Sender(gate=gate)
    lane = WebhookLane(deliveries, sender)
    running = asyncio.create_task(lane.run())
    async with asyncio.timeout(30):
        while len(sender.sent) < AT_ONCE:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    assert len(sender.sent) == AT_ONCE
    gate.set()
    lane.drain()
    await asyncio.wait_for(running, 30)
    lane.close()
    assert statuses(deliveries, jobs) == ["delivered"] * len(jobs)


async def test_neither_database_nor_sender_can_end_the_lane(bench: Workbench) -> None:
    """A look that fails and a sending that raises cost one attempt each; the next delivery leaves as ever."""
    jobs = end_jobs(bench, 1)
    deliveries, sender = Interrupted(bench.store, max_attempts=3, first_pause_seconds=5), Sender(failures=1)
    lane = WebhookLane(deliveries, sender)
    running = asyncio.create_task(lane.run())
    async with asyncio.timeout(30):
        while not sender.sent:
            await asyncio.sleep(0.01)
    jobs += end_jobs(bench, 1)
    lane.wake()
    async with asyncio.timeout(30):
        while statuses(deliveries, jobs)[1] != "delivered":
            await asyncio.sleep(0.01)
    assert statuses(deliveries, jobs)[0] == "waiting"
    lane.drain()
    await asyncio.wait_for(running, 30)
    lane.close()
