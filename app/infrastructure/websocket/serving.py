"""Owns how the web process listens: uvicorn's options, the listening socket, and hearing of a shutdown in time."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from app.core.config import Settings
from app.infrastructure.websocket.protocol import DeadlineHttpProtocol, FramesProtocol

MAX_FRAME_BYTES: Final = 256 * 1024
"""Larger messages are not even read (1009). Those above 64 KiB are read and refused with an explanation (4509)."""

UNACKNOWLEDGED_MILLISECONDS: Final = 10_000
"""A peer that acknowledges nothing for so long, or lets nothing be sent, is gone: the kernel frees its socket."""

BACKLOG: Final = 2048

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for `uvicorn.Config` beside `app`, host and port.

    A silent peer is noticed 25 s after its last pong at the latest. uvicorn's own log never goes below info, because
    at debug the sockets' library writes out what is said on them.
    """
    return {
        "http": DeadlineHttpProtocol,
        "ws": FramesProtocol,
        "ws_max_size": MAX_FRAME_BYTES,
        "ws_ping_interval": 10,
        "ws_ping_timeout": 15,
        "ws_per_message_deflate": False,
        "server_header": False,
        "access_log": False,
        "log_config": None,
        "log_level": "info" if settings.log_level == "debug" else settings.log_level,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 5,
    }


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket for `uvicorn.Server.run(sockets=[…])` that listens already; what is set here, accepted sockets inherit.

    Who connects before the server is ready waits and is not refused.

    Raises:
        OSError: the address is in use or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said out loud, because asyncio turns Nagle's algorithm off only for sockets that name their protocol: an answer
    # of two writes would wait 40 ms for the peer's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def hearing_shutdown(going_away: Callable[[], None]) -> Iterator[None]:
    """Call `going_away` on the running event loop as soon as the process is told to stop.

    A server tells its application only after it has closed every socket without a word, and after it has waited
    for every event stream to end by itself. The server's own handler still runs. Outside the main thread,
    where signals cannot be heard, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def hear(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(going_away)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in _SIGNALS:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
