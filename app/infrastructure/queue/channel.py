"""Owns the wire between a server process and its worker: hints of one line, either way, that may be lost.

Down go `wake` (something changed: look at the queue and at your lease) and nothing else; up go the public ids of
Tasks whose log grew, and `beat` once a second. The database is the truth, so a full buffer just drops the hint.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

WAKE = "wake"
BEAT = "beat"

REPLACE_ME = 75
"""Exit status of a worker that gives itself up because native code in it cannot be stopped; no sign of trouble."""


class HintSender:
    """Sends hints from any thread without ever waiting. As an announcer it tells the server whose log grew."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.setblocking(False)

    def announce(self, task_id: str) -> None:
        """Tell that the log of this Task grew."""
        self.send(task_id)

    async def send_to_task(self, task_id: str, message: dict[str, Any]) -> None:
        """A message outside the log does not travel between processes."""

    def send(self, hint: str) -> None:
        """Send one line, or drop it when nobody reads."""
        try:
            self._socket.send(f"{hint}\n".encode())
        except OSError:
            return


async def read_hints(sock: socket.socket, heard: Callable[[str], None]) -> None:
    """Call `heard` with every hint until the other side is gone."""
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        while line := await reader.readline():
            heard(line.decode().strip())
    except ConnectionError:
        return
    finally:
        writer.close()


class NoAnnouncer:
    """Announces to nobody: for a process without sockets and without a server. Watchers find the log grown by themselves."""

    def announce(self, task_id: str) -> None:
        """Nobody to tell."""

    async def send_to_task(self, task_id: str, message: dict[str, Any]) -> None:
        """Nobody to tell."""
