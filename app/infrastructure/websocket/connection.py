"""Owns one connection: what was sent, what waits, and how it ends. It never makes anybody else wait."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from app.infrastructure.websocket.close_codes import SLOW_CONSUMER, CloseCode
from app.infrastructure.websocket.message import Bundle, Item, Message
from app.infrastructure.websocket.outbox import Outbox
from app.schemas.socket import Problem

if TYPE_CHECKING:
    from app.infrastructure.websocket.batcher import Batcher
    from app.infrastructure.websocket.protocol import FrameChannel
    from app.infrastructure.websocket.subscription import Subscription

DRAIN_SECONDS: Final = 60.0
"""How long a connection that ends in good order may take to read what still waits for it, if it reads at all."""

SLOW_DRAIN_SECONDS: Final = 3.0
"""The same for one that was too slow already."""

CLOSE_SECONDS: Final = 5.0
"""How long the closing handshake may take."""

HangUp = Callable[[CloseCode], Awaitable[None]]
"""Says goodbye to the peer with a code; called when nothing waits any more. Needed with `frames` only."""


class Connection:
    """One socket or event stream. To be used from its event loop.

    With `frames` (a `FrameChannel`) a message is written the moment it is sent, unless something waits already. Without,
    somebody must keep calling `take` and pass on what it returns. `batcher` lets messages wait for a common frame.
    `ends_with_task`: the connection watches one Task and is done when that is.
    """

    # Fanning out touches every connection once per event: slots keep that to few cache lines.
    __slots__ = (
        "_batcher",
        "_bundle",
        "_ending",
        "_frames",
        "_hang_up",
        "_moved",
        "_outbox",
        "_patience",
        "_queued",
        "batched",
        "closing",
        "ends_with_task",
        "quiet_ticks",
        "subscriptions",
    )

    def __init__(
        self,
        outbox_bytes: int,
        *,
        frames: "FrameChannel | None" = None,
        batcher: "Batcher | None" = None,
        hang_up: HangUp | None = None,
        ends_with_task: bool = False,
    ) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.ends_with_task = ends_with_task
        self.closing: CloseCode | None = None
        self.quiet_ticks = 0
        self.batched = batcher is not None
        self._outbox = Outbox(outbox_bytes)
        self._queued = False
        self._frames = frames
        self._batcher = batcher
        self._bundle: Bundle | None = None
        self._hang_up = hang_up
        self._moved = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._patience = DRAIN_SECONDS
        if frames is not None:
            frames.on_frames_ready(partial(self._drain, frames))

    def send(self, message: Message, skipped: int = 0) -> None:
        """Hand over a message without waiting; `skipped` events just before it were left out."""
        if self.closing is not None:
            return
        self.quiet_ticks = 0
        if self._batcher is not None:
            self._send_later(self._batcher, message, skipped)
        elif self._frames is not None and self._frames.frames_ready and not self._queued:
            self._frames.write_frame(message.frame(skipped))
        else:
            self._wait_in_outbox(message, skipped)

    def flush(self) -> None:
        """Send the batch that waits."""
        bundle, self._bundle = self._bundle, None
        if bundle is None:
            return
        if self._frames is not None and self._frames.frames_ready and not self._queued:
            self._frames.write_frame(bundle.frame())
            return
        for message, skipped in bundle.items:
            self._wait_in_outbox(message, skipped)

    @property
    def has_room(self) -> bool:
        """Whether there is room for a page of history beside the live events; if not, wait until it is `drained`."""
        return self._outbox.has_room

    async def take(self) -> list[Item] | None:
        """Everything that waits, oldest first, as soon as there is something; None when the connection has ended."""
        while not self._queued:
            if self.closing is not None:
                return None
            self._moved.clear()
            await self._moved.wait()
        items = self._outbox.take_all()
        self._queued = False
        self._moved.set()
        return items

    async def drained(self, seconds: float = 30.0) -> bool:
        """Wait until nothing waits here any more; False if that takes too long."""
        try:
            async with asyncio.timeout(seconds):
                while self._queued or not self._ready():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def overstayed(self) -> None:
        """Wait until the connection has ended and its peer has had the time it gets to read what still waits."""
        while self.closing is None:
            self._moved.clear()
            await self._moved.wait()
        await asyncio.sleep(self._patience)

    def end(self, code: CloseCode, farewell: Problem | None = None) -> None:
        """End the connection: what waits is still sent, then `farewell`, then the close code. Does nothing the second time."""
        if self.closing is not None:
            return
        if farewell is not None:
            self.send(Message(farewell.encode()))
        self.flush()
        self._end(code, SLOW_DRAIN_SECONDS if code is SLOW_CONSUMER else DRAIN_SECONDS)

    def _end(self, code: CloseCode, patience: float) -> None:
        if self.closing is not None:
            return
        self.closing = code
        self._patience = patience
        self._moved.set()
        if self._frames is not None and self._hang_up is not None:
            finish = self._finish(self._frames, self._hang_up, code, patience)
            self._ending = asyncio.get_running_loop().create_task(finish)

    async def _finish(self, frames: "FrameChannel", hang_up: HangUp, code: CloseCode, patience: float) -> None:
        """A peer that does not read must not hold its file descriptor: when patience is over it is dropped."""
        if not await self.drained(patience):
            frames.abort()
            return
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, frames.abort)
        await hang_up(code)

    def _send_later(self, batcher: "Batcher", message: Message, skipped: int) -> None:
        bundle = self._bundle
        if bundle is None:
            batcher.join(self)
            bundle = batcher.empty
        self._bundle = bundle.plus(message, skipped)

    def _wait_in_outbox(self, message: Message, skipped: int) -> None:
        if self.closing is not None:
            return
        if self._outbox.add(message, skipped):
            self._queued = True
            self._moved.set()
        else:
            self._overflow()

    def _overflow(self) -> None:
        unsent = self._outbox.clear()
        self._queued = False
        positions = {
            task_id: unsent.get(task_id, (subscription.seq or 0) + 1) - 1
            for task_id, subscription in self.subscriptions.items()
        }
        seq = next(iter(positions.values())) if len(positions) == 1 else None
        farewell = Message(Problem.of("slow_consumer", seq=seq, positions=positions).encode())
        if self._frames is not None:
            self._frames.write_frame(Bundle(((farewell, 0),)).frame() if self.batched else farewell.frame(0))
        else:
            self._queued = self._outbox.add(farewell, 0)
        self._end(SLOW_CONSUMER, SLOW_DRAIN_SECONDS)

    def _ready(self) -> bool:
        return self._frames is None or self._frames.frames_ready

    def _drain(self, frames: "FrameChannel") -> None:
        """The transport has room again."""
        while self._outbox and frames.frames_ready:
            if self.batched:
                bundle = Bundle(tuple(self._outbox.take_all()))
                frames.write_frame(bundle.frame())
            else:
                message, skipped = self._outbox.take()
                frames.write_frame(message.frame(skipped))
        self._queued = bool(self._outbox)
        self._moved.set()
