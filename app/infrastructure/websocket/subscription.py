"""Owns one connection's view of one Task: which numbers it has seen, and what is held back while it catches up."""

from typing import TYPE_CHECKING, Final

from app.infrastructure.websocket.close_codes import DONE
from app.infrastructure.websocket.message import Message

if TYPE_CHECKING:
    from app.infrastructure.websocket.connection import Connection

HELD_MESSAGES: Final = 1000
"""More than this many live messages during one catching up are read from the log again instead of being kept."""


class Subscription:
    """The numbers of one Task as one connection sees them: none missing, none twice.

    It is registered first, reads the history or a snapshot while live messages are `held`, and then goes on with those
    that are newer. `seq` is the last number sent (None: begin with whatever comes). `adopted` says that the connection
    watches all Tasks and never asked for this one.
    """

    __slots__ = ("_held", "adopted", "connection", "epoch", "overrun", "seq", "task_id")

    def __init__(self, connection: "Connection", task_id: str, *, adopted: bool = False) -> None:
        self.connection = connection
        self.task_id = task_id
        self.adopted = adopted
        self.epoch: str | None = None
        self.seq: int | None = None
        self.overrun = False
        self._held: list[Message] | None = None

    @property
    def is_live(self) -> bool:
        """Whether messages pass through instead of being held back."""
        return self._held is None

    def hold(self) -> None:
        """From now on keep live messages; those kept before are in the log, which is read after this."""
        self._held = []
        self.overrun = False

    def release(self) -> None:
        """Send what was held and is newer than what was sent meanwhile; from now on messages pass through."""
        held, self._held = self._held or [], None
        for message in held:
            self.offer(message)

    def offer(self, message: Message) -> None:
        """A message of this Task, in the order of its numbers."""
        if self._held is not None:
            self._keep(self._held, message)
            return
        if message.seq is None:
            self.connection.send(message)
            return
        before = self.seq if self.seq is not None else message.seq - 1
        if message.seq <= before:
            return
        self.seq = message.seq
        # Numbers that are jumped over are progress that gave way to newer: the hub passes on everything else.
        self.connection.send(message, message.seq - before - 1)
        if message.final and self.connection.ends_with_task:
            self.connection.end(DONE)

    def _keep(self, held: list[Message], message: Message) -> None:
        if len(held) >= HELD_MESSAGES:
            held.clear()
            self.overrun = True
        held.append(message)
