"""How many polls a server answers per second, against a bare Starlette JSON route in the same run.

The same uvicorn options, the same load: some keep-alive connections that ask again as soon as they have their answer. Rounds
alternate between the two, so that a machine whose speed drifts is fair to both.
"""

import asyncio
import sys
import tempfile
import time
from statistics import median

from benchmarks.http_servers import BareServer, CesarServer, HttpServer
from benchmarks.machine import describe_machine

CONNECTIONS = 16
ROUNDS = 7
SECONDS = 1.5
TARGET = 0.7


async def requests_per_second(server: HttpServer) -> float:
    """Ask over and over on some connections."""
    until = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(_ask(server, until) for _ in range(CONNECTIONS)))
    return sum(counts) / SECONDS


async def _ask(server: HttpServer, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    request = f"GET {server.path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
    answered = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        answered += 1
    writer.close()
    return answered


def main() -> int:
    """Print both rates and their ratio; 1 if the promise is not kept."""
    print(describe_machine("starlette", "uvicorn"))
    with tempfile.TemporaryDirectory() as folder, BareServer() as bare, CesarServer(folder) as cesar:
        rates = [
            (asyncio.run(requests_per_second(bare)), asyncio.run(requests_per_second(cesar))) for _ in range(ROUNDS)
        ]
    ratio = median(ours / theirs for theirs, ours in rates)
    print(f"bare Starlette JSON route: {median(theirs for theirs, _ in rates):.0f} requests/s (baseline)")
    print(f"GET /tasks/{{id}}/progress: {median(ours for _, ours in rates):.0f} requests/s")
    print(f"ratio {ratio:.2f} (promised: ≥ {TARGET})")
    return 0 if ratio >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
