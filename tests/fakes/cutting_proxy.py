"""A network that breaks: passes bytes on to a server and cuts connections in the middle of what is sent."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from types import TracebackType

from tests.running_server import free_port

SMALL_BYTES = 2000


class CuttingProxy:
    """Each connection that sends more than a request's head is cut after so many bytes, while there are cuts left: RST and FIN in turn."""

    def __init__(self, target: int, cuts: Iterator[int]) -> None:
        self.port = free_port()
        self.cut = 0
        self._target = target
        self._cuts = cuts
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> "CuttingProxy":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                self._pass_on(client, server)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join(10)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        sent, until = 0, None
        while data := client.recv(2048 if until is None else min(65536, max(1, until - sent))):
            server.sendall(data)
            sent += len(data)
            if until is None and sent > SMALL_BYTES:
                until = next(self._cuts, 1 << 60)
            if until is not None and sent >= until:
                self._cut_both(client, server)
                return

    def _cut_both(self, *ends: socket.socket) -> None:
        self.cut += 1
        for end in ends:
            if self.cut % 2:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
