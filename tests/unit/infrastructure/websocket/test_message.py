"""Frames and bundles: made once, right to the byte."""

import orjson
from websockets.frames import Frame, Opcode

from app.infrastructure.websocket.codec import stream_event
from app.infrastructure.websocket.message import Bundle, Message


def test_a_frame_is_what_a_websocket_library_would_write() -> None:
    """The same bytes as the library's own, for every length encoding."""
    for size in (10, 200, 70_000):
        payload = b'{"x":"' + b"y" * size + b'"}'
        assert Message(payload).frame(0) == Frame(Opcode.TEXT, payload).serialize(mask=False)


def test_a_frame_is_made_once() -> None:
    """Every connection gets the same object."""
    message = Message(b'{"seq":1}')
    assert message.frame(0) is message.frame(0)


def test_what_was_left_out_is_said_inside_the_object() -> None:
    """`skipped` is one more field of the same JSON."""
    message = Message(b'{"type":"progress","seq":9}')
    assert orjson.loads(message.text(4)) == {"type": "progress", "seq": 9, "skipped": 4}


def test_connections_with_the_same_messages_share_one_bundle() -> None:
    """Equal histories lead to one object, different ones do not."""
    start, a, b = Bundle(), Message(b'{"a":1}'), Message(b'{"b":2}')
    assert start.plus(a, 0).plus(b, 0) is start.plus(a, 0).plus(b, 0)
    assert start.plus(a, 1) is not start.plus(a, 0)
    assert start.plus(a, 0).plus(b, 0).frame() == Frame(Opcode.TEXT, b'[{"a":1},{"b":2}]').serialize(mask=False)


def test_a_stream_event_is_one_block() -> None:
    """An id line if there is a number, one data line, an empty line."""
    assert stream_event(b"{}", 5) == b"id: 5\ndata: {}\n\n"
    assert stream_event(b"{}", None) == b"data: {}\n\n"
