"""Owns the two servers that the socket benchmarks compare, each in a process of its own: Cesar's sockets, and a plain loop.

`python -m benchmarks.socket_servers cesar|plain FOLDER PIPE` prints its port and takes jobs from its input, one JSON object a
line: `{"do": "emit" | "send" | "call", …}`; each is answered with one line. Task ids that arrive on the file descriptor PIPE are
announced to the sockets, as those of a worker process are.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import TimeoutError as NotDone
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.api.socket_api import socket_routes
from app.core.config import Settings
from app.infrastructure.database.engine import Database
from app.infrastructure.database.event_log import SqlEventLog
from app.infrastructure.database.migrate import upgrade
from app.infrastructure.database.store import SqlStore
from app.infrastructure.websocket import connection_manager, progress_emitter
from app.infrastructure.websocket.serving import listening_socket, uvicorn_options
from app.models import File, Job
from benchmarks.emissions import Pace, emit_steadily

Report = dict[str, Any]


class CesarServer:
    """Cesar's sockets on a real database with some Tasks, and threads that emit about them."""

    def __init__(self, folder: Path) -> None:
        self._settings = Settings(data_dir=folder)
        self._database = Database(self._settings.resolved_database_url)
        upgrade(self._database, folder)
        self.tasks = self._add_tasks(8)

    def options(self) -> dict[str, Any]:
        """How uvicorn runs it."""
        return uvicorn_options(self._settings)

    def application(self) -> Starlette:
        """The application."""

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
            log = SqlEventLog(self._database)
            connection_manager.attach(log, None, self._settings)
            connection_manager.start(asyncio.get_running_loop())
            progress_emitter.attach(log)
            yield {"sockets": connection_manager}
            await connection_manager.stop(1)

        return Starlette(routes=socket_routes, lifespan=lifespan)

    def emit(self, kind: str, rate: float, seconds: float) -> Report:
        """Emit from one thread for each Task, inside the server."""
        emissions = emit_steadily(progress_emitter, self.tasks, Pace(kind, rate, seconds))
        return {"calls": emissions.calls}

    def _add_tasks(self, count: int) -> list[str]:
        with SqlStore(self._database, connection_manager).write() as tx:
            files = [tx.files.add(File(original_filename="a", original_path="a")) for _ in range(count)]
            return [task.uuid for task in tx.jobs.add(Job(), files).tasks]


class PlainServer:
    """What anybody would write first: a set of sockets, and a loop that sends to each."""

    def __init__(self) -> None:
        self._watchers: set[WebSocket] = set()
        self._loop: asyncio.AbstractEventLoop
        self.tasks = ["plain"]

    def options(self) -> dict[str, Any]:
        """uvicorn as it comes."""
        return {"log_level": "error"}

    def application(self) -> Starlette:
        """The application."""
        return Starlette(routes=[WebSocketRoute("/ws/tasks/{task_id}", self._watch)])

    async def _watch(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self._loop = asyncio.get_running_loop()
        self._watchers.add(websocket)
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            self._watchers.discard(websocket)

    def send(self, rate: float, seconds: float, size: int) -> Report:
        """Send `rate` events per second to all."""
        return asyncio.run_coroutine_threadsafe(self._send(rate, seconds, size), self._loop).result()

    def call(self, count: int, size: int, timeout: float) -> Report:
        """Send from a thread and wait for it, as a pipeline would that knows nothing better; how long each call took."""
        calls: list[float] = []
        text = json.dumps({"message": "x" * size})
        while len(calls) < count and (not calls or calls[-1] < timeout):
            before = time.perf_counter()
            future = asyncio.run_coroutine_threadsafe(self._to_all(text), self._loop)
            try:
                future.result(timeout)
            except NotDone:
                future.cancel()
            calls.append(time.perf_counter() - before)
        return {"calls": calls}

    async def _send(self, rate: float, seconds: float, size: int) -> Report:
        start = time.monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
            await self._to_all(json.dumps({"type": "status", "seq": number, "message": "x" * size}))
        return {}

    async def _to_all(self, text: str) -> None:
        for watcher in list(self._watchers):
            await watcher.send_text(text)


def main(kind: str, folder: Path, pipe: int) -> None:
    """Serve, and do the jobs that come in."""
    server: CesarServer | PlainServer = CesarServer(folder) if kind == "cesar" else PlainServer()
    listener = listening_socket("127.0.0.1", 0)
    host = uvicorn.Server(uvicorn.Config(server.application(), **server.options()))
    sys.stdout.write(json.dumps({"port": listener.getsockname()[1], "tasks": server.tasks}) + "\n")
    sys.stdout.flush()
    threading.Thread(target=_work, args=(server,), daemon=True).start()
    threading.Thread(target=_announce, args=(pipe,), daemon=True).start()
    host.run(sockets=[listener])


def _work(server: CesarServer | PlainServer) -> None:
    for line in sys.stdin:
        job = json.loads(line)
        work: Callable[..., Report] = getattr(server, job.pop("do"))
        sys.stdout.write(json.dumps(work(**job)) + "\n")
        sys.stdout.flush()


def _announce(pipe: int) -> None:
    with open(pipe) as announcements:
        for line in announcements:
            connection_manager.announce(line.strip())


class ServerProcess:
    """A server, seen from the benchmark. `pipe` is where a worker writes its announcements."""

    def __init__(self, kind: str, folder: str) -> None:
        reading, self.pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.socket_servers", kind, folder, str(reading)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[reading],
        )
        os.close(reading)
        hello = self._read()
        self.port: int = hello["port"]
        self.tasks: list[str] = hello["tasks"]

    def do(self, job: str, **arguments: Any) -> Report:
        """Have a job done; what it reports."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": job, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def cpu_seconds(self) -> float:
        """Processor time the server has used so far, in user space and in the kernel."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End the server."""
        os.close(self.pipe)
        self._process.kill()
        self._process.communicate()

    def _read(self) -> Report:
        assert self._process.stdout is not None
        report: Report = json.loads(self._process.stdout.readline())
        return report


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
