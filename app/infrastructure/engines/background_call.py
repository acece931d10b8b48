"""Owns the background call: long native work runs in a thread of its own while the caller's keeps reporting and can walk away.

It also counts the calls that were walked away from and still run: nothing can stop native code but the end of its process.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from app.domain.errors import Cancelled

Result = TypeVar("Result")

TICK_SECONDS: Final = 0.1


class Gauge:
    """How far a call in another thread is, in a measure of its own. The call moves it, its caller reads it."""

    def __init__(self) -> None:
        self.done = 0.0
        self._left = False

    def move(self, done: float) -> None:
        """So much of the call is done. Raises `Cancelled`, inside the call, once its caller has left."""
        if self._left:
            raise Cancelled
        self.done = max(self.done, float(done))

    def leave(self) -> None:
        """The caller does not listen any more: the call ends at its next move."""
        self._left = True


class _StrayCalls:
    """Calls that run to their end unheard, with whom they belong to. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[tuple[object, threading.Thread]] = []

    def add(self, owner: object, thread: threading.Thread) -> None:
        with self._lock:
            self._calls = [*self._running(), (owner, thread)]

    def owners(self) -> list[object]:
        with self._lock:
            self._calls = self._running()
            return [owner for owner, _ in self._calls]

    def _running(self) -> list[tuple[object, threading.Thread]]:
        return [(owner, thread) for owner, thread in self._calls if thread.is_alive()]


_STRAYS: Final = _StrayCalls()


def stray_calls(owner: object = None) -> int:
    """How many calls still run that nobody waits for: all of this process, or those made for `owner`."""
    owners = _STRAYS.owners()
    return len(owners) if owner is None else owners.count(owner)


def call_in_background(call: Callable[[], Result], tick: Callable[[float], None], owner: object = None) -> Result:
    """Run `call` in another thread and `tick(elapsed_seconds)` here about every 0.1 s and once at the end.

    What `call` raises is raised here. If `tick` raises, that is raised at once: the call, which native code
    gives no way to stop, runs to its end unheard, and `stray_calls(owner)` counts it until then.
    """
    results: list[Result] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as failure:
            failures.append(failure)

    started = time.monotonic()
    thread = threading.Thread(target=run, name="engine-call", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(TICK_SECONDS)
            tick(time.monotonic() - started)
    except BaseException:
        _STRAYS.add(owner, thread)
        raise
    if failures:
        raise failures[0]
    return results[0]


def call_with_gauge(call: Callable[[Gauge], Result], tell: Callable[[float], None], owner: object = None) -> Result:
    """Like `call_in_background`, for a call that says how far it is: `tell(done)` is called here about every 0.1 s.

    If `tell` raises, the call is made to end when it next moves its gauge.
    """
    gauge = Gauge()
    try:
        return call_in_background(lambda: call(gauge), lambda _: tell(gauge.done), owner)
    except BaseException:
        gauge.leave()
        raise
