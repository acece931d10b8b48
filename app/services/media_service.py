"""Owns the way out of recordings: where the bytes of a File are, and what may be said about them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.domain.errors import CesarError
from app.domain.filenames import safe_filename
from app.domain.lifecycle import FINISHED
from app.domain.ports import Storage
from app.models import File
from app.services.store import Store, Transaction

_UNKNOWN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """Bytes at rest. `mime_type` is what probing found, `sha256` None only for what an old release took in."""

    key: str
    path: Path
    filename: str
    mime_type: str
    sha256: str | None


class MediaService:
    """Finds recordings. Blocking."""

    def __init__(self, store: Store, storage: Storage) -> None:
        self._store = store
        self._storage = storage

    def recording(self, file_id: str) -> StoredRecording:
        """The recording of a File.

        Raises:
            CesarError: `file_not_found`, `media_not_ready` while it is on its way, `media_gone` when its bytes were removed.
        """
        with self._store.read() as tx:
            file = tx.files.get(file_id)
            key, name, kind, sha256 = file.storage_path, file.original_filename, file.mime_type, file.file_hash_sha256
            if key is None:
                raise _absence(tx, file)
        return StoredRecording(key, self._path_of(key), safe_filename(name), kind or _UNKNOWN, sha256)

    def _path_of(self, key: str) -> Path:
        try:
            return self._storage.path_of(key)
        except CesarError:
            raise CesarError("media_gone", "its bytes are missing") from None


def _absence(tx: Transaction, file: File) -> CesarError:
    if file.media_removed_at is not None:
        return CesarError("media_gone")
    is_coming = any(task.status not in FINISHED for task in tx.keeping.tasks_of(file))
    return CesarError("media_not_ready", None if is_coming else "it never arrived; a retry of its task fetches it")
