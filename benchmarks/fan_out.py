"""What it costs to tell many watchers, against a plain loop of Starlette's `send_text` in the same run.

500 watchers × 100 events per second, one event per frame and with `batch=1`; then one Task with 200 progress updates
per second, and how far behind any watcher ever is. The events come from a worker's process through the database; counted is
all that the server does for them, reading the log included. The loop is measured before and after, and the mean taken.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks.emissions import Pace, Worker
from benchmarks.machine import describe_machine
from benchmarks.socket_servers import ServerProcess
from benchmarks.watchers import Watchers

WATCHERS = 500
RATE = 100.0
SECONDS = 5.0
PROGRESS_RATE = 200.0


def plain() -> float:
    """Microseconds of processor time per delivered event of the loop."""
    server = ServerProcess("plain", "-")
    watchers = Watchers(server.port, "/ws/tasks/x", WATCHERS)
    try:
        spent = _spent(server, lambda: server.do("send", rate=RATE, seconds=SECONDS, size=90))
        delivered: int = sum(watchers.report()["events"])
        return spent / delivered
    finally:
        server.stop()


def cesar(query: str) -> float:
    """The same of Cesar, with events none of which may be left out."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess("cesar", folder)
        try:
            watchers = Watchers(server.port, f"/ws/tasks/{server.tasks[0]}?after=0{query}", WATCHERS)
            spent = _spent(server, Worker(folder, server.pipe, Pace("status", RATE, SECONDS)).emit)
            delivered: int = sum(watchers.report()["events"]) - WATCHERS  # the word `subscribed` has a number too
        finally:
            server.stop()
    if delivered != WATCHERS * int(RATE * SECONDS):
        raise SystemExit(f"{delivered} events arrived instead of {WATCHERS * int(RATE * SECONDS)}")
    return spent / delivered


def progress() -> tuple[float, list[float]]:
    """Processor time per watcher-second in microseconds, and how far behind watchers were, in seconds, sorted."""
    moments: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess("cesar", folder)
        try:
            watchers = Watchers(server.port, f"/ws/tasks/{server.tasks[0]}?after=0", WATCHERS, keep=True)
            worker = Worker(folder, server.pipe, Pace("progress", PROGRESS_RATE, SECONDS))
            spent = _spent(server, lambda: moments.extend(worker.emit()))
            arrivals = watchers.report()["arrivals"]
        finally:
            server.stop()
    behind = [lag for watcher in arrivals for lag in _lags(watcher, moments)]
    return spent / WATCHERS / SECONDS, sorted(behind)


def _spent(server: ServerProcess, work: Callable[[], object]) -> float:
    """Microseconds of the server's processor time while it works, what is still under way included."""
    before = server.cpu_seconds()
    work()
    time.sleep(0.2)
    return (server.cpu_seconds() - before) * 1e6


def _lags(arrivals: list[list[Any]], moments: list[float]) -> list[float]:
    """From the emission of the first number a watcher did not have yet, to the arrival of one that is as new or newer."""
    return [came - moments[before] for (_, _, before, _), (came, _, _, _) in itertools.pairwise(arrivals)]


def _line(name: str, value: float, baseline: float, allowed: float) -> bool:
    ratio = value / baseline
    print(f"{name:48} {value:8.1f} µs   {ratio:5.2f} × (at most {allowed})   {_verdict(ratio <= allowed)}", flush=True)
    return ratio <= allowed


def _verdict(good: bool) -> str:
    return "ok" if good else "MISSED"


def main() -> int:
    """Run all; 1 if a figure was missed."""
    print(describe_machine("uvicorn", "starlette", "websockets"), flush=True)
    before = plain()
    single, batched = cesar(""), cesar("&batch=1")
    per_watcher_second, behind = progress()
    after = plain()
    loop = (before + after) / 2
    print(f"{'Starlette send_text loop, per delivered event':48} {loop:8.1f} µs   baseline ({before:.1f}, {after:.1f})")
    good = _line("one event per frame, per delivered event", single, loop, 1.05)
    good &= _line("batch=1, per delivered event", batched, loop, 0.4)
    name = f"{PROGRESS_RATE:.0f} progress updates/s, per watcher-second"
    good &= _line(name, per_watcher_second, loop * PROGRESS_RATE, 0.1)
    half, most, worst = (behind[int((len(behind) - 1) * share)] * 1000 for share in (0.5, 0.99, 1))
    print(
        f"watchers behind: p50 {half:.0f} ms, p99 {most:.0f} ms, worst {worst:.0f} ms (at most 100)   {_verdict(worst <= 100)}"
    )
    return 0 if good and worst <= 100 else 1


if __name__ == "__main__":
    sys.exit(main())
