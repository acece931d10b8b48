"""Owns a double of a socket that takes ready-made frames: it reads them back, and can be told not to read."""

from collections.abc import Callable
from typing import Any

import orjson
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader


class Receiver:
    """`FrameChannel` of a peer. `capacity_bytes` is what fits into its buffers before it reads."""

    def __init__(self, capacity_bytes: int = 1 << 30) -> None:
        self.capacity_bytes = capacity_bytes
        self.aborted = False
        self.frames: list[bytes] = []
        self._events: list[dict[str, Any]] = []
        self._unread = 0
        self._tell_ready: Callable[[], None] = lambda: None

    @property
    def frames_ready(self) -> bool:
        """Whether the buffers have room."""
        return self._unread < self.capacity_bytes

    def write_frame(self, frame: bytes) -> None:
        """Take a frame."""
        self.frames.append(frame)
        message = orjson.loads(_text_of(frame))
        self._events += message if isinstance(message, list) else [message]
        self._unread += len(frame)

    def on_frames_ready(self, callback: Callable[[], None]) -> None:
        """Remember whom to tell."""
        self._tell_ready = callback

    def abort(self) -> None:
        """The connection was cut."""
        self.aborted = True

    def read_on(self) -> None:
        """Read what is in the buffers, until nothing more comes."""
        while self._unread >= self.capacity_bytes:
            self._unread = 0
            self._tell_ready()

    def events(self) -> list[dict[str, Any]]:
        """All messages in order, those of batches one by one."""
        return self._events

    def numbers(self) -> list[int]:
        """The numbers of the events, without answers and complaints."""
        return [event["seq"] for event in self.events() if event["type"] not in ("subscribed", "error")]


def _text_of(data: bytes) -> bytes:
    stream = StreamReader()
    stream.feed_data(data)
    parser = Frame.parse(stream.read_exact, mask=False)
    try:
        while True:
            next(parser)
    except StopIteration as parsed:
        frame: Frame = parsed.value
    assert frame.opcode is Opcode.TEXT
    assert frame.fin
    return bytes(frame.data)
