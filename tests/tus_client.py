"""A tus client made of plain requests and raw sockets, for what well-behaved clients never do."""

import contextlib
import socket
import struct
from base64 import b64encode
from typing import Any

import httpx2

from tests.running_server import RunningServer

PIECE = "application/offset+octet-stream"
VERSION = {"Tus-Resumable": "1.0.0"}


def metadata(**values: str) -> str:
    """An `Upload-Metadata`."""
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in values.items())


def wav_head(size: int) -> bytes:
    """The head of a recording with so many bytes of samples: 16 000 Hertz, mono, 16 bits."""
    header = b"RIFF" + (size + 36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    shape = (1, 2), (1, 2), (16_000, 4), (32_000, 4), (2, 2), (16, 2)
    return (
        header
        + b"".join(value.to_bytes(width, "little") for value, width in shape)
        + b"data"
        + size.to_bytes(4, "little")
    )


class TusClient:
    """Speaks to one server; survives its restarts."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def begin(self, length: int, filename: str = "talk.wav", key: str | None = None, **fields: str) -> httpx2.Response:
        """POST /uploads."""
        headers = VERSION | {"Upload-Length": str(length), "Upload-Metadata": metadata(filename=filename, **fields)}
        return self._server.http.post("/uploads", headers=headers | ({"Idempotency-Key": key} if key else {}))

    def new(self, length: int, filename: str = "talk.wav", **fields: str) -> str:
        """Begin; the id of the upload and of its Task."""
        answer = self.begin(length, filename, **fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["tasks"][0]["id"])

    def look(self, upload_id: str) -> httpx2.Response:
        """HEAD."""
        return self._server.http.head(f"/uploads/{upload_id}", headers=VERSION)

    def offset(self, upload_id: str) -> int:
        """Where it stands, in bytes."""
        answer = self.look(upload_id)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["upload-offset"])

    def send(self, upload_id: str, at: int, data: Any, **headers: str) -> httpx2.Response:
        """PATCH; `headers` with underscores for dashes."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        given = VERSION | {"Upload-Offset": str(at), "Content-Type": PIECE} | more
        return self._server.http.patch(f"/uploads/{upload_id}", headers=given, content=data)

    def end(self, upload_id: str) -> httpx2.Response:
        """DELETE."""
        return self._server.http.delete(f"/uploads/{upload_id}", headers=VERSION)

    def connect(self, upload_id: str, at: int, length: int) -> "RawPiece":
        """A PATCH whose body is sent by hand."""
        return RawPiece(self._server.port, upload_id, at, length)


class RawPiece:
    """One PATCH on a socket of its own, to be cut at will."""

    def __init__(self, port: int, upload_id: str, at: int, length: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        head = (
            f"PATCH /uploads/{upload_id} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTus-Resumable: 1.0.0\r\n"
            f"Upload-Offset: {at}\r\nContent-Type: {PIECE}\r\nContent-Length: {length}\r\n\r\n"
        )
        self._socket.sendall(head.encode())

    def send(self, data: bytes) -> None:
        """Some of the body; a peer that closed meanwhile is no failure of the test."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def status(self) -> int:
        """Wait for the answer; 0 if there is none."""
        with contextlib.suppress(OSError):
            first = self._socket.recv(4096).split(b"\r\n")[0]
            return int(first.split()[1]) if first else 0
        return 0

    def finish(self) -> None:
        """FIN: an orderly end in the middle of the body."""
        self._socket.close()

    def reset(self) -> None:
        """RST: what waits is thrown away."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
