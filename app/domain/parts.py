"""Owns the seam to files that arrive in pieces: who may write, what is kept, and how a complete one becomes a stored object."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.domain.ports import StoredFile

CHECKSUMS = ("sha1", "sha256", "sha512")
"""Names, in Python's hashlib too, of the checksums that a piece may come with. They find damage, not deceit."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece has to add up to: a name of `CHECKSUMS` and the bytes of the sum."""

    algorithm: str
    digest: bytes


class GrowingFile(Protocol):
    """One file that its holder alone may change. Blocking; one call at a time. Let go of by `close`, or by the process's death."""

    @property
    def path(self) -> Path:
        """Where the bytes are (for a probe before `place`)."""

    @property
    def size(self) -> int:
        """How many bytes are there."""

    def is_wanted_elsewhere(self) -> bool:
        """Whether somebody else asked for this file since it was taken."""

    def cut(self, size: int) -> None:
        """Forget everything behind `size` bytes, and go on there."""

    def append(self, data: bytes) -> None:
        """Raises `CesarError("disk_full")`."""

    def sync(self) -> None:
        """Return when the disk has everything that was appended. Raises `CesarError("disk_full")`."""

    def place(self, go_on: Callable[[], bool]) -> StoredFile:
        """Make it a stored object, under its own name as key. Reads all of it again for the sha256.

        Raises `Cancelled` as soon as `go_on` says no, and `CesarError("disk_full")`; then it stays what it was.
        """

    def remove(self) -> None:
        """Delete what is not placed, and forget the name. For a file that nobody waits for any more."""

    def close(self) -> None:
        """Let others have it; safe to call twice."""


class GrowingFiles(Protocol):
    """All files that arrive in pieces. Names are 32 hex digits that the server chose."""

    def open(self, name: str) -> GrowingFile:
        """Take hold of a file, which is made if it is not there. Raises `CesarError`: `upload_busy` at once, `disk_full`."""

    def ask_for(self, name: str) -> None:
        """Tell whoever holds the file that somebody else wants it; who still receives bytes need not care."""

    def names(self) -> list[str]:
        """Every file that is not placed yet."""

    def free_bytes(self) -> int:
        """How much the disk has room for."""
