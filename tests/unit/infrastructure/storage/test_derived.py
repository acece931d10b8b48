"""What is made from recordings: once for all who ask, whole or not at all, gone with the recording."""

import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from app.domain.errors import Cancelled
from app.infrastructure.storage.derived import LocalDerived
from app.infrastructure.storage.local import LocalStorage

KEY = "ab" * 16


@pytest.fixture
def derived(tmp_path: Path) -> LocalDerived:
    """An empty one."""
    return LocalDerived(tmp_path)


def write(target: BinaryIO) -> None:
    """Make something."""
    target.write(b"made")


def never(_target: BinaryIO) -> None:
    """Fail."""
    raise ValueError("half-way")


def go_on() -> None:
    """Still wanted."""


def test_what_was_made_is_found(derived: LocalDerived) -> None:
    """Not before, and not under another kind."""
    assert derived.find(KEY, "peaks1") is None
    derived.make(KEY, "peaks1", write, go_on)
    found = derived.find(KEY, "peaks1")
    assert found is not None
    assert found.read_bytes() == b"made"
    assert derived.find(KEY, "peaks2") is None
    assert set(derived.keys()) == {KEY}


def test_many_who_ask_have_it_made_once(derived: LocalDerived, tmp_path: Path) -> None:
    """Each comes through a holder of its own, as processes do; all wait for the one who makes it."""
    made: list[int] = []

    def slowly(target: BinaryIO) -> None:
        made.append(1)
        target.write(b"half")
        time.sleep(0.3)
        target.write(b"done")

    threads = [
        threading.Thread(target=LocalDerived(tmp_path).make, args=(KEY, "peaks1", slowly, go_on)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = derived.find(KEY, "peaks1")
    assert found is not None
    assert (found.read_bytes(), len(made)) == (b"halfdone", 1)
    assert [path.name for path in found.parent.iterdir()] == [found.name]


def test_a_failure_leaves_nothing_to_be_found(derived: LocalDerived) -> None:
    """The next who asks makes it whole."""
    with pytest.raises(ValueError, match="half-way"):
        derived.make(KEY, "peaks1", never, go_on)
    assert derived.find(KEY, "peaks1") is None
    derived.make(KEY, "peaks1", write, go_on)
    assert derived.find(KEY, "peaks1") is not None


def test_who_waits_can_give_up(derived: LocalDerived) -> None:
    """While another one makes it."""
    begun, end = threading.Event(), threading.Event()

    def hold(_target: BinaryIO) -> None:
        begun.set()
        end.wait(20)

    def gone() -> None:
        raise Cancelled

    maker = threading.Thread(target=derived.make, args=(KEY, "peaks1", hold, go_on))
    maker.start()
    begun.wait(20)
    with pytest.raises(Cancelled):
        derived.make(KEY, "peaks1", write, gone)
    end.set()
    maker.join()


def test_it_goes_with_the_recording(tmp_path: Path) -> None:
    """Also while it is being made: then it is kept by nobody."""
    storage = LocalStorage(tmp_path)
    derived = LocalDerived(tmp_path)
    receiver = storage.receive()
    receiver.write(b"bytes")
    key = receiver.commit().key
    derived.make(key, "peaks1", write, go_on)
    storage.remove(key)
    assert derived.find(key, "peaks1") is None

    def deleted_meanwhile(target: BinaryIO) -> None:
        storage.remove(key)
        write(target)

    derived.make(key, "peaks1", deleted_meanwhile, go_on)
    assert (derived.find(key, "peaks1"), list(derived.keys())) == (None, [])
