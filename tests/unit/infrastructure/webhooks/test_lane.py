"""The lane of a worker in which webhooks leave."""

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.webhooks import WebhookTarget
from app.infrastructure.webhooks.lane import AT_ONCE, WebhookLane
from app.infrastructure.webhooks.receivers import AT_ONCE_EACH, REST_SECONDS, Receivers
from app.services.submission import ArrivedFile, Submission
from app.services.webhook_service import Delivery, Outcome, WebhookService
from tests.workbench import FACTS, Workbench


class Sender:
    """Delivers; the first `failures` sendings raise, and each that goes to `gated` waits until the gate opens."""

    def __init__(self, failures: int = 0, gated: str = "") -> None:
        self.sent: list[str] = []
        self.gate = threading.Event()
        self.outcome = Outcome(204)
        self._failures = failures
        self._gated = gated

    def send(self, delivery: Delivery) -> Outcome:
        self.sent.append(delivery.url)
        if len(self.sent) <= self._failures:
            raise OverflowError("the network went away in a way that nobody foresaw")
        if self._gated and self._gated in delivery.url:
            assert self.gate.wait(30)
            return self.outcome
        return Outcome(204)


class Interrupted(WebhookService):
    """The first look at the database fails."""

    looks = 0

    def claim(self, left_alone: Collection[str] = ()) -> Delivery | None:
        self.looks += 1
        if self.looks == 1:
            raise CesarError("unavailable", "database is locked")
        return super().claim(left_alone)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    bench = Workbench(tmp_path / "data")
    yield bench
    bench.close()


def end_jobs(bench: Workbench, *receivers: str) -> list[str]:
    """Jobs that ended, and whose end is to be told to these, in this order."""
    jobs = []
    for receiver in receivers:
        arrived = (ArrivedFile("a.wav", bench.store_bytes(), FACTS),)
        webhook = WebhookTarget(f"https://{receiver}.example/")
        jobs.append(bench.jobs.submit(Submission(TranscriptionOptions(), arrived, webhook=webhook)))
        bench.jobs.cancel(jobs[-1])
    return jobs


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def statuses(deliveries: WebhookService, jobs: list[str]) -> list[str]:
    return [deliveries.deliveries(job_id, 1, 10).deliveries[0].status for job_id in jobs]


async def test_a_drained_lane_first_sends_what_is_due(bench: Workbench) -> None:
    """Asked to end, it sends everything that is due, more than fits at once, and then ends."""
    jobs = end_jobs(bench, *["only"] * 3 * AT_ONCE)
    deliveries = WebhookService(bench.store, max_attempts=3, first_pause_seconds=5)
    lane = WebhookLane(deliveries, Sender())
    lane.drain()
    await asyncio.wait_for(lane.run(), 30)
    lane.close()
    assert statuses(deliveries, jobs) == ["delivered"] * len(jobs)


async def test_a_few_are_sent_at_once_and_no_more(bench: Workbench) -> None:
    """While all places are taken, nothing else is claimed; it leaves when one becomes free."""
    jobs = end_jobs(bench, *(f"many-{number}" for number in range(AT_ONCE + 2)))
    deliveries, sender = WebhookService(bench.store, max_attempts=3, first_pause_seconds=5), Sender(gated="many")
    lane = WebhookLane(deliveries, sender)
    running = asyncio.create_task(lane.run())
    await until(lambda: len(sender.sent) >= AT_ONCE)
    await asyncio.sleep(0.3)
    assert len(sender.sent) == AT_ONCE
    sender.gate.set()
    lane.drain()
    await asyncio.wait_for(running, 30)
    lane.close()
    assert statuses(deliveries, jobs) == ["delivered"] * len(jobs)


async def test_neither_database_nor_sender_can_end_the_lane(bench: Workbench) -> None:
    """A look that fails costs nothing and a sending that raises one attempt, with its reason; the next delivery leaves as ever."""
    jobs = end_jobs(bench, "one")
    deliveries, sender = Interrupted(bench.store, max_attempts=3, first_pause_seconds=5), Sender(failures=1)
    lane = WebhookLane(deliveries, sender)
    running = asyncio.create_task(lane.run())
    await until(lambda: bool(sender.sent))
    jobs += end_jobs(bench, "another")
    lane.wake()
    await until(lambda: statuses(deliveries, jobs)[1] == "delivered")
    (failed,) = deliveries.deliveries(jobs[0], 1, 10).deliveries
    assert (failed.status, failed.attempts, failed.last_error) == ("waiting", 1, "OverflowError")
    lane.drain()
    await asyncio.wait_for(running, 30)
    lane.close()


