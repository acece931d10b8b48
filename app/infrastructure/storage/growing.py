"""Owns files that arrive in pieces: uploads/<32 hex digits> until they are complete, one writer at a time, whichever process it is in.

Beside each file rests an empty one, `<32 hex digits>.lock`. Its lock is the right to write; it ends with the process that has it, so
nothing is ever left locked. Its time is when somebody last asked for that right.
"""

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

from app.domain.errors import Cancelled, CesarError
from app.domain.ports import StoredFile
from app.infrastructure.storage.disk import private, reporting_full_disk, settle, sync_folder

_NAME: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LOCK: Final = ".lock"
_BLOCK_BYTES: Final = 1 << 20


class LocalGrowingFiles:
    """The `GrowingFiles` port on the folder that `LocalStorage` has as well. Several processes may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "uploads"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def open(self, name: str) -> "LocalGrowingFile":
        """Take hold of a file, which is made if it is not there. Raises `CesarError`: `upload_busy`, `disk_full`."""
        if not _NAME.fullmatch(name):
            raise ValueError("not a name of ours")
        right = _take(self._folder / (name + _LOCK))
        try:
            return LocalGrowingFile(right, self._folder / name, self._root / name[:2] / name)
        except BaseException:
            right.close()
            raise

    def ask_for(self, name: str) -> None:
        """Tell whoever holds the file that somebody else wants it."""
        with suppress(FileNotFoundError):  # nobody holds it
            os.utime(self._folder / (name + _LOCK))

    def names(self) -> list[str]:
        """Every file that is not placed yet, and what a process that was killed left of others."""
        names = {path.name.removesuffix(_LOCK) for path in self._folder.iterdir()}
        return sorted(filter(_NAME.fullmatch, names))

    def changed_at(self, name: str) -> float:
        """When bytes last came, in seconds since 1970."""
        try:
            return (self._folder / name).stat().st_mtime
        except FileNotFoundError:  # only its lock is left, or it has gone
            return time.time()

    def free_bytes(self) -> int:
        """How much the disk has room for."""
        return shutil.disk_usage(self._folder).free


class LocalGrowingFile:
    """The `GrowingFile` port. `right` is the locked file; under it the choice between a part and a placed file cannot change."""

    def __init__(self, right: FileIO, part: Path, placed: Path) -> None:
        self._right = right
        self._part = part
        self._placed = placed
        self._asked = os.fstat(right.fileno()).st_mtime_ns
        # Placed already: a process was killed before it could tell the database.
        self._path = placed if placed.exists() and not part.exists() else part
        with reporting_full_disk():
            self._file = _open(self._path)
            if self.size == 0:
                sync_folder(part.parent)

    @property
    def path(self) -> Path:
        """Where the bytes are."""
        return self._path

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return os.fstat(self._file.fileno()).st_size

    def is_wanted_elsewhere(self) -> bool:
        """Whether somebody else asked for this file since it was taken."""
        return os.fstat(self._right.fileno()).st_mtime_ns != self._asked

    def cut(self, size: int) -> None:
        """Forget everything behind `size` bytes, and go on there."""
        with reporting_full_disk():
            self._file.truncate(size)
            self._file.seek(size)

    def append(self, data: bytes) -> None:
        """Raises `CesarError("disk_full")`."""
        left = memoryview(data)
        with reporting_full_disk():
            while left:
                left = left[self._file.write(left) :]

    def sync(self) -> None:
        """Return when the disk has everything that was appended. Raises `CesarError("disk_full")`."""
        with reporting_full_disk():
            os.fdatasync(self._file)

    def place(self, go_on: Callable[[], bool]) -> StoredFile:
        """Make it a stored object (see the port); one that is placed already is only read."""
        sha256 = self._sha256(go_on)
        if self._path != self._placed:
            with reporting_full_disk():
                os.fsync(self._file)
                settle(self._part, self._placed)
            self._path = self._placed
        return StoredFile(self._placed.name, self.size, sha256)

    def remove(self) -> None:
        """Delete what is not placed; its name is free."""
        self._part.unlink(missing_ok=True)
        Path(os.fsdecode(self._right.name)).unlink(missing_ok=True)

    def close(self) -> None:
        """Let others have it; safe to call twice."""
        self._file.close()
        self._right.close()

    def _sha256(self, go_on: Callable[[], bool]) -> str:
        digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK_BYTES))
        self._file.seek(0)
        while read := self._file.readinto(block):
            if not go_on():
                raise Cancelled
            digest.update(block[:read])
        return digest.hexdigest()


def _take(lock: Path) -> FileIO:
    """The file, locked. Raises `CesarError("upload_busy")` if somebody else has it."""
    while True:
        with reporting_full_disk():
            right = _open(lock)
        try:
            fcntl.flock(right, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            right.close()
            raise CesarError("upload_busy") from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(right.fileno()), lock.stat()):
                return right
        right.close()  # between opening and locking it was removed together with what it stood for


def _open(path: Path) -> FileIO:
    return FileIO(path, "r+", opener=lambda name, flags: private(name, flags | os.O_CREAT))
