"""Owns where media rests on a local disk: incoming/ while bytes arrive, ab/<32 hex digits> once they are complete, scratch/ for runs."""

import fcntl
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from app.domain.errors import CesarError
from app.domain.ports import StoredFile
from app.infrastructure.storage.derived import remove_derived
from app.infrastructure.storage.disk import private, reporting_full_disk, settle

FLUSH_BYTES: Final = 16 << 20
"""How much may wait in the system's cache: a large file's last fsync would otherwise hold up every commit of the database."""
_KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHARD: Final = re.compile(r"[0-9a-f]{2}", re.ASCII)


class LocalStorage:
    """The `Storage` port on one folder. Several processes may share it; everything inside is readable by its owner alone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._scratch = root / "scratch"
        for folder in (root, self._incoming, self._scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def receive(self) -> "LocalReceiver":
        """Open a place for one incoming file. Raises `CesarError("disk_full")`."""
        return LocalReceiver(self._root, self._incoming / f"{uuid4().hex}.part")

    def path_of(self, key: str) -> Path:
        """Local path of a stored object. Raises `CesarError("file_not_found")` if the key is not one of ours or is gone."""
        if not _KEY.fullmatch(key):
            raise CesarError("file_not_found")
        path = _place(self._root, key)
        if not path.is_file():
            raise CesarError("file_not_found")
        return path

    def remove(self, key: str) -> None:
        """Delete an object and what was made from it; one that is already gone, or never was ours, is no error."""
        if _KEY.fullmatch(key):
            _place(self._root, key).unlink(missing_ok=True)
            remove_derived(self._root, key)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A private folder for one run, removed afterwards. Raises `CesarError("disk_full")`."""
        folder = self._scratch / uuid4().hex
        with reporting_full_disk():
            folder.mkdir(mode=0o700)
        with _claimed(folder):
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def keys(self) -> Iterator[str]:
        """Every stored object's key."""
        for shard in sorted(self._root.iterdir()):
            if _SHARD.fullmatch(shard.name) and shard.is_dir():
                yield from sorted(path.name for path in shard.iterdir() if _KEY.fullmatch(path.name))

    def sweep_incoming(self, older_than_seconds: float) -> int:
        """Delete temporary files and scratch folders whose process is dead; how many there were.

        A living process holds a lock on each of its own, so nothing in use is touched however old it is; the age
        only spares what was made a moment ago and is not locked yet.
        """
        before = time.time() - older_than_seconds
        leftovers = [*self._incoming.iterdir(), *self._scratch.iterdir()]
        return sum(_sweep(path, before) for path in leftovers)


class LocalReceiver:
    """The `Receiver` port: one temporary file, hashed while it is written. Calls from several threads wait for each other."""

    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._lock = threading.Lock()
        self._hash = hashlib.sha256()
        self._size = 0
        self._unflushed = 0
        with reporting_full_disk():
            self._file = open(path, "xb", buffering=0, opener=private)  # noqa: SIM115 - closed by commit or abandon
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def path(self) -> Path:
        """Where the bytes are while they arrive."""
        return self._path

    def write(self, data: bytes) -> None:
        """Append. Raises `CesarError("disk_full")`; ValueError after `commit` or `abandon`."""
        with self._lock, reporting_full_disk():
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
            self._hash.update(data)
            self._size += len(data)
            self._flush(len(data))

    def commit(self) -> StoredFile:
        """fsync, then an atomic rename into place. Raises `CesarError("disk_full")`; ValueError if called twice."""
        key = uuid4().hex
        place = _place(self._root, key)
        with self._lock, reporting_full_disk():
            os.fsync(self._file)
            settle(self._path, place)
            self._file.close()
        return StoredFile(key=key, size_bytes=self._size, sha256=self._hash.hexdigest())

    def abandon(self) -> None:
        """Forget everything that was written; safe to call at any time, also after `commit` (then it does nothing)."""
        with self._lock:
            if not self._file.closed:
                self._file.close()
                self._path.unlink(missing_ok=True)

    def _flush(self, written: int) -> None:
        self._unflushed += written
        if self._unflushed >= FLUSH_BYTES:
            os.fdatasync(self._file)
            self._unflushed = 0


def _place(root: Path, key: str) -> Path:
    return root / key[:2] / key


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _sweep(path: Path, before: float) -> bool:
    with suppress(OSError):  # taken, renamed or removed by somebody else in the meantime
        if path.stat().st_mtime > before:
            return False
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            return True
        finally:
            os.close(descriptor)
    return False
