"""Owns the running server of these tests, its Tasks, and clients that read what it says."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from app.domain.events import SegmentEvent, WarningEvent
from app.infrastructure.database.event_log import SqlEventLog
from tests.integration.sockets.raw_peer import RawPeer
from tests.integration.sockets.some_tasks import SomeTasks, open_database

ROOT = Path(__file__).parents[3]


def warning(text: str = "w") -> WarningEvent:
    """An event that never gives way to another."""
    return WarningEvent("option_ignored", text)


def long_segment(size: int) -> SegmentEvent:
    """An event of about `size` bytes."""
    return SegmentEvent(0, 0.0, 1.0, "x" * size)


class RunningServer:
    """`socket_server.py` as a process, with the lines it logged so far."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        environment = (
            os.environ | {"PYTHONPATH": str(ROOT)} | {f"CESAR_{k.upper()}": str(v) for k, v in settings.items()}
        )
        program = [sys.executable, str(Path(__file__).with_name("socket_server.py")), str(folder)]
        self.process = subprocess.Popen(
            program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.log: list[str] = []
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline() or self._fail())
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """It accepts connections before it has made the sockets of its own that `sockets_open` counts."""
        asking = HTTPConnection("127.0.0.1", self.port, timeout=20)
        asking.request("GET", "/health", headers={"Connection": "close"})
        assert asking.getresponse().read()
        asking.close()
        time.sleep(0.1)

    def _fail(self) -> str:
        assert self.process.stderr is not None
        raise AssertionError(self.process.stderr.read())

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def url(self, path: str) -> str:
        """A socket's address."""
        return f"ws://127.0.0.1:{self.port}{path}"

    def sockets_open(self) -> int:
        """How many TCP sockets the process holds, its listener left out."""
        count = 0
        for opened in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed between the listing and the look
                count += str(opened.readlink()).startswith("socket:")
        return count - 1

    def stop(self) -> None:
        """End the process and collect what it still logs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


class Client:
    """A socket that collects what it hears."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []

    async def hear(self, seconds: float = 10) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = orjson.loads(await asyncio.wait_for(self.connection.recv(), seconds))
        self.heard.append(message)
        return message

    async def hear_until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 20) -> list[dict[str, Any]]:
        """All messages up to and with the first that is wanted."""
        before = len(self.heard)
        while not wanted(await self.hear(seconds)):
            pass
        return self.heard[before:]

    async def hear_all(self, seconds: float = 30) -> list[dict[str, Any]]:
        """All messages until the server closes the socket."""
        await asyncio.wait_for(self._hear_on(), seconds)
        return self.heard

    async def say(self, **command: Any) -> None:
        """Send a command."""
        await self.connection.send(orjson.dumps(command).decode())

    async def _hear_on(self) -> None:
        with suppress(ConnectionClosedError):
            async for text in self.connection:
                self.heard.append(orjson.loads(text))


class World:
    """The database, the Tasks in it, and the server that reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = open_database(folder)
        self.log = SqlEventLog(self.database)
        self.tasks = SomeTasks(self.database, self.log)
        self.server: RunningServer

    def start(self, **settings: Any) -> RunningServer:
        """Start the server, or another one in its place."""
        self.server = RunningServer(self.folder, **settings)
        return self.server

    @asynccontextmanager
    async def connect(self, path: str, **options: Any) -> AsyncIterator[Client]:
        """A client."""
        async with connect(self.server.url(path), compression=None, proxy=None, **options) as connection:
            yield Client(connection)

    def close(self) -> None:
        """Stop everything."""
        self.server.stop()
        self.database.close()


Dial = Callable[..., RawPeer]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Connects raw peers to a port; all are hung up afterwards."""
    peers: list[RawPeer] = []

    def connect_to(port: int, **options: Any) -> RawPeer:
        peers.append(RawPeer(port, **options))
        return peers[-1]

    yield connect_to
    for peer in peers:
        peer.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A running server with the default settings."""
    world = World(tmp_path)
    world.start()
    yield world
    world.close()


@pytest.fixture
def start_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Starts a server with settings of the test's own."""
    world = World(tmp_path)

    def start(**settings: Any) -> World:
        world.start(**settings)
        return world

    yield start
    world.close()


def until(condition: Callable[[], bool], seconds: float = 15) -> bool:
    """Wait for something outside this process."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
