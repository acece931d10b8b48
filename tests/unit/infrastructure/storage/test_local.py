"""What rests on disk is complete, hashed, named by us, and gone when it should be."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.domain.errors import CesarError
from app.infrastructure.storage.local import FLUSH_BYTES, LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "media")


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def _age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_committed_file_holds_the_bytes_and_their_hash(storage: LocalStorage) -> None:
    """What was written in pieces is read back whole, with its size and sha256."""
    pieces = [os.urandom(100_000), b"", os.urandom(1)]
    receiver = storage.receive()
    for piece in pieces:
        receiver.write(piece)
    stored = receiver.commit()
    body = b"".join(pieces)
    assert storage.path_of(stored.key).read_bytes() == body
    assert (stored.size_bytes, stored.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert list(storage.keys()) == [stored.key]


def test_a_large_file_is_flushed_on_the_way_and_stays_right(storage: LocalStorage) -> None:
    """Flushing in the middle changes neither bytes nor hash."""
    block = os.urandom(1 << 20)
    blocks = 2 * FLUSH_BYTES // len(block) + 1
    receiver = storage.receive()
    for _ in range(blocks):
        receiver.write(block)
    stored = receiver.commit()
    assert stored.sha256 == hashlib.sha256(block * blocks).hexdigest()
    assert storage.path_of(stored.key).stat().st_size == stored.size_bytes


def test_nothing_is_visible_before_the_commit(storage: LocalStorage) -> None:
    """A file that is still arriving has no key, only its temporary path."""
    receiver = storage.receive()
    receiver.write(b"half")
    assert list(storage.keys()) == []
    assert receiver.path.read_bytes() == b"half"
    receiver.abandon()


def test_a_reader_never_sees_half_a_file(storage: LocalStorage) -> None:
    """Whoever lists the keys while files are committed finds each one complete."""
    body = os.urandom(300_000)
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            keys = list(storage.keys())
            seen.extend(storage.path_of(key).stat().st_size for key in keys)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(40):
        receiver = storage.receive()
        receiver.write(body[:150_000])
        receiver.write(body[150_000:])
        receiver.commit()
    done.set()
    watcher.join()
    assert seen
    assert set(seen) == {len(body)}


def test_abandon_leaves_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    """An abandoned file is gone, a second time is no error, and writing on is one."""
    receiver = storage.receive()
    receiver.write(b"x" * 1000)
    receiver.abandon()
    receiver.abandon()
    assert _files(tmp_path) == []
    with pytest.raises(ValueError, match="closed"):
        receiver.write(b"more")


def test_abandon_after_commit_changes_nothing(storage: LocalStorage) -> None:
    """A committed file cannot be abandoned any more."""
    receiver = storage.receive()
    receiver.write(b"kept")
    stored = receiver.commit()
    receiver.abandon()
    assert storage.path_of(stored.key).read_bytes() == b"kept"


def test_what_waited_long_before_it_was_committed_is_young(storage: LocalStorage) -> None:
    """A recording can wait for hours for those that came with it: until its row is there too, it must not look like a leftover."""
    receiver = storage.receive()
    receiver.write(b"x")
    _age(receiver.path, 90_000)
    stored = receiver.commit()
    assert time.time() - storage.path_of(stored.key).stat().st_mtime < 3600


def test_remove_deletes_and_is_content_with_nothing(storage: LocalStorage) -> None:
    """A removed object is not found; removing it again is no error."""
    stored = _store(storage, b"x")
    storage.remove(stored)
    storage.remove(stored)
    with pytest.raises(CesarError, match="file_not_found"):
        storage.path_of(stored)


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "../secret",
        "a" * 31,
        "a" * 33,
        "A" * 32,
        "g" * 32,
        "a" * 32 + "\n",
        "/etc/passwd",
        "aa/../../secret",
    ],
)
def test_only_our_own_keys_are_looked_up(storage: LocalStorage, tmp_path: Path, key: str) -> None:
    """A key that is not 32 hex digits is not found and removes nothing."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with pytest.raises(CesarError, match="file_not_found"):
        storage.path_of(key)
    storage.remove(key)
    assert secret.exists()


def test_a_scratch_folder_is_private_and_goes_away(storage: LocalStorage) -> None:
    """It can be written, belongs to its owner alone, and is gone afterwards."""
    with storage.scratch() as folder:
        (folder / "samples").write_bytes(b"x")
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_a_failed_run_leaves_no_scratch_folder(storage: LocalStorage, tmp_path: Path) -> None:
    """The folder goes away when what was done in it raised."""
    with pytest.raises(ZeroDivisionError), storage.scratch() as folder:
        (folder / "samples").write_bytes(bytes(1 // 0))
    assert list((tmp_path / "media" / "scratch").iterdir()) == []


def test_the_sweep_spares_what_is_in_use_however_old(storage: LocalStorage) -> None:
    """A temporary file and a scratch folder of a living process stay."""
    receiver = storage.receive()
    with storage.scratch() as folder:
        _age(receiver.path, 90_000)
        _age(folder, 90_000)
        assert storage.sweep_incoming(3600) == 0
        assert folder.exists()
    assert receiver.path.exists()
    receiver.abandon()


def test_the_sweep_spares_what_is_young(storage: LocalStorage, tmp_path: Path) -> None:
    """What was made a moment ago stays, locked or not."""
    (tmp_path / "media" / "incoming" / "fresh.part").write_bytes(b"x")
    assert storage.sweep_incoming(3600) == 0


def test_the_sweep_removes_what_a_killed_process_left(storage: LocalStorage, tmp_path: Path) -> None:
    """After SIGKILL in the middle of an upload and a run, both leftovers go and the committed file stays."""
    kept = _store(storage, b"kept")
    program = (
        "import sys, time; from pathlib import Path; from app.infrastructure.storage.local import LocalStorage\n"
        "storage = LocalStorage(Path(sys.argv[1])); receiver = storage.receive(); receiver.write(b'half')\n"
        "scratch = storage.scratch(); folder = scratch.__enter__(); (folder / 'f').write_bytes(b'x')\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "media")], stdout=subprocess.PIPE, cwd=Path.cwd()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert storage.sweep_incoming(0) == 0
        process.kill()
    assert len(_files(tmp_path)) == 3
    assert storage.sweep_incoming(0) == 2
    assert _files(tmp_path) == [storage.path_of(kept)]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """Beyond the size a process may write, `write` raises disk_full; after abandon nothing is left, and smaller files still work."""
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from app.domain.errors import CesarError; from app.infrastructure.storage.local import LocalStorage\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "storage = LocalStorage(Path(sys.argv[1])); receiver = storage.receive()\n"
        "try:\n    receiver.write(bytes(60_000)); receiver.write(bytes(60_000))\n"
        "except CesarError as problem: print(problem.code)\n"
        "receiver.abandon(); receiver = storage.receive(); receiver.write(bytes(50_000)); print(receiver.commit().size_bytes)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "media")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["disk_full", "50000"]
    assert [path.stat().st_size for path in _files(tmp_path)] == [50_000]


def _store(storage: LocalStorage, body: bytes) -> str:
    receiver = storage.receive()
    receiver.write(body)
    return receiver.commit().key
