"""Owns the fingerprint of a recording: what stays of its sound however it is encoded, and the keys by which others like it are found.

The method follows J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): differences of energy
between neighbouring bands, and how they change with time, survive encoders, resamplers and gain. Three things are different here,
because recordings are short and hold speech. The differences are kept with 4 bits each and not as signs alone, so that the finer
comparison can weigh them. Search keys are the signs of their change over a quarter of a second, of which a sample is stored that is
chosen by the keys themselves (bottom-k sampling, A. Broder, "On the resemblance and containment of documents", 1997): a recording
that was trimmed gives the same ones. And the summary of 256 bits is a SimHash of all keys (M. Charikar, "Similarity Estimation
Techniques from Rounding Algorithms", 2002).
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.domain.ports import Audio
from app.domain.sound import SoundPrint
from app.infrastructure.media.likeness import likeness

VERSION: Final = 1
SAMPLE_RATE: Final = 16_000
WINDOW: Final = 4096
"""Samples looked at together: a quarter of a second, long enough that it hardly matters where exactly it begins."""
HOP: Final = 1024
LOWEST_HERTZ: Final = 300
HIGHEST_HERTZ: Final = 3000
"""The part of speech that every telephone, microphone and encoder lets through."""
BANDS: Final = 17
VALUES: Final = BANDS - 1

_FLOOR: Final = 0.01
"""Of a frame's energy: bands 20 dB below it are what encoders leave out first."""
_STEPS_PER_OCTAVE: Final = 1.5
_LARGEST: Final = 7
_SILENCE: Final = 1e3
"""Energy added to every frame; that of one changing least significant bit."""
_BLOCK_FRAMES: Final = 512

_LAG: Final = 4
"""Frames from one window to the next that shares no sample with it."""
_AUDIBLE_DECIBELS: Final = 25.0
_NEIGHBOURHOOD: Final = 24
"""Frames on either side whose loudest says what is audible; a measure over the whole recording would change when it is trimmed."""
_STORED_KEYS: Final = 64
_UNSURE_BITS: Final = 2
"""Of every key looked for, the bits nearest to turning are tried both ways (Haitsma and Kalker, section 6)."""
_FEWEST_KEYS: Final = 5
_BUCKET_SECONDS: Final = 10
"""Keys hold the length too, in such steps: twice 2 s of trimming lead to a neighbouring one at most."""
_KEY_BITS: Final = 16


def _nothing_to_stop_for() -> None:
    """Somebody listens who has the time."""


