"""One connection: what it writes at once, what waits, how it ends."""

import asyncio

from app.infrastructure.websocket.batcher import Batcher
from app.infrastructure.websocket.close_codes import DONE, SLOW_CONSUMER, CloseCode
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.message import Message
from tests.fakes.receiver import Receiver


def segment(seq: int, size: int = 10) -> Message:
    return Message(b'{"type":"segment","seq":%d,"x":"%s"}' % (seq, b"x" * size), task_id="t", seq=seq)


class Goodbyes:
    """Remembers the code with which a connection was closed."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    async def __call__(self, code: CloseCode) -> None:
        self.codes.append(code.code)


async def test_a_message_is_written_before_send_returns() -> None:
    """No task is switched for a watcher that keeps up."""
    receiver = Receiver()
    connection = Connection(1000, frames=receiver)
    connection.send(segment(1))
    assert receiver.numbers() == [1]


async def test_what_waits_keeps_its_order_and_leaves_when_there_is_room() -> None:
    """While the transport is full messages wait; later ones do not overtake them."""
    receiver = Receiver(capacity_bytes=100)
    connection = Connection(1 << 20, frames=receiver)
    for seq in range(1, 21):
        connection.send(segment(seq))
    assert len(receiver.numbers()) < 20
    receiver.read_on()
    connection.send(segment(21))
    receiver.read_on()
    assert receiver.numbers() == list(range(1, 22))


async def test_an_overflow_ends_with_4008_and_says_where_to_resume() -> None:
    """The farewell is an `error`, the connection takes nothing more, and a peer that never reads is cut off."""
    receiver, goodbyes = Receiver(capacity_bytes=1), Goodbyes()
    connection = Connection(200, frames=receiver, hang_up=goodbyes)
    for seq in range(1, 30):
        connection.send(segment(seq, 50))
    assert connection.closing is SLOW_CONSUMER
    farewell = receiver.events()[-1]
    assert (farewell["type"], farewell["error_code"]) == ("error", "slow_consumer")
    await asyncio.sleep(3.3)
    assert receiver.aborted
    assert goodbyes.codes == []


async def test_a_slow_peer_that_reads_after_all_hears_the_code() -> None:
    """Within its grace it gets the farewell and then the close code."""
    receiver, goodbyes = Receiver(capacity_bytes=1), Goodbyes()
    connection = Connection(200, frames=receiver, hang_up=goodbyes)
    for seq in range(1, 30):
        connection.send(segment(seq, 50))
    await asyncio.sleep(0)
    receiver.read_on()
    await asyncio.sleep(0.01)
    assert goodbyes.codes == [4008]


async def test_ending_in_good_order_sends_what_waits_first() -> None:
    """Nothing is lost by a normal end."""
    receiver, goodbyes = Receiver(capacity_bytes=50), Goodbyes()
    connection = Connection(1 << 20, frames=receiver, hang_up=goodbyes)
    for seq in range(1, 11):
        connection.send(segment(seq))
    connection.end(DONE)
    await asyncio.sleep(0.01)
    assert goodbyes.codes == []
    receiver.read_on()
    await asyncio.sleep(0.01)
    assert (receiver.numbers(), goodbyes.codes) == (list(range(1, 11)), [1000])


async def test_batches_leave_together_within_20_ms() -> None:
    """What is sent in quick succession is one array, shared by all who got the same."""
    receivers, batcher = [Receiver() for _ in range(3)], Batcher()
    connections = [Connection(1000, frames=receiver, batcher=batcher) for receiver in receivers]
    messages = [segment(1), segment(2)]
    for message in messages:
        for connection in connections:
            connection.send(message)
    assert all(receiver.frames == [] for receiver in receivers)
    await asyncio.sleep(0.05)
    assert [receiver.numbers() for receiver in receivers] == [[1, 2]] * 3
    assert all(len(receiver.frames) == 1 and receiver.frames[0] is receivers[0].frames[0] for receiver in receivers)


async def test_without_frames_messages_are_taken_in_order_until_the_end() -> None:
    """The writer of another server takes what waits, and None when it is over."""
    connection = Connection(1000)
    connection.send(segment(1))
    connection.send(segment(2))
    connection.end(DONE)
    assert [message.seq for message, _ in await connection.take() or []] == [1, 2]
    assert await connection.take() is None
