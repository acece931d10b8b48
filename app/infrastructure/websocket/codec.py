"""Owns the bytes on the wire: JSON text, server-side frames, arrays of events, lines of the event stream."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from websockets.frames import Frame, Opcode


def encode_message(message: dict[str, Any]) -> bytes:
    """One JSON object as UTF-8. Values JSON does not know (paths, numpy scalars) are written as text."""
    return orjson.dumps(message, default=str, option=orjson.OPT_NON_STR_KEYS)


def decode_message(text: str | bytes) -> Any:
    """What a peer sent. Raises `ValueError` if it is not JSON."""
    return orjson.loads(text)


def text_frame(text: bytes) -> bytes:
    """A complete, unmasked text frame (RFC 6455, section 5.2): the same bytes serve every socket."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


def with_skipped(payload: bytes, skipped: int) -> bytes:
    """The JSON object of an event, saying that `skipped` events just before it were left out."""
    return payload if skipped == 0 else payload[:-1] + b',"skipped":%d}' % skipped


def array_of(texts: Iterable[bytes]) -> bytes:
    """A JSON array of objects that are encoded already."""
    return b"[" + b",".join(texts) + b"]"


STREAM_COMMENT: Final = b": heartbeat\n\n"
"""A block of a `text/event-stream` that programs do not see, and proxies do."""


def stream_event(text: bytes, seq: int | None) -> bytes:
    """One event of a `text/event-stream`; JSON holds no line breaks, so one `data` line is enough."""
    head = b"" if seq is None else b"id: %d\n" % seq
    return head + b"data: " + text + b"\n\n"
