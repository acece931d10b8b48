"""Owns the way of a piece from the network to its writer: nothing is held in memory for long, and what came before a cut is kept.

Writing runs in a thread, one block at a time, while the next is collected; when that is full, reading waits. So at most two
blocks and one chunk of the network are in memory, however large the piece is.
"""

import asyncio
import contextlib
import time
from typing import Final

from starlette.requests import Request
from starlette.types import Message

from app.core.logging import logger
from app.domain.errors import CesarError
from app.services.upload_writer import PieceWriter

BLOCK_BYTES: Final = 1 << 20
BLOCK_SECONDS: Final = 0.5
"""A block is as much as comes, up to a size, within a time: of a slow upload too is seen that it goes on."""

LOOK_SECONDS: Final = 1.0
"""A connection that is silent for so long has what came written down, and gives way to another one of the same upload."""

SILENCE_SECONDS: Final = 60.0
"""A connection that is silent for so long is given up: its client is gone and the network did not tell."""


async def receive_piece(request: Request, writer: PieceWriter) -> None:
    """Carry the body of a request to its writer and close that, whatever happens.

    Raises:
        CesarError: `too_large`, `upload_interrupted`, `upload_busy` if it gave way, `unavailable` after a long silence, and
            whatever the writer raises.
    """
    piece = _Piece(request, writer)
    try:
        await piece.read()
        await asyncio.to_thread(writer.complete)
    finally:
        await asyncio.shield(piece.close())


class _Piece:
    """The body of one request on its way."""

    def __init__(self, request: Request, writer: PieceWriter) -> None:
        self._receive = request.receive
        self._writer = writer
        self._room = writer.room
        self._collected: list[bytes] = []
        self._collected_bytes = 0
        self._started_at = time.monotonic()
        self._writing: asyncio.Future[None] | None = None

    async def read(self) -> None:
        """Until the body ends; everything is written then."""
        while True:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise CesarError("upload_interrupted")
            await self._take(message.get("body", b""))
            if not message.get("more_body", False):
                break
        await self._write_all()

    async def close(self) -> None:
        """Write what was collected before a cut, and let others go on."""
        try:
            await self._write_all()
        except Exception as problem:  # whoever sends it hears of it, or is gone
            logger.warning("piece_cut", problem=type(problem).__name__)
        finally:
            await asyncio.to_thread(self._writer.close)

    async def _take(self, chunk: bytes) -> None:
        self._room -= len(chunk)
        if self._room < 0:
            raise CesarError("too_large", "the piece goes beyond the end of its upload")
        self._collected.append(chunk)
        self._collected_bytes += len(chunk)
        if self._collected_bytes >= BLOCK_BYTES or time.monotonic() - self._started_at >= BLOCK_SECONDS:
            await self._settle()
            self._start()

    async def _next(self) -> Message:
        coming = asyncio.ensure_future(self._receive())
        silent = 0.0
        try:
            while not (await asyncio.wait([coming], timeout=LOOK_SECONDS))[0]:
                silent += LOOK_SECONDS
                await self._rest(silent)
            return coming.result()
        finally:
            if not coming.done():
                coming.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await coming

    async def _rest(self, silent: float) -> None:
        """Nothing comes just now."""
        await self._write_all()
        await asyncio.to_thread(self._writer.keep)
        if self._writer.is_wanted_elsewhere():
            raise CesarError("upload_busy", "another connection goes on with it")
        if silent >= SILENCE_SECONDS:
            raise CesarError("unavailable", f"nothing came for {SILENCE_SECONDS:g} s")

    async def _write_all(self) -> None:
        await self._settle()
        if self._collected:
            self._start()
            await self._settle()

    def _start(self) -> None:
        block, self._collected, self._collected_bytes = b"".join(self._collected), [], 0
        self._started_at = time.monotonic()
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._writer.write, block)

    async def _settle(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None  # one that failed stays: nothing is written behind a gap
