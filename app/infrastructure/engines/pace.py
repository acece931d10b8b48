"""Owns the fraction shown while work on a stretch of the recording is under way: by the pace of the stretches before it."""

from typing import Final, Protocol

_AT_MOST: Final = 0.9
"""The part of a stretch that may be shown before it is really done."""


class Listener(Protocol):
    """Who is told how far the work is; both raise `Cancelled` when it is no longer wanted."""

    def fraction(self, done: float, message: str = "") -> None:
        """`done` (0..1) of the recording."""

    def check(self) -> None:
        """Nothing new to tell."""


class PaceMeter:
    """Tells how far a recording of `seconds` is, stretch by stretch. What it tells never falls."""

    def __init__(self, seconds: float, control: Listener) -> None:
        self._control = control
        self._total = seconds or 1.0
        self._done = 0.0
        self._share = 0.0
        self._until = 0.0
        self._spent = 0.0
        self._elapsed = 0.0

    def begin(self, until: float) -> None:
        """Work on the stretch that ends at `until` seconds of the recording begins."""
        self._until, self._elapsed = max(until, self._done), 0.0

    def tick(self, elapsed: float) -> None:
        """`elapsed` seconds of work on the present stretch have passed. Raises `Cancelled`."""
        self._elapsed = elapsed
        if not self._done:  # no pace is known yet
            self._control.check()
            return
        length = self._until - self._done
        expected = length * self._spent / self._done
        self._tell(self._done + length * min(_AT_MOST, elapsed / max(expected, 1e-6)))

    def end(self) -> None:
        """The present stretch is done. Raises `Cancelled`."""
        self._spent += self._elapsed
        self._done = self._until
        self._tell(self._done)

    def _tell(self, seconds: float) -> None:
        self._control.fraction(min(1.0, seconds / self._total))
