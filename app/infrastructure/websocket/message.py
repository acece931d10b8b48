"""Owns one outgoing message: encoded once, framed once, shared by every connection that gets it."""

from app.domain.events import StoredEvent
from app.infrastructure.websocket.codec import array_of, text_frame, with_skipped


class Message:
    """What goes out. Frames are made when the first connection asks and kept for the others.

    `seq` is None for what is not numbered (answers, heartbeats). `conflates` marks progress of one Task:
    a newer one makes it superfluous. `final` ends a socket that watches this one Task. A `is_heartbeat` says nothing
    and may be written in whatever way says nothing.
    """

    __slots__ = ("_frames", "conflates", "final", "is_heartbeat", "payload", "seq", "task_id")

    def __init__(
        self,
        payload: bytes,
        *,
        task_id: str | None = None,
        seq: int | None = None,
        conflates: bool = False,
        final: bool = False,
        is_heartbeat: bool = False,
    ) -> None:
        self.payload = payload
        self.task_id = task_id
        self.seq = seq
        self.conflates = conflates
        self.final = final
        self.is_heartbeat = is_heartbeat
        self._frames: dict[int, bytes] = {}

    @classmethod
    def of(cls, event: StoredEvent, *, conflates: bool = True) -> "Message":
        """The message of a numbered event; `conflates=False` keeps it even if it is progress."""
        return cls(
            event.payload,
            task_id=event.task_id,
            seq=event.seq,
            conflates=conflates and event.type == "progress",
            final=event.final,
        )

    def text(self, skipped: int) -> bytes:
        """The JSON object as UTF-8."""
        return with_skipped(self.payload, skipped)

    def frame(self, skipped: int) -> bytes:
        """A complete text frame that holds this message alone."""
        frame = self._frames.get(skipped)
        if frame is None:
            frame = self._frames[skipped] = text_frame(self.text(skipped))
        return frame


Item = tuple[Message, int]
"""A message and how many events just before it were left out."""


class Bundle:
    """Messages that leave together in one frame.

    Connections where the same messages wait share one bundle: each `plus` leads to the bundle that is one
    message longer, made once. So a batch is joined and framed once, however many connections get it.
    """

    __slots__ = ("_frame", "_longer", "items")

    def __init__(self, items: tuple[Item, ...] = ()) -> None:
        self.items = items
        self._longer: dict[Item, Bundle] = {}
        self._frame: bytes | None = None

    def plus(self, message: Message, skipped: int) -> "Bundle":
        """This bundle and one more message."""
        item = (message, skipped)
        longer = self._longer.get(item)
        if longer is None:
            longer = self._longer[item] = Bundle((*self.items, item))
        return longer

    def frame(self) -> bytes:
        """A complete text frame that holds a JSON array of the messages."""
        if self._frame is None:
            self._frame = text_frame(array_text(self.items))
        return self._frame


def array_text(items: tuple[Item, ...] | list[Item]) -> bytes:
    """A JSON array of the messages, as UTF-8."""
    return array_of(message.text(skipped) for message, skipped in items)