class SpectralListener:
    """`app.domain.sound.Listener` on numpy: half a percent of real time at most, some MiB of memory for an hour."""

    version = VERSION

    def fingerprint(self, audio: Audio, check: Callable[[], None] = _nothing_to_stop_for) -> SoundPrint | None:
        """How decoded speech sounds; None for less than a second, silence, or a lasting tone."""
        frames = []
        for block in _frames(audio.path):
            check()
            frames.append(block)
        if not frames:
            return None
        values = np.concatenate([part for part, _ in frames])
        levels = np.concatenate([part for _, part in frames])
        changes = _audible_changes(values, levels)
        words = _words(changes)
        distinct, first = np.unique(words, return_index=True)
        if len(distinct) < _FEWEST_KEYS:
            return None
        chosen = np.argsort(_scattered(distinct), kind="stable")[:_STORED_KEYS]
        seconds = len(values) * HOP / SAMPLE_RATE
        return SoundPrint(
            version=VERSION,
            data=_packed(values, levels),
            perceptual_hash=_summary(distinct),
            keys=tuple(_key(int(word), int(seconds // _BUCKET_SECONDS)) for word in distinct[chosen]),
            probes=tuple(_probes(distinct[chosen], changes[first[chosen]], seconds)),
        )

    def likeness(self, one: bytes, other: bytes) -> float:
        """How alike two recordings are, by their prints' `data`, 0..1."""
        return likeness(one, other)


def _frames(path: Path) -> Iterator[tuple[NDArray[np.int8], NDArray[np.uint8]]]:
    """Values (frames x 16, -7..7) and levels (decibels) of raw 16-bit samples, in blocks that fit any memory."""
    size = path.stat().st_size // 2
    if size < WINDOW:
        return
    samples = np.memmap(path, dtype="<i2", mode="r", shape=(size,))
    count = (size - WINDOW) // HOP + 1
    for begin in range(0, count, _BLOCK_FRAMES):
        end = min(begin + _BLOCK_FRAMES, count)
        yield _spectra(np.asarray(samples[begin * HOP : (end - 1) * HOP + WINDOW], dtype=np.float32))


def _spectra(samples: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP] * _TAPER
    spectrum = np.fft.rfft(windows, axis=1)[:, : _EDGES[-1]]
    power = spectrum.real**2 + spectrum.imag**2
    energy = np.add.reduceat(power, _EDGES[:-1], axis=1)
    total = energy.sum(axis=1, keepdims=True) + _SILENCE
    loudness = np.log2(energy / total + _FLOOR)
    steps = np.rint((loudness[:, :-1] - loudness[:, 1:]) * _STEPS_PER_OCTAVE)
    levels = np.rint(10 * np.log10(total[:, 0]))
    return np.clip(steps, -_LARGEST, _LARGEST).astype(np.int8), np.clip(levels, 0, 255).astype(np.uint8)


def _packed(values: NDArray[np.int8], levels: NDArray[np.uint8]) -> bytes:
    """Nine bytes a frame: two values in each of eight, then the level."""
    halves = (values + 8).astype(np.uint8)
    return np.column_stack((halves[:, 0::2] << 4 | halves[:, 1::2], levels)).tobytes()


def _audible_changes(values: NDArray[np.int8], levels: NDArray[np.uint8]) -> NDArray[np.int8]:
    if len(values) <= _LAG:
        return np.zeros((0, VALUES), dtype=np.int8)
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(levels, _NEIGHBOURHOOD, mode="edge"), 2 * _NEIGHBOURHOOD + 1
    )
    audible: NDArray[np.bool_] = levels > around.max(axis=1) - _AUDIBLE_DECIBELS
    changes: NDArray[np.int8] = values[_LAG:] - values[:-_LAG]
    heard: NDArray[np.int8] = changes[audible[_LAG:] | audible[:-_LAG]]
    return heard


def _words(changes: NDArray[np.int8]) -> NDArray[np.int64]:
    """One bit for each value: whether it grew."""
    words: NDArray[np.int64] = np.packbits(changes > 0, axis=1, bitorder="little").view("<u2")[:, 0].astype(np.int64)
    return words


def _scattered(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """An order that has nothing to do with what the words mean (Knuth's multiplicative hash)."""
    return (words * 2_654_435_761) % (1 << 32)


def _key(word: int, bucket: int) -> int:
    return bucket << _KEY_BITS | word


def _probes(words: NDArray[np.int64], changes: NDArray[np.int8], seconds: float) -> set[int]:
    bucket, within = divmod(seconds, _BUCKET_SECONDS)
    near = int(bucket), int(bucket) + (1 if within * 2 >= _BUCKET_SECONDS else -1)
    return {
        _key(probe, bucket)
        for word, change in zip(words, changes, strict=True)
        for probe in _neighbours(int(word), change)
        for bucket in near
        if bucket >= 0
    }


def _neighbours(word: int, change: NDArray[np.int8]) -> Iterator[int]:
    unsure = [1 << int(bit) for bit in np.argsort(np.abs(change), kind="stable")[:_UNSURE_BITS]]
    for count in range(len(unsure) + 1):
        for bits in combinations(unsure, count):
            yield word ^ sum(bits)


def _summary(words: NDArray[np.int64]) -> str:
    """SimHash: each word votes for the bits of a random pattern of its own."""
    patterns = _mixed((words[:, None] * 4 + np.arange(4)).astype(np.uint64))
    votes = np.unpackbits(patterns.view(np.uint8), axis=1).sum(axis=0, dtype=np.int64)
    return np.packbits(votes * 2 > len(words)).tobytes().hex()


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014): the same bits on every machine."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = (numbers ^ (numbers >> np.uint64(31))).astype("<u8")
    return mixed


_TAPER: Final = np.hanning(WINDOW).astype(np.float32)
_EDGES: Final = np.rint(np.geomspace(LOWEST_HERTZ, HIGHEST_HERTZ, BANDS + 1) * WINDOW / SAMPLE_RATE).astype(np.int64)
