"""Measures an upload through a real server against `cp` and `sha256sum` of a file of that size, and what it costs in memory.

    python benchmarks/upload.py [--gib 1] [--folder DIR]

The server is uvicorn in a process of its own with one route: receive the form, hash while writing, commit (fsync
included). The client sends one block of random bytes again and again. The baseline copies and hashes a file of the same
size on the same disk, in the same run, and waits for the disk like the server does (`sync FILE`).
"""

import argparse
import asyncio
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.api.multipart import receive_form
from app.domain.errors import CesarError
from app.infrastructure.storage.local import LocalStorage

GIB: Final = 1 << 30
MIB: Final = 1 << 20
BOUNDARY: Final = "benchmark-boundary-7f3a"
HEAD: Final = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="speech.wav"\r\n'
    "Content-Type: audio/wav\r\n\r\n"
).encode()
TAIL: Final = f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run found. `ratio`: throughput of the service divided by that of the baseline; `growth_mib`: peak RSS over idle."""

    size_bytes: int
    service_seconds: float
    cp_seconds: float
    sync_seconds: float
    sha256_seconds: float
    growth_mib: float

    @property
    def ratio(self) -> float:
        """Against `cp`, `sync` and `sha256sum`, one after the other."""
        return (self.cp_seconds + self.sync_seconds + self.sha256_seconds) / self.service_seconds

    @property
    def ratio_without_sync(self) -> float:
        """Against a copy that may still be lost in a power cut."""
        return (self.cp_seconds + self.sha256_seconds) / self.service_seconds


def measure(size_bytes: int, folder: Path) -> Outcome:
    """Upload `size_bytes` to a server that stores below `folder`, then measure the baseline there."""
    block = os.urandom(MIB)
    with _server(folder / "media") as (port, process):
        _post(port, block, 64 * 1024)
        before = _peak_rss_mib(process)
        started = time.perf_counter()
        answer = _post(port, block, size_bytes)
        seconds = time.perf_counter() - started
        growth = _peak_rss_mib(process) - before
    assert b" 200 " in answer.split(b"\r\n", 1)[0], answer
    shutil.rmtree(folder / "media")
    return Outcome(size_bytes, seconds, *_baseline(block, size_bytes, folder), growth)


def _post(port: int, block: bytes, size_bytes: int) -> bytes:
    length = len(HEAD) + size_bytes + len(TAIL)
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        connection.sendall(
            f"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
        )
        connection.sendall(HEAD)
        for start in range(0, size_bytes, MIB):
            connection.sendall(memoryview(block)[: min(MIB, size_bytes - start)])
        connection.sendall(TAIL)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def _baseline(block: bytes, size_bytes: int, folder: Path) -> tuple[float, float, float]:
    source, copy = folder / "source", folder / "copy"
    with source.open("wb") as file:
        for start in range(0, size_bytes, MIB):
            file.write(memoryview(block)[: min(MIB, size_bytes - start)])
        os.fsync(file.fileno())
    programs = (["cp", str(source), str(copy)], ["sync", str(copy)], ["sha256sum", str(copy)])
    cp, sync, sha256 = (_timed(program) for program in programs)
    source.unlink()
    copy.unlink()
    return cp, sync, sha256


def _timed(program: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _peak_rss_mib(process: int) -> float:
    """The highest resident memory so far, in MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell the memory of a process")


@contextmanager
def _server(media: Path) -> Iterator[tuple[int, int]]:
    command = [sys.executable, __file__, "--serve", str(media)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


def _serve(media: Path) -> None:
    storage = LocalStorage(media)

    async def receive(request: Request) -> Response:
        try:
            form = await receive_form(request, storage.receive, max_file_bytes=64 * GIB, max_files=10)
        except CesarError as problem:
            return JSONResponse({"code": problem.code}, problem.entry.http_status)
        stored = [await asyncio.to_thread(file.receiver.commit) for file in form.files]
        return JSONResponse([file.sha256 for file in stored])

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    app = Starlette(routes=[Route("/", receive, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    server.run(sockets=[listener])


def _report(outcome: Outcome) -> None:
    mib = outcome.size_bytes / MIB
    print(f"machine   {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"body      {mib / 1024:.2f} GiB in {outcome.service_seconds:.2f} s = {mib / outcome.service_seconds:.0f} MiB/s"
    )
    print(
        f"baseline  cp {outcome.cp_seconds:.2f} s + sync {outcome.sync_seconds:.2f} s"
        f" + sha256sum {outcome.sha256_seconds:.2f} s"
    )
    print(f"ratio     {outcome.ratio:.2f} (without sync {outcome.ratio_without_sync:.2f}; at least 0.70 is wanted)")
    print(f"memory    +{outcome.growth_mib:.1f} MiB (at most 32 is wanted)")


def main() -> int:
    """Run the benchmark; exit status 1 if a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--gib", type=float, default=1.0, help="size of the body, in GiB")
    parser.add_argument("--folder", type=Path, default=None, help="where to write; default: the temporary folder")
    parser.add_argument("--serve", type=Path, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        _serve(arguments.serve)
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        outcome = measure(int(arguments.gib * GIB), Path(folder))
    _report(outcome)
    return 0 if outcome.ratio >= 0.7 and outcome.growth_mib <= 32 else 1


if __name__ == "__main__":
    raise SystemExit(main())
