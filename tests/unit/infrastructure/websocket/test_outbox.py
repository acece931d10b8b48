"""What waits for a slow connection, and what gives way to what."""

from app.infrastructure.websocket.message import Message
from app.infrastructure.websocket.outbox import CONFLATE_ABOVE_BYTES, Outbox

FILLER = Message(b'"' + b"x" * CONFLATE_ABOVE_BYTES + b'"')


def progress(seq: int, task_id: str = "t") -> Message:
    return Message(b'{"seq":%d}' % seq, task_id=task_id, seq=seq, conflates=True)


def segment(seq: int, task_id: str = "t") -> Message:
    return Message(b'{"seq":%d}' % seq, task_id=task_id, seq=seq)


def slow_outbox(limit: int = 1 << 20) -> Outbox:
    outbox = Outbox(limit)
    outbox.add(FILLER, 0)
    return outbox


def numbers(outbox: Outbox) -> list[tuple[int | None, int]]:
    return [(message.seq, skipped) for message, skipped in outbox.take_all() if message is not FILLER]


def test_newer_progress_takes_the_place_of_older_and_counts_it() -> None:
    """Three updates of one Task become the newest, with two left out."""
    outbox = slow_outbox()
    for seq in (1, 2, 3):
        outbox.add(progress(seq), 0)
    assert numbers(outbox) == [(3, 2)]


def test_what_was_left_out_before_is_counted_on() -> None:
    """An update that stands for others passes their number on."""
    outbox = slow_outbox()
    outbox.add(progress(3), 2)
    outbox.add(progress(5), 1)
    assert numbers(outbox) == [(5, 4)]


def test_nothing_but_progress_gives_way() -> None:
    """A segment stays, and keeps the progress before it, so that numbers stay in order."""
    outbox = slow_outbox()
    for message in (progress(1), segment(2), progress(3), progress(4), segment(5)):
        outbox.add(message, 0)
    assert numbers(outbox) == [(1, 0), (2, 0), (4, 1), (5, 0)]


def test_tasks_do_not_give_way_to_each_other() -> None:
    """Progress of one Task says nothing about another's."""
    outbox = slow_outbox()
    for message in (progress(1, "a"), progress(1, "b"), progress(2, "a")):
        outbox.add(message, 0)
    assert numbers(outbox) == [(2, 1), (1, 0)]


def test_a_connection_that_is_not_slow_loses_nothing() -> None:
    """While little waits everything is kept."""
    outbox = Outbox(1 << 20)
    for seq in (1, 2, 3):
        outbox.add(progress(seq), 0)
    assert numbers(outbox) == [(1, 0), (2, 0), (3, 0)]


def test_the_limit_is_one_of_bytes_and_lets_one_large_message_through() -> None:
    """A message of any size fits while no more than the limit waits; the one behind it does not."""
    outbox = Outbox(100)
    assert outbox.add(Message(b"x" * 5000), 0)
    assert not outbox.add(Message(b"x"), 0)
    outbox.take()
    assert outbox.size_bytes == 0
    assert outbox.add(Message(b"x"), 0)


def test_clearing_tells_where_each_task_was_left() -> None:
    """The first number that was not sent, what it stands for included."""
    outbox = slow_outbox()
    outbox.add(progress(7), 2)
    outbox.add(segment(8), 0)
    outbox.add(segment(3, "b"), 0)
    assert outbox.clear() == {"t": 5, "b": 3}
    assert len(outbox) == 0
