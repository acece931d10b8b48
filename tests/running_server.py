"""A real `cesar serve` as a process of its own, with a data folder and a port that survive its death."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
from websockets.sync.client import ClientConnection, connect

SCRIPTED = "tests.fakes.scripted_engine:create"
ROOT = Path(__file__).parent.parent

_ENDED = (FileNotFoundError, ProcessLookupError)
"""What /proc says of a process that ended before, or while, it was looked at."""


class RunningServer:
    """Started with `start`; `settings` are the names of settings without their prefix."""

    def __init__(self, folder: Path, *, arguments: tuple[str, ...] = (), **settings: object) -> None:
        self.port = free_port()
        self.folder = folder
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self._arguments = arguments
        given = {"data_dir": folder / "data", "engine": SCRIPTED, "port": self.port, **settings}
        self._environment = {f"CESAR_{name.upper()}": str(value) for name, value in given.items()}
        self._process: subprocess.Popen[bytes] | None = None
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything the server and its worker wrote."""
        return (self.folder / "server.log").read_text()

    @property
    def database(self) -> Path:
        """Where its SQLite file is."""
        return self.folder / "data" / "cesar.db"

    def start(self, *, wait: bool = True) -> "RunningServer":
        """Start; with `wait` until it answers and its worker, if it has one, runs."""
        self._process = self._spawn("serve", *self._arguments)
        if wait:
            wait_for(self._is_ready, 30)
        return self

    def start_worker(self) -> subprocess.Popen[bytes]:
        """`cesar worker` on the same data folder."""
        return self._spawn("worker")

    def worker_pid(self) -> int:
        """Process id of the embedded worker, as /health tells."""
        pid = self.http.get("/health").json()["worker"]["pid"]
        assert isinstance(pid, int)
        return pid

    def worker_pid_or_none(self) -> int | None:
        """The same, or None while nobody can tell."""
        with contextlib.suppress(httpx2.TransportError):
            pid = self.http.get("/health").json()["worker"]["pid"]
            return pid if isinstance(pid, int) else None
        return None

    def wait_until_it_answers(self, seconds: float = 30) -> None:
        """Wait for the server alone; its worker may still be starting."""

        def answers() -> bool:
            with contextlib.suppress(httpx2.TransportError):
                return self.http.get("/health/live").status_code == 200
            return False

        wait_for(answers, seconds)

    def kill(self) -> None:
        """SIGKILL to the server process alone."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def kill_all(self) -> None:
        """SIGKILL to the server and everything it started, the server first so that nothing is restarted."""
        _kill_family(self.pid)
        assert self._process is not None
        self._process.wait()

    def stop(self, seconds: float = 40) -> int:
        """SIGTERM, and wait for the end; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def close(self) -> None:
        """End everything that this test started."""
        self.http.close()
        for process in self._started:
            if process.poll() is None:
                _kill_family(process.pid)
            process.wait()

    def submit(self, *paths: Path, **fields: object) -> list[str]:
        """Upload; the ids of the Tasks."""
        files = [("files", (path.name, path.read_bytes())) for path in paths]
        answer = self.http.post("/transcribe", files=files, data={name: str(value) for name, value in fields.items()})
        assert answer.status_code == 202, answer.text
        return [task["id"] for task in answer.json()["tasks"]]

    def task(self, task_id: str) -> dict[str, Any]:
        """GET /tasks/{id}."""
        answer = self.http.get(f"/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_status(self, task_id: str, *wanted: str, seconds: float = 30) -> dict[str, Any]:
        """Wait until the Task has one of these statuses."""
        seen: dict[str, Any] = {}

        def reached() -> bool:
            with contextlib.suppress(httpx2.TransportError):
                seen.update(self.task(task_id))
            return seen.get("status") in wanted

        wait_for(reached, seconds, lambda: f"{seen.get('status')} instead of {wanted}\n{self.log[-3000:]}")
        return seen

    def finish(self, task_id: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the Task is finished."""
        return self.wait_status(task_id, "completed", "partial", "failed", "cancelled", seconds=seconds)

    def socket(self, path: str) -> ClientConnection:
        """A socket on this server."""
        return connect(f"ws://127.0.0.1:{self.port}{path}", max_size=None)

    def history(self, task_id: str) -> list[dict[str, Any]]:
        """The whole log of a finished Task, over the event stream."""
        with self.http.stream("GET", f"/tasks/{task_id}/events", params={"after": 0}) as answer:
            return [
                event
                for event in stream_events(answer.iter_lines())
                if "seq" in event and event["type"] != "subscribed"
            ]

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", *command],
                env={**os.environ, **self._environment},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return bool(self.http.get("/health").json()["worker"]["status"] in ("running", "none"))
        except httpx2.TransportError:
            return False


def _kill_family(pid: int) -> None:
    """SIGKILL to a process and everything below it, the parent first so that nothing is restarted."""
    for one in [pid, *descendants(pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def stream_events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The events of a `text/event-stream`."""
    for line in lines:
        if line.startswith("data: "):
            yield orjson.loads(line.removeprefix("data: "))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """Every process below one, parents first; a child belongs to the thread that started it."""
    children: list[int] = []
    with contextlib.suppress(*_ENDED):
        for thread in list(Path(f"/proc/{pid}/task").iterdir()):
            with contextlib.suppress(*_ENDED):
                children += map(int, (thread / "children").read_text().split())
    return [one for child in children for one in (child, *descendants(child))]


def is_running(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except _ENDED:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    """Ask again until it holds. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(why())
        time.sleep(0.05)
