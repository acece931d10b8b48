"""Owns what is changed about uvicorn's protocols: ready-made frames for sockets, a deadline for request heads, quieter logs.

Everything that is used of uvicorn beyond its documentation is named in `WEBSOCKET_INTERNALS` and `HTTP_INTERNALS`;
a test fails with their names if a release of uvicorn moves them.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

FRAMES_EXTENSION: Final = "cesar.frames"
"""Key in `scope["extensions"]` under which a socket's `FrameChannel` is found."""

WEBSOCKET_INTERNALS: Final = frozenset({"run_asgi", "scope", "transport", "logger"})
HTTP_INTERNALS: Final = frozenset({"transport", "scope", "on_message_begin", "on_headers_complete", "loop"})

ABORT_EXTENSION: Final = "cesar.abort"
"""Key in `scope["extensions"]` of an HTTP request: a function that frees its connection, whatever still waits to be sent."""

REQUEST_HEAD_SECONDS: Final = 10.0
"""How long a peer may take for a complete request head, from connecting or from the head's first byte."""

SEND_BUFFER_BYTES: Final = 64 * 1024
"""The kernel's part of a socket's outbox: small, so that a slow watcher's progress is conflated and not stale."""


class FrameChannel(Protocol):
    """A socket that takes ready-made frames without waiting. To be used from its event loop."""

    @property
    def frames_ready(self) -> bool:
        """False while the transport's buffer is above its high-water mark."""

    def write_frame(self, frame: bytes) -> None:
        """Write a complete frame at once; does nothing on a socket that is closing."""

    def on_frames_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `frames_ready` becomes True again."""

    def abort(self) -> None:
        """Free the socket now, whatever still waits in its buffer."""


class _QuietSockets(logging.Filter):
    """A query string may hold what no log should, and a peer's bad bytes deserve a line but no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(value.partition("?")[0] if isinstance(value, str) else value for value in record.args)
        if "UTF-8" in str(record.msg):
            record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        return True


_socket_log = logging.getLogger("uvicorn.error.sockets")
_socket_log.addFilter(_QuietSockets())


class FramesProtocol(WebSocketsSansIOProtocol):
    """uvicorn's sans-I/O protocol that is also a `FrameChannel`, offered through the ASGI scope."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _socket_log
        self.frames_ready = True
        self._tell_ready: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the kernel's buffer small."""
        super().connection_made(transport)
        connected = transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    async def run_asgi(self) -> None:
        """Offer this channel to the application."""
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[FRAMES_EXTENSION] = self
        await super().run_asgi()

    def write_frame(self, frame: bytes) -> None:
        """See `FrameChannel`."""
        transport = self.transport
        if not transport.is_closing():
            transport.write(frame)

    def on_frames_ready(self, callback: Callable[[], None]) -> None:
        """See `FrameChannel`."""
        self._tell_ready = callback

    def abort(self) -> None:
        """See `FrameChannel`."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """The transport's buffer is above its high-water mark."""
        super().pause_writing()
        self.frames_ready = False

    def resume_writing(self) -> None:
        """The transport's buffer is below its low-water mark."""
        super().resume_writing()
        self.frames_ready = True
        if self._tell_ready is not None:
            self._tell_ready()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection's owner."""
        self._tell_ready = None
        super().connection_lost(exc)


class DeadlineHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that drops peers which do not complete a request head in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock runs from the moment of connecting."""
        super().connection_made(transport)
        self._expect_head()

    def on_message_begin(self) -> None:
        """The clock runs again from the first byte of every further request."""
        super().on_message_begin()
        scope = cast(dict[str, Any], self.scope)
        scope["extensions"] = {ABORT_EXTENSION: self.transport.abort}
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """In time."""
        self._stop_clock()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._stop_clock()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_HEAD_SECONDS, self._give_up)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.abort()
