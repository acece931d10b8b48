"""Owns one connection's right to send a piece of an upload: what is written, what is kept, and who is told."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.errors import CesarError
from app.domain.parts import Checksum, GrowingFile
from app.services.store import Store
from app.services.upload_events import tell_uploading

KEEP_BYTES: Final = 16 << 20
KEEP_SECONDS: Final = 0.5
"""What came is kept, that is made durable and told, after so many bytes or so much time, whichever is first."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which bytes may still come: from `offset` to `length`, of one upload."""

    upload_id: str
    offset: int
    length: int


class PieceWriter:
    """Takes bytes from where the upload stands. Blocking; one call at a time; ends with `close`, whatever happened.

    The offset in the database never runs ahead of the disk. A piece with a checksum counts only as a whole.
    """

    def __init__(
        self,
        store: Store,
        file: GrowingFile,
        stretch: Stretch,
        *,
        lifetime: timedelta,
        checksum: Checksum | None,
        on_complete: Callable[[str], None],
    ) -> None:
        self._store = store
        self._file = file
        self._id, self._length = stretch.upload_id, stretch.length
        self._kept = self._written = stretch.offset
        self._lifetime = lifetime
        self._checksum = checksum
        self._digest = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)
        self._on_complete = on_complete
        self._kept_at = time.monotonic()
        self._is_open = True
        file.cut(self._kept)

    @property
    def offset(self) -> int:
        """How much is safe, in bytes."""
        return self._kept

    @property
    def room(self) -> int:
        """How many bytes may still come."""
        return self._length - self._written

    def is_wanted_elsewhere(self) -> bool:
        """Whether another connection asked to go on with this upload."""
        return self._file.is_wanted_elsewhere()

    def write(self, data: bytes) -> None:
        """Append. Raises `CesarError`: `disk_full`, `upload_not_found` if the upload was ended meanwhile."""
        self._file.append(data)
        self._written += len(data)
        if self._digest is not None:
            self._digest.update(data)
        waited = time.monotonic() - self._kept_at
        if self._written - self._kept >= KEEP_BYTES or waited >= KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Make durable what came, and count it unless it waits for its checksum. Raises as `write` does."""
        self._kept_at = time.monotonic()
        if self._written == self._kept:
            return
        self._file.sync()
        if self._digest is None:
            self._count(durable=False)

    def complete(self) -> None:
        """The piece is whole: what came counts. Raises `CesarError("checksum_mismatch")`, and as `write` does."""
        if self._checksum is not None and self._digest is not None:
            if self._digest.digest() != self._checksum.digest:
                raise CesarError("checksum_mismatch")
            self._digest = None
        self._file.sync()
        self._count(durable=True)

    def close(self) -> None:
        """Keep what came of a piece that was cut off, and let others go on."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._keep_rest()
        finally:
            self._file.close()
        if self._kept == self._length:
            self._on_complete(self._id)

    def _keep_rest(self) -> None:
        if self._digest is not None or self._written == self._kept:
            return
        try:
            self._file.sync()
            self._count(durable=True)
        except CesarError as problem:
            logger.warning("piece_not_kept", task_id=self._id, error_code=problem.code)

    def _count(self, *, durable: bool) -> None:
        expires_at = utc_now() + self._lifetime
        with self._store.write(durable=durable) as tx:
            is_wanted = tx.uploads.advance(self._id, self._kept, self._written, expires_at)
            if is_wanted and self._written > self._kept:
                tell_uploading(tx, tx.tasks.get(self._id), self._written, self._length)
        if not is_wanted:
            self._written = self._kept
            self._file.remove()
            raise CesarError("upload_not_found", "it was ended")
        self._kept = self._written
