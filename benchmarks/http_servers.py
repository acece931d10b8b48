"""Owns the servers that HTTP benchmarks ask: Cesar with one finished Task, and a bare Starlette route that gives the same answer."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

ROOT = Path(__file__).parent.parent

_BARE = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from app.core.config import load_settings
from app.infrastructure.websocket.serving import uvicorn_options

ANSWER = {"identifier": "0" * 36, "status": "completed", "progress_percentage": 100, "progress_stage": "complete",
          "error": None, "seq": 18, "stage_percentage": 100, "eta_seconds": 0.0, "stalled": False, "queue_position": None,
          "message": "", "attempt": 1, "error_code": None}

async def progress(request):
    return JSONResponse(ANSWER)

app = Starlette(routes=[Route("/tasks/{task_id}/progress", progress)])
uvicorn.run(app, port=int(sys.argv[1]), **uvicorn_options(load_settings()))
"""


class HttpServer:
    """A server process on a free port; `path` is what to ask for."""

    path = "/"

    def __init__(self) -> None:
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.process = self._start()
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def _start(self) -> subprocess.Popen[bytes]:
        raise TypeError("one of the servers below is meant")

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.TransportError):
                httpx2.get(f"http://127.0.0.1:{self.port}/", timeout=5)
                return
            time.sleep(0.02)
        raise SystemExit("the server does not answer")


class BareServer(HttpServer):
    """One route that answers with a JSON object of the same size."""

    path = f"/tasks/{'0' * 36}/progress"

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", _BARE, str(self.port)], cwd=ROOT, stderr=subprocess.DEVNULL)


class CesarServer(HttpServer):
    """`cesar serve` with a data folder of its own; a recording of `seconds` of silence has been transcribed."""

    def __init__(self, folder: str, *, seconds: float = 0.2, **settings: str) -> None:
        super().__init__()
        given = {"data_dir": folder, "port": str(self.port), "engine": "pocketsphinx", **settings}
        self.environment = os.environ | {f"CESAR_{name.upper()}": value for name, value in given.items()}
        self._seconds = seconds

    def submit(self, recording: Path) -> str:
        """Upload a recording; its Task's id."""
        answer = httpx2.post(
            f"http://127.0.0.1:{self.port}/transcribe",
            files={"file": (recording.name, recording.read_bytes())},
            timeout=60,
        )
        return str(answer.raise_for_status().json()["tasks"][0]["id"])

    def finish(self, task_id: str) -> None:
        """Wait for a Task's end: one open answer, since asking again and again would take a core from the engine."""
        with httpx2.stream("GET", f"http://127.0.0.1:{self.port}/tasks/{task_id}/events", timeout=None) as answer:
            for _ in answer.iter_bytes():
                pass
        status = httpx2.get(f"http://127.0.0.1:{self.port}/tasks/{task_id}/progress", timeout=10).json()["status"]
        if status != "completed":
            raise RuntimeError(f"the Task ended as {status}")

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _wait(self) -> None:
        super()._wait()
        with tempfile.TemporaryDirectory() as folder:
            recording = Path(folder) / "silence.wav"
            with wave.open(str(recording), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(16_000)
                out.writeframes(bytes(int(16_000 * self._seconds) * 2))
            task_id = self.submit(recording)
        self.finish(task_id)
        self.path = f"/tasks/{task_id}/progress"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
