"""Owns an HTTP proxy for one child process: whatever the child wants to reach, only checked addresses are dialled for it.

It listens on 127.0.0.1 while its context lasts, and answers only to who knows its password. `CONNECT` becomes a tunnel (the child does its
TLS with the other server itself), a plain request is passed on; both through the same door as our own downloads.
"""

import base64
import hmac
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpcore2

from app.domain.errors import Cancelled, CesarError
from app.infrastructure.net.guarded import Allowance, GuardedBackend, Resolver, system_resolver

HEAD_BYTES: Final = 65_536
BLOCK_BYTES: Final = 65_536
MOST_CONNECTIONS: Final = 32
PATIENCE_SECONDS: Final = 30
_END: Final = b"\r\n\r\n"
_OUR_OWN: Final = (b"proxy-authorization:", b"proxy-connection:", b"connection:")
_ANSWERS: Final = {"url_refused": b"403 Forbidden", "url_timed_out": b"504 Gateway Timeout"}


class GuardProxy:
    """Open with `with`.

    Args:
        seconds: how long its connections may last altogether.
        allow_private: `host` or `host:port` that may have any address.
        resolver: names to numeric addresses.
    """

    def __init__(self, seconds: float, allow_private: frozenset[str], resolver: Resolver = system_resolver) -> None:
        self._allowance = Allowance(seconds, self._check)
        self._backend = GuardedBackend(self._allowance, allow_private, resolver)
        self._password = secrets.token_urlsafe(24)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = threading.Event()
        self._places = threading.Semaphore(MOST_CONNECTIONS)
        self.port: int = self._listener.getsockname()[1]
        self.refusal: CesarError | None = None
        """The first address that was refused."""

    @property
    def url(self) -> str:
        """What the child has to be told; a secret."""
        return f"http://cesar:{self._password}@127.0.0.1:{self.port}"

    def __enter__(self) -> "GuardProxy":
        threading.Thread(target=self._serve, name="guard-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _check(self) -> None:
        if self._closing.is_set():
            raise Cancelled

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._places.acquire()
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError, Cancelled, CesarError, httpcore2.NetworkError, httpcore2.TimeoutException):
                client.settimeout(self._allowance.left(PATIENCE_SECONDS))
                head, _, rest = _read_head(client).partition(_END)
                if not self._is_known(head):
                    client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                    return
                self._pass_on(client, head, rest)
        finally:
            self._places.release()

    def _is_known(self, head: bytes) -> bool:
        expected = b"Basic " + base64.b64encode(f"cesar:{self._password}".encode())
        given = (
            line.partition(b":")[2].strip() for line in head.split(b"\r\n") if line.lower().startswith(_OUR_OWN[0])
        )
        return hmac.compare_digest(next(given, b""), expected)

    def _pass_on(self, client: socket.socket, head: bytes, rest: bytes) -> None:
        wanted = _wanted(head)
        if wanted is None:
            client.sendall(b"HTTP/1.1 400 Bad Request" + _END)
            return
        with self._connected(client, wanted.host, wanted.port) as server:
            if wanted.request is None:
                client.sendall(b"HTTP/1.1 200 Connection established" + _END)
            server.write((wanted.request or b"") + rest)
            self._relay(client, server)

    @contextmanager
    def _connected(self, client: socket.socket, host: str, port: int) -> Iterator[httpcore2.NetworkStream]:
        try:
            server = self._backend.connect_tcp(host, port)
        except (CesarError, httpcore2.ConnectError, httpcore2.ConnectTimeout) as problem:
            code = problem.code if isinstance(problem, CesarError) else "url_unreachable"
            if isinstance(problem, CesarError) and code == "url_refused" and self.refusal is None:
                self.refusal = problem
            client.sendall(b"HTTP/1.1 " + _ANSWERS.get(code, b"502 Bad Gateway") + _END)
            raise
        try:
            yield server
        finally:
            server.close()

    def _relay(self, client: socket.socket, server: httpcore2.NetworkStream) -> None:
        upward = threading.Thread(target=_pump, args=(lambda: self._heard(client), server.write), daemon=True)
        upward.start()
        _pump(lambda: server.read(BLOCK_BYTES), client.sendall)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        upward.join(self._allowance.left(5))

    def _heard(self, client: socket.socket) -> bytes:
        """What the child says next; it may be silent for as long as it listens."""
        while True:
            try:
                return client.recv(BLOCK_BYTES)
            except TimeoutError:
                client.settimeout(self._allowance.left(PATIENCE_SECONDS))


def _pump(read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
    with suppress(OSError, Cancelled, CesarError, httpcore2.NetworkError, httpcore2.TimeoutException):
        while data := read():
            write(data)


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while _END not in head and len(head) < HEAD_BYTES and (data := client.recv(BLOCK_BYTES)):
        head += data
    return head


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where to, and what to say there first; nothing for a tunnel."""

    host: str
    port: int
    request: bytes | None


def _wanted(head: bytes) -> _Wanted | None:
    """What a request asks for; None if that cannot be read."""
    method, target, _ = (*head.partition(b"\r\n")[0].split(b" ", 2), b"", b"")[:3]
    is_tunnel = method == b"CONNECT"
    try:
        parts = urlsplit(("//" if is_tunnel else "") + target.decode("ascii"))
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if host is None or (not is_tunnel and parts.scheme != "http"):
        return None
    if is_tunnel:
        return _Wanted(host, port, None) if port else None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Wanted(host, port or 80, _rewritten(head, method, path.encode()))


def _rewritten(head: bytes, method: bytes, path: bytes) -> bytes:
    """The request as the other server wants it, and nothing in it that is between the child and us."""
    lines = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(_OUR_OWN)]
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", *lines, b"Connection: close"]) + _END
