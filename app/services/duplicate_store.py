"""Owns the seam to the database for recordings that are in the library more than once: pairs, fingerprints, finished transcripts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.sound import SoundPrint
from app.models import File, Task
from app.services.library_store import PairOfFiles

EXACT = "exact"
PERCEPTUAL = "perceptual"


@dataclass(frozen=True, slots=True)
class KnownBytes:
    """Bytes that are in the library: the public id of the File that stands for them, and their sha256."""

    file_id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SimilarFile:
    """A File that may sound like another: its row id, and how many search keys they share."""

    row: int
    shared: int
    perceptual_hash: str | None
    sha256: str | None


class Duplicates(Protocol):
    """Files that are the same recording."""

    def oldest_with_same_bytes(self, file: File) -> File | None:
        """The oldest other File with the same sha256."""

    def repeated(self, hashes: Collection[str]) -> frozenset[str]:
        """Of these sha256 those that more than one File has."""

    def taken_up(self, hashes: Collection[str]) -> frozenset[str]:
        """Of these sha256 those that more than one Task is about which did not fail and was not cancelled."""

    def add(self, file: File, duplicate_of: File, match_type: str, score: float) -> None:
        """Write down that a File is the same as an older one; a pair that is known already stays as it is."""

    def finished_tasks(self, sha256: str) -> list[Task]:
        """Completed Tasks about these bytes, newest first; the first twenty."""

    def transcripts(self, hashes: Collection[str], named: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Completed Tasks (public ids) by these sha256, newest first: the two newest of each, and those that are named."""

    def tasks(self, task_ids: Collection[str]) -> list[Task]:
        """These Tasks (public ids), oldest first; those that are gone are left out."""

    def earlier_task(self, task: Task, sha256: str) -> Task | None:
        """The newest other Task about these bytes that did not fail and was not cancelled; a completed one if there is any."""

    def known_bytes(self, file_ids: Collection[str]) -> Mapping[str, KnownBytes]:
        """Of these Files (public ids) those whose bytes an older one has: the oldest."""

    def transcribed(self, file_ids: Collection[str]) -> Mapping[str, KnownBytes]:
        """Of these Files (public ids) those that a completed Task is about: themselves."""

    def pairs(self) -> list[tuple[int, int]]:
        """All pairs, by row ids."""

    def pairs_among(self, rows: Collection[int]) -> list[PairOfFiles]:
        """The pairs of these Files (row ids), oldest first."""

    def files(self, rows: Collection[int]) -> list[File]:
        """Files by row ids, oldest first; those that are gone are left out."""


class Sounds(Protocol):
    """How Files sound."""

    def has(self, file: File, version: int) -> bool:
        """Whether its fingerprint of this version is stored."""

    def store(self, file: File, sound: SoundPrint) -> None:
        """Keep a File's fingerprint in the place of any other."""

    def store_nothing(self, file: File, version: int) -> None:
        """Keep that there is nothing in it to tell it from anything else, so that nobody listens to it again."""

    def next_unheard(self, version: int, after: int) -> File | None:
        """The first File with bytes and without a fingerprint of this version, by row id, beyond `after`."""

    def copy(self, source: File, target: File) -> None:
        """Give a File the fingerprint, if there is one, of another one with the same bytes."""

    def candidates(self, file: File, probes: Sequence[int]) -> list[SimilarFile]:
        """Other Files under whose keys these are, most in common first; the time it takes does not grow with their number."""

    def data(self, rows: Collection[int], version: int) -> dict[int, bytes]:
        """Stored fingerprints of this version, by row id."""


class DuplicateAccess(Protocol):
    """What a transaction can do about duplicates."""

    @property
    def duplicates(self) -> Duplicates:
        """Duplicates within this transaction."""

    @property
    def sounds(self) -> Sounds:
        """Fingerprints within this transaction."""
