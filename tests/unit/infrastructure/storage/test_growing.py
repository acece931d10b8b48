"""Files that arrive in pieces, on a real disk."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.errors import Cancelled, CesarError
from app.infrastructure.storage.growing import LocalGrowingFiles
from app.infrastructure.storage.local import LocalStorage

NAME = "0123456789abcdef" * 2


@pytest.fixture
def files(tmp_path: Path) -> LocalGrowingFiles:
    """An empty folder."""
    return LocalGrowingFiles(tmp_path)


def grow(files: LocalGrowingFiles, *pieces: bytes) -> None:
    file = files.open(NAME)
    file.cut(file.size)
    for piece in pieces:
        file.append(piece)
    file.sync()
    file.close()


def test_pieces_become_a_stored_object(files: LocalGrowingFiles, tmp_path: Path) -> None:
    """Under its own name, with the sha256 of the whole; what is placed is found by the storage."""
    grow(files, b"one")
    grow(files, b"two", b"three")
    file = files.open(NAME)
    stored = file.place(lambda: True)
    file.remove()
    file.close()
    assert stored.sha256 == hashlib.sha256(b"onetwothree").hexdigest()
    assert (stored.key, stored.size_bytes) == (NAME, 11)
    assert LocalStorage(tmp_path).path_of(NAME).read_bytes() == b"onetwothree"
    assert files.names() == []
    assert list((tmp_path / "uploads").iterdir()) == []


def test_one_writer_at_a_time(files: LocalGrowingFiles) -> None:
    """A second one is told that the file is busy until the first lets go."""
    first = files.open(NAME)
    with pytest.raises(CesarError, match="upload_busy"):
        files.open(NAME)
    first.close()
    files.open(NAME).close()


def test_another_process_is_kept_out_until_it_dies(files: LocalGrowingFiles, tmp_path: Path) -> None:
    """The right to write ends with the process that has it, however it dies."""
    program = (
        "import sys, time; from pathlib import Path; from app.infrastructure.storage.growing import LocalGrowingFiles; "
        f"held = LocalGrowingFiles(Path({str(tmp_path)!r})).open({NAME!r}); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(CesarError, match="upload_busy"):
            files.open(NAME)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    files.open(NAME).close()


def test_a_wish_reaches_the_holder(files: LocalGrowingFiles) -> None:
    """Whoever asks is noticed by whoever holds it now, and by nobody who comes later."""
    files.ask_for(NAME)
    held = files.open(NAME)
    assert not held.is_wanted_elsewhere()
    os.utime(held.path.with_name(NAME + ".lock"), (1, 1))
    files.ask_for(NAME)
    assert held.is_wanted_elsewhere()
    held.close()
    later = files.open(NAME)
    assert not later.is_wanted_elsewhere()
    later.close()


def test_what_was_not_counted_is_cut(files: LocalGrowingFiles) -> None:
    """Bytes behind the given size are forgotten, and writing goes on there."""
    grow(files, b"kept and lost")
    file = files.open(NAME)
    file.cut(4)
    file.append(b"!")
    assert file.path.read_bytes() == b"kept!"
    file.close()


def test_placing_can_be_stopped_and_repeated(files: LocalGrowingFiles) -> None:
    """A server that ends leaves the file as it was; one that was killed after placing it is followed by one that goes on."""
    grow(files, b"bytes")
    file = files.open(NAME)
    with pytest.raises(Cancelled):
        file.place(lambda: False)
    assert file.path.name == NAME
    first = file.place(lambda: True)
    file.close()
    again = files.open(NAME)
    assert again.place(lambda: True) == first
    again.remove()
    assert again.path.read_bytes() == b"bytes"
    again.close()


def test_only_names_of_ours_are_opened(files: LocalGrowingFiles) -> None:
    """A name is never a path."""
    for name in ("../secret", "", NAME.upper(), NAME + "0", f"{NAME}\n"):
        with pytest.raises(ValueError, match="name"):
            files.open(name)
