"""Owns what waits for one slow connection: bounded in bytes, with older progress giving way to newer."""

from collections import deque
from typing import Final

from app.infrastructure.websocket.message import Item, Message

CONFLATE_ABOVE_BYTES: Final = 8192
"""Up to here a watcher is not slow, it only has not had its turn yet: everything is kept."""


class _Waiting:
    __slots__ = ("message", "skipped")

    def __init__(self, message: Message, skipped: int) -> None:
        self.message = message
        self.skipped = skipped


class Outbox:
    """A queue of messages. Only progress is ever left out, and only for newer progress that would come right after it."""

    __slots__ = ("_last", "_limit", "_queue", "size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._queue: deque[_Waiting] = deque()
        self._last: dict[str, _Waiting] = {}
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Whether no more than half of the limit waits."""
        return self.size_bytes * 2 <= self._limit

    def add(self, message: Message, skipped: int) -> bool:
        """Let a message wait; False if more than the limit is waiting already.

        One message may exceed the limit (a long transcript must fit through); a second one behind it may not.
        """
        if self._replace(message, skipped):
            return True
        if self.size_bytes > self._limit:
            return False
        waiting = _Waiting(message, skipped)
        self._queue.append(waiting)
        self.size_bytes += len(message.payload)
        if message.task_id is not None and message.seq is not None:
            self._last[message.task_id] = waiting
        return True

    def take(self) -> Item:
        """The oldest message. Raises `IndexError` if nothing waits."""
        waiting = self._queue.popleft()
        message = waiting.message
        self.size_bytes -= len(message.payload)
        if message.task_id is not None and self._last.get(message.task_id) is waiting:
            del self._last[message.task_id]
        return message, waiting.skipped

    def take_all(self) -> list[Item]:
        """Everything that waits, oldest first."""
        return [self.take() for _ in range(len(self._queue))]

    def clear(self) -> dict[str, int]:
        """Forget everything; the lowest number per Task that was left unsent."""
        unsent: dict[str, int] = {}
        for message, skipped in self.take_all():
            if message.task_id is not None and message.seq is not None:
                unsent.setdefault(message.task_id, message.seq - skipped)
        return unsent

    def _replace(self, message: Message, skipped: int) -> bool:
        if not message.conflates or message.task_id is None or self.size_bytes < CONFLATE_ABOVE_BYTES:
            return False
        older = self._last.get(message.task_id)
        if older is None or not older.message.conflates:
            return False
        self.size_bytes += len(message.payload) - len(older.message.payload)
        older.message, older.skipped = message, older.skipped + 1 + skipped
        return True
