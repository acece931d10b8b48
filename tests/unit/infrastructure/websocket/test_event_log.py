"""The tail that follows the log, and the pages from which a late watcher reads."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from app.domain.events import Event, ProgressEvent, StatusEvent, StoredEvent, WarningEvent
from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.infrastructure.websocket.event_log import PAGE_EVENTS, LogTail, first_page, next_page
from tests.fakes.event_log import InMemoryEventLog

WARNING = WarningEvent("option_ignored", "w")


class Followed:
    """A tail and what it delivered."""

    def __init__(self) -> None:
        self.log = InMemoryEventLog("t")
        self.watched = True
        self.delivered: list[StoredEvent] = []
        self.threads: set[int] = set()
        self.tail = LogTail(self.log, lambda: self.watched, self._take)

    def _take(self, events: list[StoredEvent]) -> None:
        self.threads.add(threading.get_ident())
        self.delivered += events

    def publish(self, *events: Event) -> None:
        self.log.append([("t", event) for event in events or (WARNING,)])

    def numbers(self) -> list[int]:
        return [event.seq for event in self.delivered]


@pytest.fixture
def followed() -> Iterator[Followed]:
    followed = Followed()
    followed.tail.start()
    yield followed
    followed.tail.stop(5)


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_it_begins_with_what_comes_after_it_was_aimed(followed: Followed) -> None:
    """What was there before is for the pages; what comes after is delivered, in order, once."""
    followed.publish()
    followed.tail.aim()
    for _ in range(500):
        followed.publish()
    assert until(lambda: len(followed.delivered) == 500)
    assert followed.numbers() == list(range(2, 502))
    assert threading.get_ident() not in followed.threads


def test_a_lost_announcement_costs_only_a_tick(followed: Followed) -> None:
    """Without any `wake` the event is found."""
    followed.tail.aim()
    followed.publish()
    assert until(lambda: followed.numbers() == [1])


def test_it_reads_nothing_while_nobody_watches(followed: Followed) -> None:
    """When the next watcher comes it starts from there."""
    followed.tail.aim()
    followed.watched = False
    followed.tail.wake()
    time.sleep(0.2)
    followed.publish()
    followed.watched = True
    time.sleep(0.2)
    assert followed.delivered == []
    followed.tail.aim()
    followed.publish()
    assert until(lambda: followed.numbers() == [2])


def test_it_survives_a_database_that_is_gone(followed: Followed) -> None:
    """One warning, and when the database is back nothing is missing."""
    followed.tail.aim()
    with capture_logs() as logs:
        followed.log.failing = True
        assert until(lambda: not followed.tail.is_healthy)
        time.sleep(0.5)
        followed.log.failing = False
        followed.publish()
        assert until(lambda: followed.numbers() == [1])
    assert [line["event"] for line in logs] == ["event_log_unreadable"]
    assert followed.tail.is_healthy


def test_a_page_holds_what_follows_a_number() -> None:
    """In portions, the last of which says so."""
    log = InMemoryEventLog("t")
    log.append([("t", WARNING)] * (PAGE_EVENTS + 5))
    page = first_page(log, "t", 3, None)
    assert page is not None
    assert (page.recovered, page.is_last) == (True, False)
    assert [message.seq for message in page.messages] == list(range(4, PAGE_EVENTS + 4))
    page = next_page(log, "t", PAGE_EVENTS + 3)
    assert page is not None
    assert ([message.seq for message in page.messages], page.is_last) == ([PAGE_EVENTS + 4, PAGE_EVENTS + 5], True)


def test_a_gap_leads_to_a_snapshot() -> None:
    """Pruned events, a number from the future, another epoch: all are said."""
    log = InMemoryEventLog("t")
    log.append([("t", WARNING)] * 10)
    log.prune("t", 4)
    answers = {
        (after, epoch): page.recovered
        for after, epoch in [(3, None), (4, None), (10, None), (11, None), (5, "other"), (None, None)]
        if (page := first_page(log, "t", after, epoch)) is not None
    }
    assert [answers[key] for key in answers] == [False, True, True, False, False, False]
    assert first_page(log, "nobody", 0, None) is None


def test_a_snapshot_knows_whether_the_task_is_finished() -> None:
    """Progress and status of this moment, with its number."""
    log = InMemoryEventLog("t")
    log.append([("t", ProgressEvent(TaskProgressStage.COMPLETE, 100)), ("t", StatusEvent(JobStatus.COMPLETED))])
    page = first_page(log, "t", None, None)
    assert page is not None
    assert (page.seq, page.is_finished, [message.seq for message in page.messages]) == (2, True, [2, 2])
