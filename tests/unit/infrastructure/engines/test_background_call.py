"""A long call in another thread."""

import threading
import time

import pytest

from app.domain.errors import Cancelled
from app.infrastructure.engines.background_call import Gauge, call_in_background, call_with_gauge, stray_calls


def test_it_ticks_while_the_call_runs() -> None:
    """Time is told in the caller's own thread while the call goes on, and the result comes back."""
    ticks: list[float] = []
    threads: set[int] = set()

    def tick(elapsed: float) -> None:
        ticks.append(elapsed)
        threads.add(threading.get_ident())

    def call() -> str:
        time.sleep(0.5)
        return "done"

    assert call_in_background(call, tick) == "done"
    assert len(ticks) >= 2
    assert ticks == sorted(ticks)
    assert threads == {threading.get_ident()}


def test_a_failure_comes_back() -> None:
    """What the call raises is raised in the caller's thread."""

    def call() -> None:
        raise OSError("inside")

    with pytest.raises(OSError, match="inside"):
        call_in_background(call, lambda elapsed: None)


def test_the_caller_can_walk_away() -> None:
    """When a tick raises, the caller does not wait for the call."""
    release = threading.Event()

    def tick(elapsed: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        call_in_background(lambda: release.wait(30), tick)
    assert not release.is_set()
    release.set()


def test_a_call_left_behind_is_counted_until_it_ends() -> None:
    """A stray call counts for its owner and for the process, and no longer when it is over."""
    release, owner = threading.Event(), object()

    def leave(elapsed: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        call_in_background(lambda: release.wait(30), leave, owner)
    assert (stray_calls(owner), stray_calls(object())) == (1, 0)
    assert stray_calls() >= 1  # those that other tests left behind may end at any moment
    release.set()
    deadline = time.monotonic() + 10
    while stray_calls(owner) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stray_calls(owner) == 0


def test_a_gauge_is_read_and_ends_a_call_that_nobody_hears() -> None:
    """The caller hears how far the call is; when it leaves, the call ends at its next move."""
    told: list[float] = []
    ended = threading.Event()

    def call(gauge: Gauge) -> None:
        try:
            for step in range(2_000):
                gauge.move(step / 2_000)
                time.sleep(0.01)
        finally:
            ended.set()

    def tell(done: float) -> None:
        told.append(done)
        if len(told) == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        call_with_gauge(call, tell)
    assert told == sorted(told)
    assert told[-1] > 0.0
    assert ended.wait(5)
