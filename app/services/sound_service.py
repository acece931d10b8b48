"""Owns listening: what was decoded gets its fingerprint, once for each File, and others that sound alike are written down."""

from collections.abc import Callable, Mapping
from typing import Final

from app.core.logging import logger
from app.domain.errors import Cancelled
from app.domain.ports import Audio
from app.domain.sound import Listener, SoundPrint
from app.models import File
from app.services.duplicate_store import PERCEPTUAL, SimilarFile
from app.services.store import Store, Transaction

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
        if sound is None:
            with self._store.write() as tx:
                tx.sounds.store_nothing(tx.files.get(file_id), self.version)
            return
        with self._store.read() as tx:
            compared = self._compare(tx, tx.files.get(file_id), sound, {})
        with self._store.write() as tx:
            file = tx.files.get(file_id)
            tx.sounds.store(file, sound)
            # In the same transaction, or a death in between would lose them; and of two workers that hear two copies
            # at once, the second to store finds the first. What was compared before holds nobody up.
            alike = self._alike(self._compare(tx, file, sound, compared))
            self._note(tx, file, alike)
        logger.info("fingerprinted", file_id=file_id, alike=len(alike))

    def search(self, file: File, sound: SoundPrint) -> dict[int, float]:
        """Other Files that sound like this one, by row id, and how alike they are (0..1). Files of equal bytes are left out."""
        with self._store.read() as tx:
            return self._alike(self._compare(tx, file, sound, {}))

    def _compare(self, tx: Transaction, file: File, sound: SoundPrint, known: Mapping[int, float]) -> dict[int, float]:
        """How alike the likeliest others are; what is known is not compared again."""
        found = [
            other
            for other in tx.sounds.candidates(file, sound.probes)
            if other.sha256 is None or other.sha256 != file.file_hash_sha256
        ]
        likely = sorted(found, key=lambda other: -likelihood(sound.perceptual_hash, other))[:_COMPARED]
        prints = tx.sounds.data([other.row for other in likely if other.row not in known], sound.version)
        fresh = {row: self._listener.likeness(sound.data, data) for row, data in prints.items()}
        return fresh | {other.row: known[other.row] for other in likely if other.row in known}

    def _alike(self, compared: Mapping[int, float]) -> dict[int, float]:
        return {row: score for row, score in compared.items() if score >= self._similarity}

    def _note(self, tx: Transaction, file: File, alike: Mapping[int, float]) -> None:
        for other in tx.duplicates.files(list(alike)):
            newer, older = (other, file) if other.id > file.id else (file, other)
            tx.duplicates.add(newer, older, PERCEPTUAL, round(alike[other.id], 4))


def likelihood(perceptual_hash: str, other: SimilarFile) -> float:
    """How much speaks for a candidate, in keys: those in common, and how alike the perceptual hashes are."""
    if other.perceptual_hash is None:
        return float(other.shared)
    distance = (int(perceptual_hash, 16) ^ int(other.perceptual_hash, 16)).bit_count()
    return other.shared + (_HASH_BITS / 2 - distance) / _BITS_PER_KEY
