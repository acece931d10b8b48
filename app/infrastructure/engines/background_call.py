"""Owns one trick: a long native call runs in a thread while the caller's thread keeps reporting and can walk away."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")

TICK_SECONDS: Final = 0.1


def call_in_background(call: Callable[[], Result], tick: Callable[[float], None]) -> Result:
    """Run `call` in another thread and `tick(elapsed_seconds)` here about every 0.1 s and once at the end.

    What `call` raises is raised here. If `tick` raises, that is raised at once: the call, which native code
    gives no way to stop, runs to its end unheard.
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
    while thread.is_alive():
        thread.join(TICK_SECONDS)
        tick(time.monotonic() - started)
    if failures:
        raise failures[0]
    return results[0]
