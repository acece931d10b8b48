"""Owns the seam to what is made from recordings and can be made again: waveform peaks, and where they are kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Peaks:
    """The outline of a recording: for each stretch of `samples_per_point` samples its lowest and highest value.

    `values` holds the pairs one after the other, each from -128 to 127; `sample_rate` in Hertz.
    """

    sample_rate: int
    samples_per_point: int
    values: Sequence[int]


class PeakMaker(Protocol):
    """Makes outlines. Blocking."""

    def make(self, source: Path, target: BinaryIO, check: Callable[[], None]) -> None:
        """Write the finest outline of a recording, in memory that does not grow with its length.

        `check` is called several times a second and may raise to stop.
        Raises `CesarError`: `bad_media`, `not_media`, `too_long`, `disk_full`.
        """

    def read(self, made: Path, points: int) -> Peaks:
        """What `make` wrote, in at most so many points."""


class DerivedFiles(Protocol):
    """Keeps what was made from stored objects, beside them. Blocking; several processes may share it."""

    def find(self, key: str, kind: str) -> Path | None:
        """Where it is, if it was made."""

    def make(self, key: str, kind: str, make: Callable[[BinaryIO], None], check: Callable[[], None]) -> None:
        """Have it made, once, whoever else asks at the same time. Raises what `make` and `check` raise, `CesarError("disk_full")`."""

    def keys(self) -> Iterator[str]:
        """Of which objects something is kept."""

    def remove(self, key: str) -> None:
        """Forget everything that was made from an object."""
