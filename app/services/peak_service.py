"""Owns the outlines of recordings for those who draw them: made when first asked for, once, and few at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import BinaryIO, Final

from app.domain.derived import DerivedFiles, PeakMaker, Peaks
from app.domain.errors import Cancelled, CesarError
from app.services.media_service import MediaService, StoredRecording

KIND: Final = "peaks1"
"""Names the way in which they are made: another way gets another name, and nothing old is taken for it."""

_AT_ONCE: Final = 2
"""Each decodes with a processor of its own, beside the worker: more would take the sockets' share, and one would hold up all others
behind a recording of a whole day."""

_MOST_WAITING: Final = 100


class PeakService:
    """Hands out outlines without holding up an event loop."""

    def __init__(self, recordings: MediaService, derived: DerivedFiles, maker: PeakMaker) -> None:
        self._recordings = recordings
        self._derived = derived
        self._maker = maker
        self._making = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="peaks")
        self._closing = Event()
        self._wanted: dict[str, asyncio.Future[None]] = {}

    async def of(self, file_id: str, points: int) -> Peaks:
        """The outline of a recording in at most so many points.

        Raises:
            CesarError: `file_not_found`, `media_not_ready`, `media_gone`, `bad_media`, `too_many_requests`, `disk_full`, `unavailable`.
        """
        recording = await asyncio.to_thread(self._recordings.recording, file_id)
        try:
            made = await asyncio.to_thread(self._derived.find, recording.key, KIND)
            if made is None:
                await asyncio.shield(self._making_of(recording))
                made = await asyncio.to_thread(self._derived.find, recording.key, KIND)
            if made is None:  # deleted meanwhile
                raise CesarError("media_gone")
            return await asyncio.to_thread(self._maker.read, made, points)
        except FileNotFoundError:
            raise CesarError("media_gone") from None
        except Cancelled:
            raise CesarError("unavailable", "the server stops") from None

    def close(self) -> None:
        """Stop what is being made."""
        self._closing.set()
        self._making.shutdown(wait=False, cancel_futures=True)

    def _making_of(self, recording: StoredRecording) -> "asyncio.Future[None]":
        """One making for all who ask while it lasts; it goes on when they leave, because somebody will ask again."""
        making = self._wanted.get(recording.key)
        if making is None:
            self._check()
            if len(self._wanted) >= _MOST_WAITING:
                raise CesarError("too_many_requests", "too many outlines are being made")
            loop = asyncio.get_running_loop()
            making = self._wanted[recording.key] = loop.run_in_executor(self._making, self._make, recording)
            making.add_done_callback(partial(self._forget, recording.key))
        return making

    def _forget(self, key: str, making: "asyncio.Future[None]") -> None:
        del self._wanted[key]
        if not making.cancelled():
            making.exception()  # told to those who wait, if any still do

    def _make(self, recording: StoredRecording) -> None:
        def check() -> None:
            self._check()
            if not recording.path.exists():  # deleted: nobody will ask for it again
                raise CesarError("media_gone")

        def make(target: BinaryIO) -> None:
            self._maker.make(recording.path, target, check)

        self._derived.make(recording.key, KIND, make, check)

    def _check(self) -> None:
        if self._closing.is_set():
            raise Cancelled