async def test_what_can_never_be_sent_is_given_up(bench: Workbench) -> None:
    """A message whose every sending raises does not go on for ever."""
    jobs = end_jobs(bench, "one")
    deliveries, sender = WebhookService(bench.store, max_attempts=3, first_pause_seconds=0.01), Sender(failures=99)
    lane = WebhookLane(deliveries, sender)
    running = asyncio.create_task(lane.run())
    await until(lambda: statuses(deliveries, jobs) == ["given_up"])
    lane.drain()
    await asyncio.wait_for(running, 30)
    lane.close()
    assert len(sender.sent) == 3


async def test_one_receiver_cannot_take_all_places(bench: Workbench) -> None:
    """A dozen messages to one that does not answer, and those to others leave at once; afterwards it is left alone."""
    tarpit = end_jobs(bench, *["tarpit"] * 12)
    others = end_jobs(bench, "one", "another")
    deliveries, sender = WebhookService(bench.store, max_attempts=3, first_pause_seconds=5), Sender(gated="tarpit")
    sender.outcome = Outcome(error="tarpit.example did not answer in time", timed_out=True)
    lane = WebhookLane(deliveries, sender)
    running = asyncio.create_task(lane.run())
    await until(lambda: statuses(deliveries, others) == ["delivered"] * 2)
    asked = [url for url in sender.sent if "tarpit" in url]
    assert len(asked) == AT_ONCE_EACH
    sender.gate.set()
    others += end_jobs(bench, "third")
    lane.wake()
    await until(lambda: statuses(deliveries, others) == ["delivered"] * 3)
    lane.drain()
    await asyncio.wait_for(running, 30)
    lane.close()
    assert len([url for url in sender.sent if "tarpit" in url]) == AT_ONCE_EACH
    assert statuses(deliveries, tarpit) == ["waiting"] * 12
    assert [deliveries.deliveries(job, 1, 1).deliveries[0].attempts for job in tarpit] == [1, 1] + [0] * 10


async def test_a_sender_that_ends_lets_go(bench: Workbench) -> None:
    """What is under way when its process has to end is due at once, as if that attempt had not been; nothing new begins."""
    jobs = end_jobs(bench, "slow", "later")
    deliveries, sender = WebhookService(bench.store, max_attempts=3, first_pause_seconds=5), Sender(gated="slow")
    lane = WebhookLane(deliveries, sender)
    running = asyncio.create_task(lane.run())
    await until(lambda: statuses(deliveries, jobs) == ["waiting", "delivered"])
    await lane.let_go(0.1)
    jobs += end_jobs(bench, "new")
    lane.wake()
    again = deliveries.claim(["new.example:443"])
    assert again is not None
    assert (again.url, again.attempt) == ("https://slow.example/", 1)
    sender.outcome = Outcome(500)
    sender.gate.set()
    await asyncio.wait_for(running, 30)
    lane.close()
    assert sender.sent.count("https://new.example/") == 0
    deliveries.settle(again, Outcome(204))
    assert statuses(deliveries, jobs) == ["delivered", "delivered", "waiting"]


def test_a_receiver_rests_after_it_did_not_answer() -> None:
    """Full while two messages are under way; after one that timed out it is left alone for a while, and then asked again."""
    clock = [0.0]
    receivers = Receivers(lambda: clock[0])
    for _ in range(AT_ONCE_EACH):
        assert receivers.left_alone() == frozenset()
        receivers.begun("a:443")
    receivers.begun("b:443")
    assert receivers.left_alone() == {"a:443"}
    receivers.ended("a:443", in_time=True)
    assert receivers.left_alone() == frozenset()
    receivers.ended("a:443", in_time=False)
    clock[0] = REST_SECONDS - 0.1
    assert receivers.left_alone() == {"a:443"}
    clock[0] = REST_SECONDS
    assert receivers.left_alone() == frozenset()
