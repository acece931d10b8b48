"""Owns which receivers are left alone for now: those with enough under way, and those that lately did not answer in time."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

AT_ONCE_EACH: Final = 2
"""Messages that one receiver gets at the same time; the places of the lane are more, so one receiver cannot take them all."""

REST_SECONDS: Final = 30.0
"""How long a receiver that did not answer in time is asked nothing at all, whatever waits for it."""


class Receivers:
    """What one lane knows of its receivers, each `host:port`. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._under_way: Counter[str] = Counter()
        self._rest_until: dict[str, float] = {}

    def left_alone(self) -> frozenset[str]:
        """Who must not be sent anything now."""
        now = self._clock()
        self._rest_until = {receiver: end for receiver, end in self._rest_until.items() if end > now}
        busy = (receiver for receiver, number in self._under_way.items() if number >= AT_ONCE_EACH)
        return frozenset(busy) | frozenset(self._rest_until)

    def begun(self, receiver: str) -> None:
        """A message is under way."""
        self._under_way[receiver] += 1

    def ended(self, receiver: str, *, in_time: bool) -> None:
        """It is no longer."""
        self._under_way[receiver] -= 1
        if not self._under_way[receiver]:
            del self._under_way[receiver]
        if not in_time:
            self._rest_until[receiver] = self._clock() + REST_SECONDS
