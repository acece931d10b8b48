"""Owns the seam between the commands about folders and whoever keeps the library: a running server, or this process by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.client.recordings import Recording
from app.client.service import Accepted, Service
from app.domain.options import TranscriptionOptions


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of some files: the public ids of those that are in the library now, and a line for each that is not."""

    file_ids: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A recording that is in the library already, and whether it was ever to be transcribed."""

    file_id: str
    has_tasks: bool


class LibraryService(Service, Protocol):
    """Beside transcribing: takes recordings in, and transcribes what is there. Blocking; from one thread."""

    def known(self, sha256: str) -> KnownFile | None:
        """The File with these bytes. Raises `CesarError`, `Unreachable`."""

    def take_in(self, recordings: Sequence[Recording]) -> TakenIn:
        """One import Job for these files. Raises `CesarError` if none of them could be taken in; `Unreachable`."""

    def process(self, file_ids: Sequence[str], options: TranscriptionOptions) -> Accepted:
        """One Job that transcribes Files of the library. Raises `CesarError`, `Unreachable`."""
