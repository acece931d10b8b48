"""What it costs a pipeline to tell how far it is, while one of the watchers never reads.

8 threads emit inside the server about 8 Tasks; 50 sockets watch all of them, one of which reads nothing. Every number must reach
the other 49, in order, or be counted as left out by the progress that came in its place. For comparison, the bridge that
anybody would write first: send from the thread, and wait.
"""

import sys
import tempfile
from itertools import pairwise
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.socket_servers import ServerProcess
from benchmarks.watchers import Watcher, Watchers

WATCHERS = 50
RATE = 100.0
SECONDS = 8.0
NAIVE_TIMEOUT = 5.0


def cesar() -> tuple[list[float], int, int]:
    """Seconds per call, sorted; how many events were accounted for; how many were not, or came out of order."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess("cesar", folder)
        subscribe = [f'{{"type":"subscribe","task_id":"{task}","after":0}}' for task in server.tasks]
        deaf = Watcher(server.port, "/ws")
        for command in subscribe:
            deaf.say(command.encode())
        watchers = Watchers(server.port, "/ws", WATCHERS - 1, commands=subscribe, keep=True)
        try:
            calls = sorted(server.do("emit", kind="mixed", rate=RATE, seconds=SECONDS)["calls"])
            seen = watchers.report()["arrivals"]
        finally:
            server.stop()
            deaf.socket.close()
    expected = int(RATE * SECONDS)
    wrong = sum(_is_wrong(watcher, task, expected) for watcher in seen for task in server.tasks)
    return calls, expected * len(server.tasks) * len(seen), wrong


def _is_wrong(arrivals: list[list[Any]], task: str, expected: int) -> bool:
    """Whether one watcher's view of one Task has a hole, a repetition or a wrong order."""
    numbers = [(seq, skipped) for _, task_id, seq, skipped in arrivals if task_id == task]
    steps = [(0, 0), *numbers]
    whole = all(later - skipped == earlier + 1 for (earlier, _), (later, skipped) in pairwise(steps))
    return not whole or not numbers or numbers[-1][0] != expected


def naive() -> list[float]:
    """Seconds per call of the bridge that waits."""
    server = ServerProcess("plain", "-")
    deaf = Watcher(server.port, "/ws/tasks/x")
    watchers = Watchers(server.port, "/ws/tasks/x", WATCHERS - 1)
    try:
        calls: list[float] = server.do("call", count=1000, size=20_000, timeout=NAIVE_TIMEOUT)["calls"]
        watchers.report()
    finally:
        server.stop()
        deaf.socket.close()
    return sorted(calls)


def main() -> int:
    """Run; 1 if a figure was missed."""
    print(describe_machine("uvicorn", "starlette", "websockets", "sqlalchemy"))
    waiting = naive()
    print(
        f"send and wait: median {waiting[len(waiting) // 2] * 1000:.2f} ms, worst {waiting[-1] * 1000:.0f} ms   baseline"
    )
    calls, accounted, wrong = cesar()
    p99 = calls[int(len(calls) * 0.99)]
    good = p99 < 0.001 and wrong == 0
    print(
        f"emit_progress, {len(calls)} calls from 8 threads: median {calls[len(calls) // 2] * 1e6:.0f} µs, "
        f"p99 {p99 * 1e6:.0f} µs (below 1000), worst {calls[-1] * 1000:.1f} ms; "
        f"worst waits {calls[-1] / waiting[-1]:.4f} × the baseline's   {'ok' if p99 < 0.001 else 'MISSED'}"
    )
    print(f"{accounted} numbers at {WATCHERS - 1} watchers: {wrong} views wrong   {'ok' if wrong == 0 else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
