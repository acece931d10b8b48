"""Owns what is kept of how a recording sounds, and the seam to whoever listens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.domain.ports import Audio


@dataclass(frozen=True, slots=True)
class SoundPrint:
    """A recording's fingerprint. Only prints of one `version` (the method) can be compared.

    `data` is the whole of it, for the finer comparison; `perceptual_hash` 256 bits as 64 hex digits, of which recordings that sound
    alike share more than half; `keys` are the numbers under which it is stored, `probes` those under which others like it may be.
    """

    version: int
    data: bytes
    perceptual_hash: str
    keys: tuple[int, ...]
    probes: tuple[int, ...]


class Listener(Protocol):
    """Makes fingerprints and compares them. Blocking; reads samples, never media."""

    @property
    def version(self) -> int:
        """That of the fingerprints it makes."""

    def fingerprint(self, audio: Audio, check: Callable[[], None]) -> SoundPrint | None:
        """How decoded speech sounds; None if there is too little to tell it from anything else. `check` is called often and may raise."""

    def likeness(self, one: bytes, other: bytes) -> float:
        """How alike the recordings of two prints' `data` are, 0..1: from 0.9 the same, below 0.6 different ones."""
