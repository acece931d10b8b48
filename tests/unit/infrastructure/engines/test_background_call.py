"""A long call in another thread."""

import threading
import time

import pytest

from app.domain.errors import Cancelled
from app.infrastructure.engines.background_call import call_in_background


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
