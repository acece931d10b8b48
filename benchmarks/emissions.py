"""Owns the events of the socket benchmarks: threads that emit at a steady rate, in the server or in a worker's process.

`python -m benchmarks.emissions FOLDER PIPE KIND RATE SECONDS` is the worker: it emits about the first Task of the database in
FOLDER, writes to the file descriptor PIPE whenever a Task's log grew, and prints when it emitted what.
"""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.domain.events import StatusEvent
from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.infrastructure.database.engine import Database
from app.infrastructure.database.event_log import SqlEventLog
from app.infrastructure.database.store import SqlStore
from app.infrastructure.websocket.progress_emitter import ProgressEmitter


@dataclass(frozen=True)
class Pace:
    """`rate` events per second for `seconds`; `kind` is `progress`, `status` (which never gives way) or `mixed`."""

    kind: str
    rate: float
    seconds: float


@dataclass
class Emissions:
    """What was emitted: seconds each call took, and for each Task the moments (monotonic clock) of its emissions."""

    calls: list[float] = field(default_factory=list)
    moments: dict[str, list[float]] = field(default_factory=dict)


def emit_steadily(emitter: ProgressEmitter, task_ids: list[str], pace: Pace) -> Emissions:
    """Emit from one thread for each Task, and wait until all is stored."""
    emissions = Emissions(moments={task_id: [] for task_id in task_ids})
    threads = [threading.Thread(target=_emit, args=(emitter, task_id, pace, emissions)) for task_id in task_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not emitter.flush(20):
        raise SystemExit("what was emitted was not stored in time")
    return emissions


def _emit(emitter: ProgressEmitter, task_id: str, pace: Pace, emissions: Emissions) -> None:
    start, count = time.monotonic(), int(pace.rate * pace.seconds)
    for number in range(count):
        time.sleep(max(0.0, start + number / pace.rate - time.monotonic()))
        emissions.moments[task_id].append(time.monotonic())
        before = time.perf_counter()
        if pace.kind == "status" or (pace.kind == "mixed" and number % 10 == 9):
            emitter.emit(task_id, StatusEvent(JobStatus.PROCESSING))
        else:
            emitter.emit_progress(task_id, TaskProgressStage.TRANSCRIBING, number * 99 // count, f"number {number}")
        emissions.calls.append(time.perf_counter() - before)


class _Pipe:
    """Announces to the server as a worker of its own does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def announce(self, task_id: str) -> None:
        os.write(self._descriptor, task_id.encode() + b"\n")

    async def send_to_task(self, task_id: str, message: dict[str, Any]) -> None:
        """A message outside the log does not travel between processes."""


class Worker:
    """A worker's process, seen from the benchmark; ready to emit when made."""

    def __init__(self, folder: str, pipe: int, pace: Pace) -> None:
        arguments = [folder, str(pipe), pace.kind, str(pace.rate), str(pace.seconds)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.emissions", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[pipe],
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the worker could not start")

    def emit(self) -> list[float]:
        """Let it emit; the moments at which it did."""
        out, _ = self._process.communicate("\n")
        moments: list[float] = json.loads(out)
        return moments


def main(folder: Path, pipe: int, pace: Pace) -> None:
    """The worker's program."""
    database = Database(f"sqlite:///{folder / 'cesar.db'}")
    with SqlStore(database, _Pipe(pipe)).read() as tx:
        task_id = tx.tasks.unfinished()[0]
    emitter = ProgressEmitter(_Pipe(pipe), SqlEventLog(database))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    emissions = emit_steadily(emitter, [task_id], pace)
    sys.stdout.write(json.dumps(emissions.moments[task_id]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Pace(sys.argv[3], float(sys.argv[4]), float(sys.argv[5])))
