"""Owns importing a folder of this machine: every recording in it becomes a File, once; one that cannot be taken stops no other."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import BinaryIO, Final, Protocol

from app.core.logging import logger
from app.domain.errors import Cancelled, CesarError
from app.domain.filenames import safe_filename
from app.domain.ports import MediaTools, Receiver, Storage
from app.domain.time_text import EPOCH
from app.models import File
from app.services.errand_service import ErrandClaim, ErrandControl, ErrandOutcome
from app.services.file_rows import file_row
from app.services.store import Store, Transaction
from app.services.submission import ArrivedFile

_BLOCK_BYTES: Final = 1 << 20
_LONGEST_PATH: Final = 500
_CONCERN_ALL: Final = ("disk_full", "unavailable")
"""Failures that the next recording would meet as well."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A recording in a folder: where it is (absolute), its path below that folder, its size in bytes, when it changed.

    With a `problem` it is something that cannot be read, and why; it is found all the same, for people to hear of it.
    """

    path: str
    below: str
    size_bytes: int
    modified_ns: int
    problem: str | None = None


class Folders(Protocol):
    """Folders of this machine. Implementations check that nothing leads out of those that the admin allowed."""

    def find(self, folder: str) -> list[FoundFile]:
        """Every recording below a folder, by name, and what cannot be looked into. Raises `CesarError("folder_refused")`."""

    def open(self, found: FoundFile) -> AbstractContextManager[BinaryIO]:
        """Read one. Raises `CesarError`: `folder_refused` if it cannot be read as a plain file, `upload_interrupted` if it changes."""


class FolderImport:
    """The work of an import Job that names a folder. Recoverable: what was taken in is recognised when it begins again."""

    def __init__(
        self,
        store: Store,
        storage: Storage,
        media: MediaTools,
        folders: Folders,
        *,
        max_bytes: int,
        zone: tzinfo | None = None,
    ) -> None:
        self._store = store
        self._storage = storage
        self._media = media
        self._folders = folders
        self._max_bytes = max_bytes
        self._zone = zone

    def run(self, claim: ErrandClaim, control: ErrandControl) -> ErrandOutcome:
        """To the end. Raises `CesarError` for what concerns the whole folder; `Cancelled`."""
        found = self._folders.find(str(claim.request["folder"]))
        failures: list[tuple[str, CesarError]] = []
        for done, one in enumerate(found):
            control.count(done, len(found))
            try:
                self._take(claim, one, control)
            except CesarError as problem:
                if problem.code in _CONCERN_ALL:
                    raise
                failures.append((one.below, problem))
        return ErrandOutcome(len(found), tuple(failures))

    def _take(self, claim: ErrandClaim, one: FoundFile, control: ErrandControl) -> None:
        with self._store.read() as tx:
            file = tx.imports.known(one.path, one.size_bytes, one.modified_ns)
        if file is not None:
            with self._store.write() as tx:
                self._include(tx, claim, file)
            return
        receiver = self._storage.receive()
        try:
            self._copy(one, receiver, control)
            facts = self._media.probe(receiver.path)
            control.check()
            arrived = ArrivedFile(safe_filename(one.below), receiver.commit(), facts, _moment(one.modified_ns))
        finally:
            receiver.abandon()
        self._keep(claim, one, arrived)

    def _copy(self, one: FoundFile, receiver: Receiver, control: ErrandControl) -> None:
        if one.size_bytes > self._max_bytes:
            raise CesarError("too_large", f"{one.size_bytes} bytes")
        copied = 0
        with self._folders.open(one) as source:
            while block := source.read(_BLOCK_BYTES):
                control.check()
                copied += len(block)
                if copied > self._max_bytes:
                    raise CesarError("too_large", f"more than {self._max_bytes} bytes")
                receiver.write(block)

    def _keep(self, claim: ErrandClaim, one: FoundFile, arrived: ArrivedFile) -> None:
        try:
            with self._store.write(durable=True) as tx:
                file, is_new = keep_imported(tx, arrived, one.below, self._zone)
                tx.imports.remember(one.path, one.size_bytes, one.modified_ns, file)
                self._include(tx, claim, file)
        except BaseException:
            self._storage.remove(arrived.stored.key)
            raise
        if not is_new:
            self._storage.remove(arrived.stored.key)
        logger.info("file_imported", job_id=claim.lease.job_id, file_id=file.uuid, new=is_new)

    def _include(self, tx: Transaction, claim: ErrandClaim, file: File) -> None:
        if not tx.errands.holds(claim.lease):
            raise Cancelled
        tx.errands.include(claim.lease.job_id, file)


def keep_imported(
    tx: Transaction, arrived: ArrivedFile, below: str = "", zone: tzinfo | None = None
) -> tuple[File, bool]:
    """The File for bytes that arrived, and whether it is a new one: the same recording is in the library once.

    Args:
        below: where it was, below the folder that was imported.
        zone: of times without an offset (None: this machine's).
    """
    same = tx.imports.same_bytes(arrived.stored.sha256)
    if same is not None:
        same.imported = True
        return same, False
    row = file_row(arrived, zone)
    row.imported = True
    row.original_path = _relative(below.split("/")) or row.original_path
    return tx.files.add(row), True


def _moment(nanoseconds: int) -> datetime | None:
    """When it changed; None for what no calendar has: disks that lie about times must not keep a recording out."""
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None


def _relative(parts: Sequence[str]) -> str:
    """A path that may be stored and shown; "" for one that is too long."""
    path = "/".join(safe_filename(part) for part in parts if part)
    return path if len(path) <= _LONGEST_PATH else ""
