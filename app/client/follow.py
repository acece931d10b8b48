"""Owns following Tasks on a server: one socket for all of them, resumed where it broke, and polling while there is none."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from app.client.service import GONE, Event, Unreachable
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED

PATIENCE_SECONDS: Final = 60.0
"""How long a server may be away before the command gives up waiting; the Tasks do not mind."""

_SILENCE_SECONDS: Final = 15.0
"""A socket that says nothing for so long is checked by a poll, which also notices a Task that was deleted."""

_SHORTEST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 2.0
_REFUSALS_BELIEVED: Final = 3
"""After so many refused handshakes in a row, sockets are taken to be blocked, and only polling is left."""


class Polled(Protocol):
    """The polling side of a server."""

    def progress(self, task_id: str) -> dict[str, Any]:
        """The body of `GET /tasks/{id}/progress`, in one try. Raises `CesarError`; OSError when nobody answers."""


class Follower:
    """Follows some Tasks to their end. What was seen is remembered, so that a new socket goes on where the old one broke."""

    def __init__(self, url: str, polled: Polled, *, proxy: bool) -> None:
        self._url = url
        self._polled = polled
        self._proxy = proxy
        self._after: dict[str, int] = {}
        self._epochs: dict[str, str | None] = {}
        self._unfinished: list[str] = []
        self._heard = time.monotonic()
        self._refusals = 0

    def follow(self, task_ids: Sequence[str]) -> Iterator[Event]:
        """Events until all are finished. Raises `Unreachable` after `PATIENCE_SECONDS` without an answer."""
        self._unfinished = list(task_ids)
        self._heard = time.monotonic()
        pause = _SHORTEST_PAUSE
        while self._unfinished:
            before = self._heard
            yield from self._listen()
            yield from self._poll()
            if not self._unfinished:
                return
            pause = _SHORTEST_PAUSE if self._heard > before else min(_LONGEST_PAUSE, pause * 2)
            if time.monotonic() - self._heard > PATIENCE_SECONDS:
                raise Unreachable
            time.sleep(pause)

    def _listen(self) -> Iterator[Event]:
        """Events over a socket until it breaks."""
        if self._refusals >= _REFUSALS_BELIEVED:
            return
        try:
            with connect(
                self._url, max_size=None, open_timeout=5, close_timeout=1, proxy=True if self._proxy else None
            ) as socket:
                self._refusals = 0
                self._subscribe(socket)
                while self._unfinished:
                    yield from self._next(socket)
        except (InvalidHandshake, TimeoutError):
            self._refusals += 1
        except (OSError, WebSocketException):
            return

    def _subscribe(self, socket: ClientConnection) -> None:
        for task_id in self._unfinished:
            command: dict[str, Any] = {"type": "subscribe", "task_id": task_id}
            if task_id in self._epochs and task_id in self._after:
                command |= {"after": self._after[task_id], "epoch": self._epochs[task_id]}
            socket.send(json.dumps(command))

    def _next(self, socket: ClientConnection) -> Iterator[Event]:
        try:
            message = json.loads(socket.recv(timeout=_SILENCE_SECONDS))
        except TimeoutError:
            yield from self._poll()
            return
        self._heard = time.monotonic()
        yield from self._take(message)

    def _take(self, message: dict[str, Any]) -> Iterator[Event]:
        task_id = message.get("task_id")
        if task_id not in self._unfinished:
            return
        if message["type"] == "subscribed":
            self._epochs[task_id] = message["epoch"]
        elif message.get("error_code") == "task_not_found":
            yield self._gone(task_id)
        else:
            self._after[task_id] = max(self._after.get(task_id, 0), message.get("seq", 0))
            self._note_end(message)
            yield message

    def _poll(self) -> Iterator[Event]:
        for task_id in list(self._unfinished):
            try:
                body = self._polled.progress(task_id)
            except OSError:
                self._refusals = 0  # it is the server that is away, not its sockets that are blocked
                return
            except CesarError as problem:
                if problem.code != "task_not_found":
                    return
                yield self._gone(task_id)
                continue
            self._heard = time.monotonic()
            self._after[task_id] = max(self._after.get(task_id, 0), body["seq"])
            yield from self._events_of(task_id, body)

    def _events_of(self, task_id: str, body: dict[str, Any]) -> Iterator[Event]:
        """What a polled body says, as the events that would have said it."""
        yield {
            "type": "progress",
            "task_id": task_id,
            "stage": body["progress_stage"] or "queued",
            "percentage": body["progress_percentage"],
            **{name: body.get(name) for name in ("message", "eta_seconds", "stalled")},
        }
        status = {
            "type": "status",
            "task_id": task_id,
            "status": body["status"],
            "queue_position": body["queue_position"],
        }
        self._note_end(status)
        yield status

    def _note_end(self, event: Event) -> None:
        if event["type"] == "status" and event["status"] in FINISHED:
            self._unfinished.remove(event["task_id"])

    def _gone(self, task_id: str) -> Event:
        self._unfinished.remove(task_id)
        return {"type": GONE, "task_id": task_id}
