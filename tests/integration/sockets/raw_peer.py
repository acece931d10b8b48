"""Owns a peer that does what no library would: it shakes hands and then sends and reads bytes as it likes."""

import base64
import os
import socket
import struct


class RawPeer:
    """A TCP connection to a server on this machine, in blocking calls with a timeout."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))

    def shake_hands(self, path: str, *headers: str) -> bytes:
        """Ask for a WebSocket; the head of the answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(1)
            if not piece:
                break
            head += piece
        return head

    def send_frame(self, head: int, payload: bytes = b"", *, masked: bool = True) -> None:
        """A frame whose first byte is `head`."""
        mask = os.urandom(4) if masked else b""
        length = len(payload)
        second = 0x80 if masked else 0
        if length < 126:
            size = bytes([second | length])
        elif length < 65536:
            size = bytes([second | 126]) + struct.pack("!H", length)
        else:
            size = bytes([second | 127]) + struct.pack("!Q", length)
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if masked else payload
        self.socket.sendall(bytes([head]) + size + mask + body)

    def close_code(self) -> int | None:
        """Read until the server closes; the code it gave, None if it just hung up."""
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == 8:
                return int(struct.unpack("!H", payload[:2])[0]) if payload else None
        return None

    def is_cut(self) -> bool:
        """Whether the server closed the connection; waits for at most the timeout."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _frame(self) -> tuple[int, bytes] | None:
        head = self._exactly(2)
        if head is None:
            return None
        length = head[1] & 0x7F
        if length >= 126:
            extended = self._exactly(2 if length == 126 else 8) or b"\0"
            length = int.from_bytes(extended, "big")
        return head[0] & 0x0F, self._exactly(length) or b""

    def _exactly(self, count: int) -> bytes | None:
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionError:
                return None
            if not piece:
                return None
            data += piece
        return data
