"""How light the web process is: how soon it answers, what it imports, how late its event loop gets while the worker transcribes.

The baselines are `python -c "import fastapi, uvicorn"` for the start and the same loop with an idle worker for the lag.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from statistics import median

import httpx2

from benchmarks.http_servers import ROOT, CesarServer
from benchmarks.machine import describe_machine

STARTS = 5
READY_SECONDS = 1.5
LAG_MILLISECONDS = 20.0
RECORDING = ROOT / "tests" / "fixtures" / "audio" / "jfk.flac"


def baseline_seconds() -> float:
    """What importing the framework alone takes."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import fastapi, uvicorn, sqlmodel"], check=True)
    return time.perf_counter() - begun


def ready_seconds(folder: str) -> float:
    """From the start of the process to its first answer, on a database that exists already."""
    with tempfile.TemporaryFile() as log:
        server = CesarServer(folder, embedded_worker="false")
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"], cwd=ROOT, env=server.environment, stdout=log, stderr=log
        )
        try:
            while True:
                try:
                    httpx2.get(f"http://127.0.0.1:{server.port}/health/live", timeout=5, verify=False)
                    return time.perf_counter() - begun
                except httpx2.TransportError:
                    time.sleep(0.005)
        finally:
            process.terminate()
            process.wait(30)


def imports_torch() -> bool:
    """Whether importing the server brings an engine's libraries along."""
    program = (
        "import app.main, sys; print(any(name in sys.modules for name in ('torch', 'whisperx', 'pyannote', 'av')))"
    )
    return (
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True).stdout != b"False\n"
    )


def lag_p99(server: CesarServer, busy: bool) -> float:
    """99th percentile, in milliseconds, of how late the server answers a request that costs its loop nothing."""
    stop = threading.Event()
    work = threading.Thread(target=_keep_busy, args=(server, stop)) if busy else None
    if work is not None:
        work.start()
        time.sleep(1)
    try:
        return asyncio.run(_measure(server.port))
    finally:
        stop.set()
        if work is not None:
            work.join()


def _keep_busy(server: CesarServer, stop: threading.Event) -> None:
    while not stop.is_set():
        server.finish(server.submit(RECORDING))


async def _measure(port: int) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    for _ in range(600):
        begun = time.perf_counter()
        writer.write(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        took.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.01)
    writer.close()
    return sorted(took)[int(len(took) * 0.99)]


def main() -> int:
    """Print the figures; 1 if a promise is not kept."""
    print(describe_machine("fastapi", "uvicorn"))
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        with CesarServer(folder) as server:
            quiet, busy = lag_p99(server, busy=False), lag_p99(server, busy=True)
        starts = [(baseline_seconds(), ready_seconds(folder)) for _ in range(STARTS)]
    ready, framework = median(ours for _, ours in starts), median(theirs for theirs, _ in starts)
    torch = imports_torch()
    print(f"importing the framework alone: {framework:.2f} s (baseline)")
    print(f"first answer after {ready:.2f} s, ratio {ready / framework:.2f} (promised: < {READY_SECONDS} s)")
    print(f"imports an engine's libraries: {'yes' if torch else 'no'} (promised: no)")
    print(f"p99 of a request that costs nothing, worker idle: {quiet:.1f} ms (baseline)")
    print(
        f"the same while the worker transcribes: {busy:.1f} ms, ratio {busy / quiet:.1f} (promised: < {LAG_MILLISECONDS:.0f} ms)"
    )
    return 0 if ready < READY_SECONDS and not torch and busy < LAG_MILLISECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
