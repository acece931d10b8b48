"""Owns connections to addresses that strangers name: the name is resolved once, and only checked addresses are dialled.

The check sits where the socket is opened, below redirects, retries and pools, so nothing can go around it; TLS still
verifies the certificate against the name. Every wait is cut into slices, to notice a cancelled run and the end of the
time that the whole exchange has, however slowly the other side drips.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from ssl import SSLContext
from typing import Any, Final

import httpcore2

from app.core.logging import logger
from app.domain.addresses import is_public
from app.domain.errors import CesarError

SLICE_SECONDS: Final = 0.2
CONNECT_SECONDS: Final = 10.0
MOST_ADDRESSES: Final = 4
PIECE_BYTES: Final = 65_536
WEB_PORTS: Final = (80, 443)
OTHERS_PORTS: Final = 1024
"""Below this number all ports but the web's belong to something else: mail, names, files, remote control."""

Resolver = Callable[[str, int], list[str]]


def system_resolver(host: str, port: int) -> list[str]:
    """Every numeric address the system knows for a name. Raises OSError if there is none."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Allowance:
    """How long an exchange may still take, and whether it is still wanted.

    Args:
        seconds: for everything: names, connections, redirects, body.
        check: raises when the answer is no longer wanted.
    """

    def __init__(self, seconds: float, check: Callable[[], None]) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._check = check

    def left(self, at_most: float) -> float:
        """Seconds to wait for next. Raises `CesarError("url_timed_out")` at the end, and whatever `check` raises."""
        self._check()
        left = self._end - time.monotonic()
        if left <= 0:
            raise CesarError("url_timed_out", f"not complete after {self._seconds:g} s")
        return min(left, at_most)


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens connections to public addresses and to ports of the web, and to the named exceptions.

    Args:
        allow_private: `host` or `host:port` that may have any address and port.
        resolver: names to numeric addresses; called once for each connection.
    """

    def __init__(self, allowance: Allowance, allow_private: frozenset[str], resolver: Resolver) -> None:
        self._allowance = allowance
        self._allow_private = frozenset(name.lower() for name in allow_private)
        self._resolver = resolver
        self._dialler = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first checked address that answers. Raises `CesarError`: `url_refused`, `url_unreachable`."""
        is_exception = bool({host.lower(), f"{host.lower()}:{port}"} & self._allow_private)
        if not is_exception:
            _refuse_foreign(port)
        addresses = self._resolve(host, port)
        if not is_exception:
            _refuse_private(host, addresses)
        return WatchedStream(self._dial(addresses[:MOST_ADDRESSES], port), self._allowance)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Never. Raises `CesarError("url_refused")`."""
        raise CesarError("url_refused", "not a network address")

    def _resolve(self, host: str, port: int) -> list[str]:
        # The system's resolver has no time limit, so it is asked from a thread that may be left behind.
        answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()
        threading.Thread(target=_ask, args=(self._resolver, host, port, answers), daemon=True).start()
        while True:
            try:
                answer = answers.get(timeout=self._allowance.left(SLICE_SECONDS))
            except queue.Empty:
                continue
            if isinstance(answer, Exception) or not answer:
                raise CesarError("url_unreachable", f"the name {host} is not known")
            return answer

    def _dial(self, addresses: list[str], port: int) -> httpcore2.NetworkStream:
        *others, last = addresses
        for address in others:
            try:
                return self._dialler.connect_tcp(address, port, self._allowance.left(CONNECT_SECONDS))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._dialler.connect_tcp(last, port, self._allowance.left(CONNECT_SECONDS))


class WatchedStream(httpcore2.NetworkStream):
    """A connection whose every wait ends with the allowance."""

    def __init__(self, stream: httpcore2.NetworkStream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes`. Raises `CesarError("url_timed_out")` and what the allowance's check raises."""
        while True:
            try:
                return self._stream.read(max_bytes, self._allowance.left(SLICE_SECONDS))
            except httpcore2.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send a request, in pieces: between them the end of the time is noticed."""
        for start in range(0, len(buffer), PIECE_BYTES):
            piece = buffer[start : start + PIECE_BYTES]
            self._stream.write(piece, self._allowance.left(CONNECT_SECONDS))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Encrypt; the certificate is verified against the name, not the address."""
        left = self._allowance.left(CONNECT_SECONDS)
        return WatchedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._allowance)

    def get_extra_info(self, info: str) -> Any:
        """What the socket knows."""
        return self._stream.get_extra_info(info)


def _refuse_foreign(port: int) -> None:
    if port < OTHERS_PORTS and port not in WEB_PORTS:
        raise CesarError("url_refused", f"port {port} is not one of the web's")


def _refuse_private(host: str, addresses: list[str]) -> None:
    # One private answer among public ones is the mark of a name that is about to change its mind.
    for address in addresses:
        if not is_public(address):
            # For the admin alone: whoever asks would otherwise learn the numbers of the network inside.
            logger.warning("private_address_refused", host=host, address=address)
            raise CesarError("url_refused", f"{host} has an address that is not public")


def _ask(resolver: Resolver, host: str, port: int, answers: "queue.SimpleQueue[list[str] | Exception]") -> None:
    try:
        answers.put(resolver(host, port))
    except Exception as problem:  # a name can be malformed in ways of its own (UnicodeError)
        answers.put(problem)
