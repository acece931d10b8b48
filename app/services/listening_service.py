"""Owns listening to recordings that no Task decoded: what was imported gets its fingerprint when there is nothing else to do."""

from collections.abc import Callable, Sequence
from typing import Final

from app.core.logging import logger
from app.domain.errors import Cancelled, CesarError
from app.domain.lifecycle import JobStatus
from app.domain.ports import MediaTools, Storage
from app.domain.transcript import Segment
from app.services.sound_service import SoundService
from app.services.store import Store

_UNHEARABLE: Final = ("bad_media", "not_media", "too_long")
"""What is wrong with a recording today is wrong with it tomorrow."""


class ListeningService:
    """Decodes and listens to one File after the other, oldest first; each once. For one thread."""

    def __init__(self, store: Store, storage: Storage, media: MediaTools, sounds: SoundService) -> None:
        self._store = store
        self._storage = storage
        self._media = media
        self._sounds = sounds
        self._past = 0

    def listen_to_next(self, check: Callable[[], None]) -> bool:
        """Listen to the next File, unless Tasks or errands wait or run anywhere; whether there was one. Blocking.

        One that cannot be heard is left alone while this process lives, or for ever if that is its own fault.
        `check` is called several times a second; what it raises ends the listening, and the File's turn comes again.
        """
        with self._store.read() as tx:
            tasks = tx.tasks.count(JobStatus.QUEUED, JobStatus.DOWNLOADING, JobStatus.PROCESSING)
            is_busy = tasks or tx.errands.any_waiting() or tx.errands.leased()
            file = None if is_busy else tx.sounds.next_unheard(self._sounds.version, self._past)
            if file is None or file.storage_path is None:
                return False
            row, file_id, key = file.id, file.uuid, file.storage_path
        try:
            self._listen(file_id, key, check)
        except Cancelled:
            raise
        except Exception as problem:
            self._give_up(file_id, problem)
        self._past = row
        return True

    def _listen(self, file_id: str, key: str, check: Callable[[], None]) -> None:
        with self._storage.scratch() as folder:
            audio = self._media.decode(self._storage.path_of(key), folder / "audio.s16", _Quietly(check))
            self._sounds.listen(file_id, audio, check)

    def _give_up(self, file_id: str, problem: Exception) -> None:
        code = problem.code if isinstance(problem, CesarError) else type(problem).__name__
        logger.warning("recording_not_heard", file_id=file_id, problem=code)
        if code in _UNHEARABLE:
            with self._store.write() as tx:
                tx.sounds.store_nothing(tx.files.get(file_id), self._sounds.version)


class _Quietly:
    """`app.domain.ports.RunControl` of a step that nobody watches."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.check = check

    def fraction(self, done: float, message: str = "") -> None:
        """Nobody asks how far it is."""
        self.check()

    def segment(self, segment: Segment) -> None:
        """Nothing is transcribed."""

    def revise(self, segments: Sequence[Segment]) -> None:
        """Nothing is transcribed."""

    def warn(self, code: str, message: str | None = None) -> None:
        """Whoever transcribes the recording is told."""
