"""Outlines are made behind the fence, in any coarseness, and what goes wrong has the name of its cause."""

import errno
import io
import math
from pathlib import Path

import pytest

from app.domain.errors import Cancelled, CesarError
from app.infrastructure.media.peaks import SandboxedPeakMaker
from tests.fakes.media_files import KINDS, Kind, make

MAKER = SandboxedPeakMaker(3600, 2048)


def go_on() -> None:
    """Still wanted."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.ending in ("mp3", "opus", "7.1.flac", "mp4")], ids=str)
def test_any_recording_has_an_outline(kind: Kind, tmp_path: Path) -> None:
    """Two seconds of a tone: some two hundred pairs, about as loud below as above."""
    path = tmp_path / "outline"
    with path.open("wb") as target:
        MAKER.make(make(tmp_path / f"a.{kind.ending}", kind), target, go_on)
    peaks = MAKER.read(path, 1000)
    assert (peaks.sample_rate, peaks.samples_per_point) == (16_000, 160)
    assert 190 <= len(peaks.values) / 2 <= 210
    middle = peaks.values[100:300]
    assert max(middle) > 5
    assert abs(max(middle) + min(middle)) <= 2


@pytest.mark.parametrize("points", [1, 2, 3, 7, 50, 1000])
def test_a_coarser_outline_holds_the_finest_ones_extremes(points: int, tmp_path: Path) -> None:
    """Each point covers so many pairs, the last one what is left."""
    path = tmp_path / "outline"
    pairs = [(-(n % 100), (n * 7) % 100) for n in range(101)]
    path.write_bytes(b"".join(number.to_bytes(1, signed=True) for pair in pairs for number in pair))
    peaks = MAKER.read(path, points)
    factor = math.ceil(101 / min(points, 101))
    expected = [
        extreme
        for start in range(0, 101, factor)
        for extreme in (
            min(low for low, _ in pairs[start : start + factor]),
            max(high for _, high in pairs[start : start + factor]),
        )
    ]
    assert (list(peaks.values), peaks.samples_per_point) == (expected, 160 * factor)


def test_what_is_no_recording_has_none(tmp_path: Path) -> None:
    """The decoder's own answer."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"nothing")
    with pytest.raises(CesarError, match="not_media"):
        MAKER.make(path, io.BytesIO(), go_on)


def test_a_full_disk_is_the_cause_and_not_the_decoder_that_died_of_it(tmp_path: Path) -> None:
    """Nobody reads what it writes any more, which ends it."""

    class Full(io.BytesIO):
        def write(self, _data: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CesarError, match="disk_full"):
        MAKER.make(make(tmp_path / "a.wav", KINDS[0], seconds=60), Full(), go_on)


def test_it_stops_when_it_is_no_longer_wanted(tmp_path: Path) -> None:
    """The child ends with it."""

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        MAKER.make(make(tmp_path / "a.wav", KINDS[0], seconds=60), io.BytesIO(), stop)
