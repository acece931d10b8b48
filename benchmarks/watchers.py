"""Owns the cheap watchers of the socket benchmarks: a process that reads many sockets without decoding what it reads.

`python -m benchmarks.watchers PORT PATH COUNT KEEP [COMMAND…]` connects, prints `ready`, reads until its input is closed
and nothing more comes, and prints what it saw as one JSON object.
"""

import json
import os
import re
import selectors
import socket
import subprocess
import sys
import time
from typing import Any, Final

TOKEN: Final = b'"seq":'
_SEQ: Final = re.compile(
    rb'"type":"(?!subscribed)[a-z_]+","task_id":"([^"]+)"[^{}]*?"seq":(\d+)(?:[^{}]*?"skipped":(\d+))?[^{}]*}'
)


class Watcher:
    """One socket: counts events by a token and notes when which numbers came."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        request = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"]
        request += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        self.socket.sendall("\r\n".join(request).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        if b" 101 " not in head:
            raise ConnectionError(head.decode())
        self.events = 0
        self.marks: list[tuple[float, bytes]] = []
        self._carry = b""

    def say(self, command: bytes) -> None:
        """Send a command of less than 126 bytes, masked with zeros."""
        self.socket.sendall(bytes([0x81, 0x80 | len(command), 0, 0, 0, 0]) + command)

    def read(self, *, keep: bool) -> bool:
        """Take what has come; False when the server hung up. With `keep` the bytes are kept with their time."""
        data = self.socket.recv(262144)
        if keep:
            self.marks.append((time.monotonic(), data))
        seen = self._carry + data
        self.events += seen.count(TOKEN)
        self._carry = seen[-len(TOKEN) + 1 :]
        return bool(data)


def main(port: int, path: str, count: int, keep: bool, commands: list[str]) -> None:
    """Watch until told to stop."""
    watchers = [Watcher(port, path) for _ in range(count)]
    selector = selectors.DefaultSelector()
    for watcher in watchers:
        for command in commands:
            watcher.say(command.encode())
        watcher.socket.setblocking(False)
        selector.register(watcher.socket, selectors.EVENT_READ, watcher)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    _read_on(selector, keep)
    times = os.times()
    report = {"events": [watcher.events for watcher in watchers], "cpu": times.user + times.system}
    if keep:
        report["arrivals"] = [_arrivals(watcher) for watcher in watchers]
    sys.stdout.write(json.dumps(report) + "\n")


def _read_on(selector: selectors.BaseSelector, keep: bool) -> None:
    """Look every millisecond instead of sleeping until something comes.

    Otherwise each write of the server would pay for waking this process, or not, depending on how busy it is: a cost
    that watchers on other machines do not have, and the largest part of the noise.
    """
    quiet_since: float | None = None
    while quiet_since is None or time.monotonic() - quiet_since < 1.0:
        for key, _ in selector.select(0):
            if key.data is None:
                selector.unregister(key.fileobj)
                quiet_since = time.monotonic()
                continue
            if not key.data.read(keep=keep):
                selector.unregister(key.fileobj)
            if quiet_since is not None:
                quiet_since = time.monotonic()  # what is under way still arrives
        time.sleep(0.001)


def _arrivals(watcher: Watcher) -> list[list[Any]]:
    """[time, task, number, left out before it] of every event, in the order in which they came."""
    found: list[list[Any]] = []
    rest = b""
    for moment, data in watcher.marks:
        text = rest + data
        last = 0
        for match in _SEQ.finditer(text):
            found.append([moment, match[1].decode(), int(match[2]), int(match[3] or 0)])
            last = match.end()
        rest = text[last:][-4096:]
    return found


class Watchers:
    """A process of watchers, seen from the benchmark."""

    def __init__(
        self, port: int, path: str, count: int, *, commands: list[str] | None = None, keep: bool = False
    ) -> None:
        arguments = [str(port), path, str(count), "keep" if keep else "", *(commands or [])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.watchers", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the watchers could not connect")

    def report(self) -> dict[str, Any]:
        """End the watchers; what they saw."""
        out, _ = self._process.communicate("\n")
        report: dict[str, Any] = json.loads(out)
        return report


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "keep", sys.argv[5:])
