"""Owns how long work on many rows may hold up everybody else who wants to write: SQLite lets one write at a time, and has no queue."""

import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

_HOLD_SECONDS: Final = 0.2
"""One transaction of many does not take up new work after this long."""

_PAUSE_SECONDS: Final = 0.11
"""Whoever waits for the lock looks again every tenth of a second: a shorter gap would be missed, time after time, until they give up."""

T = TypeVar("T")


def one_turn(items: Iterable[T]) -> Iterator[T]:
    """The first, and more as long as the turn lasts; to be used within one transaction."""
    until = time.monotonic() + _HOLD_SECONDS
    for item in items:
        yield item
        if time.monotonic() >= until:
            return


def let_others_write() -> None:
    """To be called between two transactions of the same work. Blocking."""
    time.sleep(_PAUSE_SECONDS)
