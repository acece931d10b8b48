"""What it costs to tell many watchers, against a plain loop of Starlette's `send_text` in the same run.

500 watchers × 100 events per second, one event per frame and with `batch=1`; then one Task with 200 progress updates
per second, and how far behind any watcher ever is. The events come from a worker's process through the database; counted is
all that the server does for them, reading the log included.
"""

import itertools
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from benchmarks.emissions import Pace, run_worker
from benchmarks.machine import describe_machine
from benchmarks.socket_servers import ServerProcess
from benchmarks.watchers import Watchers

WATCHERS = 500
RATE = 100.0
SECONDS = 4.0
PROGRESS_RATE = 200.0


@dataclass(frozen=True)
class Cost:
    """`per_event` and `per_watcher_second` in microseconds of the server's processor time."""

    per_event: float
    per_watcher_second: float
    delivered: int


def plain() -> Cost:
    """The loop."""
    server = ServerProcess("plain", "-")
    watchers = Watchers(server.port, "/ws/tasks/x", WATCHERS)
    try:
        before = server.cpu_seconds()
        server.do("send", rate=RATE, seconds=SECONDS, size=90)
        delivered = sum(watchers.report()["events"])
        return _cost(server.cpu_seconds() - before, delivered)
    finally:
        server.stop()


def cesar(query: str) -> Cost:
    """Cesar, with events none of which may be left out."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess("cesar", folder)
        watchers = Watchers(server.port, f"/ws/tasks/{server.tasks[0]}?after=0{query}", WATCHERS)
        try:
            before = server.cpu_seconds()
            run_worker(folder, server.pipe, Pace("status", RATE, SECONDS))
            delivered = sum(watchers.report()["events"]) - WATCHERS  # the word `subscribed` has a number too
            cpu = server.cpu_seconds() - before
        finally:
            server.stop()
    if delivered != WATCHERS * int(RATE * SECONDS):
        raise SystemExit(f"{delivered} events arrived instead of {WATCHERS * int(RATE * SECONDS)}")
    return _cost(cpu, delivered)


def progress() -> tuple[float, list[float]]:
    """Processor time per watcher-second in microseconds, and how far behind watchers were, in seconds, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess("cesar", folder)
        watchers = Watchers(server.port, f"/ws/tasks/{server.tasks[0]}?after=0", WATCHERS, keep=True)
        try:
            before = server.cpu_seconds()
            moments = run_worker(folder, server.pipe, Pace("progress", PROGRESS_RATE, SECONDS))
            arrivals = watchers.report()["arrivals"]
            cpu = server.cpu_seconds() - before
        finally:
            server.stop()
    behind = [lag for watcher in arrivals for lag in _lags(watcher, moments)]
    return cpu / WATCHERS / SECONDS * 1e6, sorted(behind)


def _lags(arrivals: list[list[Any]], moments: list[float]) -> list[float]:
    """From the emission of the first number a watcher did not have yet, to the arrival of one that is as new or newer."""
    return [came - moments[before] for (_, _, before, _), (came, _, _, _) in itertools.pairwise(arrivals)]


def _cost(cpu: float, delivered: int) -> Cost:
    return Cost(cpu / delivered * 1e6, cpu / WATCHERS / SECONDS * 1e6, delivered)


def _line(name: str, value: float, baseline: float, allowed: float) -> bool:
    ratio = value / baseline
    verdict = "ok" if ratio <= allowed else "MISSED"
    print(f"{name:48} {value:8.1f} µs   {ratio:5.2f} × (at most {allowed})   {verdict}", flush=True)
    return ratio <= allowed


def main() -> int:
    """Run all; 1 if a figure was missed."""
    print(describe_machine("uvicorn", "starlette", "websockets"))
    loop = plain()
    print(f"{'Starlette send_text loop, per delivered event':48} {loop.per_event:8.1f} µs   baseline", flush=True)
    good = _line("one event per frame, per delivered event", cesar("").per_event, loop.per_event, 1.05)
    good &= _line("batch=1, per delivered event", cesar("&batch=1").per_event, loop.per_event, 0.4)
    per_watcher_second, behind = progress()
    good &= _line(
        f"{PROGRESS_RATE:.0f} progress updates/s, per watcher-second",
        per_watcher_second,
        loop.per_event * PROGRESS_RATE,
        0.1,
    )
    worst = behind[-1] * 1000
    verdict = "ok" if worst <= 100 else "MISSED"
    half, most = behind[len(behind) // 2] * 1000, behind[int(len(behind) * 0.99)] * 1000
    print(f"watchers behind: p50 {half:.0f} ms, p99 {most:.0f} ms, worst {worst:.0f} ms (at most 100)   {verdict}")
    return 0 if good and worst <= 100 else 1


if __name__ == "__main__":
    sys.exit(main())
