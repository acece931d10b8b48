"""Owns the finer comparison of two fingerprints: how alike the recordings are where they overlap best.

The measure is the correlation of the band differences over time, each band's mean taken out, so that neither gain nor the
frequency response of an encoder counts. Where one begins relative to the other is searched for with the signs alone, by their bit
error rate (J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002).
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_FRAME_BYTES: Final = 9
_SLACK: Final = 36
"""Frames (64 ms each) that one recording may have more than the other at either end: 2 s of trimming, and what encoders add."""
_SHORTEST: Final = 9
_OVERLAP: Final = 0.6
"""Of the shorter recording, that must be compared: short stretches are alike by chance."""
_SAMPLED: Final = 4
_SAMPLE_FRAMES: Final = 256
"""Of long recordings the place is searched for with so many stretches of such length."""
_TRIED: Final = 3
"""Places, the best by their signs, that are looked at more closely."""
_AUDIBLE_DECIBELS: Final = 25.0
_FULL_DECIBELS: Final = 5.0
"""Frames count in full down to this below the loudest, less and less down to the former: encoders spare no bits for what is quiet."""

Matrix = NDArray[np.floating[Any]]
Frames = NDArray[np.int64]


@dataclass(frozen=True)
class _Print:
    values: Matrix
    levels: Matrix
    rises: NDArray[np.uint16]
    """One bit for each value: whether it grows towards the next frame."""

    def __len__(self) -> int:
        return len(self.values)


def likeness(one: bytes, other: bytes) -> float:
    """How alike two recordings are by the data of their fingerprints: 0.0..1.0, the same either way round."""
    shorter, longer = (_unpacked(data) for data in sorted((one, other), key=lambda data: (len(data), data)))
    if len(shorter) < _SHORTEST or len(longer) - len(shorter) > 2 * _SLACK:
        return 0.0
    sample = _sample(len(shorter))
    places = _likely_places(shorter, longer, sample)
    tried = {place + step for place in places for step in (-0.5, 0.0, 0.5)}
    best = max(tried, key=lambda place: _correlation(shorter, longer, place, sample), default=0.0)
    return max(0.0, min(1.0, _correlation(shorter, longer, best, np.arange(len(shorter)))))


def _unpacked(data: bytes) -> _Print:
    frames = np.frombuffer(data, dtype=np.uint8).reshape(-1, _FRAME_BYTES)
    pairs = frames[:, :-1]
    values = np.stack((pairs >> 4, pairs & 15), axis=2).reshape(len(frames), -1).astype(np.float32) - 8
    rises = np.packbits(np.diff(values, axis=0, append=values[-1:]) > 0, axis=1).view(np.uint16)[:, 0]
    return _Print(values, frames[:, -1].astype(np.float32), rises)


def _sample(length: int) -> Frames:
    """The frames by which the place is searched for: all of them, or stretches spread evenly."""
    if length <= _SAMPLED * _SAMPLE_FRAMES:
        return np.arange(length)
    begins = np.linspace(0, length - _SAMPLE_FRAMES, _SAMPLED).astype(np.int64)
    return (begins[:, None] + np.arange(_SAMPLE_FRAMES)).ravel()


def _likely_places(shorter: _Print, longer: _Print, sample: Frames) -> list[int]:
    """Frames from the beginning of `longer` to that of `shorter`, the likeliest ones."""
    spare = len(longer) - len(shorter)
    places = np.arange(max(-_SLACK, spare - _SLACK), min(_SLACK, spare + _SLACK) + 1)
    overlap = np.minimum(len(shorter), len(longer) - places) - np.maximum(0, -places)
    places = places[overlap >= max(_SHORTEST, _OVERLAP * len(shorter))]
    there = sample + places[:, None]
    inside = (there >= 0) & (there < len(longer))
    errors = np.bitwise_count(shorter.rises[sample] ^ longer.rises[np.clip(there, 0, len(longer) - 1)])
    rates = (errors * inside).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return [int(place) for place in places[np.argsort(rates, kind="stable")[:_TRIED]]]


def _correlation(shorter: _Print, longer: _Print, place: float, sample: Frames) -> float:
    """-1..1; a `place` between two frames is compared with the mean of both."""
    low, high = math.floor(place), math.ceil(place)
    here = sample[(sample + low >= 0) & (sample + high < len(longer))]
    if len(here) < _SHORTEST:
        return -1.0
    values = (longer.values[here + low] + longer.values[here + high]) / 2
    levels = (longer.levels[here + low] + longer.levels[here + high]) / 2
    return _weighted_correlation(shorter.values[here], values, _weights(shorter.levels[here], levels))


def _weights(one: Matrix, other: Matrix) -> Matrix:
    """How much each frame counts; what is quiet in both counts nothing."""
    below = np.maximum(one - _loud(one), other - _loud(other))
    weights: Matrix = np.clip((below + _AUDIBLE_DECIBELS) / (_AUDIBLE_DECIBELS - _FULL_DECIBELS), 0, 1)
    return weights / max(float(weights.sum()), 1e-9)


def _loud(levels: Matrix) -> float:
    """Twenty-one of twenty-two frames are quieter: one click does not say how loud a recording is."""
    return float(np.partition(levels, -1 - len(levels) // 22)[-1 - len(levels) // 22])


def _weighted_correlation(one: Matrix, other: Matrix, weights: Matrix) -> float:
    one, other = one - weights @ one, other - weights @ other
    spread = math.sqrt(float((weights @ one**2).sum() * (weights @ other**2).sum()))
    return float((weights @ (one * other)).sum()) / spread if spread > 1e-6 else -1.0
