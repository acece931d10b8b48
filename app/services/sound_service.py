"""Owns listening: what was decoded gets its fingerprint, once for each File, and others that sound alike are written down."""

from collections.abc import Callable
from typing import Final

from app.core.logging import logger
from app.domain.errors import Cancelled
from app.domain.ports import Audio
from app.domain.sound import Listener, SoundPrint
from app.models import File
from app.services.duplicate_store import PERCEPTUAL, SimilarFile
from app.services.store import Store

_COMPARED: Final = 16
"""How many candidates the finer comparison looks at."""

_HASH_BITS: Final = 256
_BITS_PER_KEY: Final = 8
"""So many bits of the perceptual hash in common beyond chance say as much as one key in common."""


class SoundService:
    """Finds near-duplicates in a worker. `similarity` is what two recordings must reach to count as the same."""

    def __init__(self, store: Store, listener: Listener, similarity: float) -> None:
        self._store = store
        self._listener = listener
        self._similarity = similarity

    @property
    def version(self) -> int:
        """That of the fingerprints it makes."""
        return self._listener.version

    def hear(self, task_id: str, audio: Audio, check: Callable[[], None]) -> None:
        """Listen to a Task's decoded recording, unless that was done before. Blocking.

        Raises nothing but what `check` raises: it must not cost a run.
        """
        try:
            with self._store.read() as tx:
                file = tx.tasks.get(task_id).file
                file_id, known = file.uuid, tx.sounds.has(file, self.version)
            if not known:
                self.listen(file_id, audio, check)
        except Cancelled:
            raise
        except Exception:
            logger.exception("fingerprint_failed", task_id=task_id)

    def listen(self, file_id: str, audio: Audio, check: Callable[[], None]) -> None:
        """Keep how a File's decoded recording sounds, and write down what sounds like it. Blocking.

        Raises:
            CesarError: `file_not_found`.
        """
        sound = self._listener.fingerprint(audio, check)
        with self._store.write() as tx:
            # Stored before the search: of two workers that hear two copies at once, one finds the other.
            file = tx.files.get(file_id)
            if sound is None:
                tx.sounds.store_nothing(file, self.version)
            else:
                tx.sounds.store(file, sound)
        alike = self.search(file, sound) if sound is not None else {}
        if alike:
            self._note(file, alike)
        logger.info("fingerprinted", file_id=file_id, alike=len(alike))

    def search(self, file: File, sound: SoundPrint) -> dict[int, float]:
        """Other Files that sound like this one, by row id, and how alike they are (0..1). Files of equal bytes are left out."""
        with self._store.read() as tx:
            found = [
                other
                for other in tx.sounds.candidates(file, sound.probes)
                if other.sha256 is None or other.sha256 != file.file_hash_sha256
            ]
            likely = sorted(found, key=lambda other: -likelihood(sound.perceptual_hash, other))[:_COMPARED]
            prints = tx.sounds.data([other.row for other in likely], sound.version)
        scores = {row: self._listener.likeness(sound.data, data) for row, data in prints.items()}
        return {row: score for row, score in scores.items() if score >= self._similarity}

    def _note(self, file: File, alike: dict[int, float]) -> None:
        with self._store.write() as tx:
            present = {other.id: other for other in tx.duplicates.files([file.id, *alike])}
            if file.id not in present:
                return
            for row, score in alike.items():
                if row in present:
                    newer, older = present[max(row, file.id)], present[min(row, file.id)]
                    tx.duplicates.add(newer, older, PERCEPTUAL, round(score, 4))


def likelihood(perceptual_hash: str, other: SimilarFile) -> float:
    """How much speaks for a candidate, in keys: those in common, and how alike the perceptual hashes are."""
    if other.perceptual_hash is None:
        return float(other.shared)
    distance = (int(perceptual_hash, 16) ^ int(other.perceptual_hash, 16)).bit_count()
    return other.shared + (_HASH_BITS / 2 - distance) / _BITS_PER_KEY
