"""Fingerprints of real speech, and what they survive."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from app.domain.ports import Audio
from app.domain.sound import SoundPrint
from app.infrastructure.media.fingerprint import HOP, SAMPLE_RATE, WINDOW, SpectralListener
from benchmarks.transcoded import Samples, decoded, recordings, transcoded, variants

FIXTURES = Path(__file__).parents[3] / "fixtures"
LISTENER = SpectralListener()


@pytest.fixture(scope="module")
def speech() -> dict[str, Samples]:
    """Every recording of the tests."""
    return recordings((FIXTURES / "audio", FIXTURES / "speech"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def hear(folder: Path, samples: Samples) -> SoundPrint | None:
    """The fingerprint of samples."""
    path = folder / "samples.s16"
    path.write_bytes(samples.astype("<i2").tobytes())
    return LISTENER.fingerprint(Audio(path, len(samples) / SAMPLE_RATE))


def heard(folder: Path, samples: Samples) -> SoundPrint:
    sound = hear(folder, samples)
    assert sound is not None
    return sound


@pytest.mark.parametrize("name", ["jfk.flac", "austen-0890.wav"])
def test_the_same_recording_is_recognised_however_it_is_encoded(folder: Path, name: str) -> None:
    """mp3 64k, opus 24k, resampled, stereo, 6 dB up and down, trimmed, and all of it together: 0.9 at least, and keys in common."""
    samples = decoded(str(FIXTURES / "audio" / name))
    original = heard(folder, samples)
    for variant, changed in variants(samples):
        sound = heard(folder, changed)
        assert LISTENER.likeness(original.data, sound.data) >= 0.9, variant
        assert len(set(sound.probes) & set(original.keys)) >= 2, variant
        assert len(set(original.probes) & set(sound.keys)) >= 2, variant


def test_different_recordings_of_the_same_speaker_are_told_apart(folder: Path, speech: dict[str, Samples]) -> None:
    """Every two recordings of the tests, most of them of one voice: 0.6 at most."""
    prints = {name: heard(folder, samples) for name, samples in speech.items()}
    for one, other in combinations(prints, 2):
        assert LISTENER.likeness(prints[one].data, prints[other].data) <= 0.6, (one, other)


def test_two_parts_of_one_speech_are_different_recordings(folder: Path, speech: dict[str, Samples]) -> None:
    """The first and the second half of a speech in one room have everything in common but what is said."""
    half = len(speech["jfk"]) // 2
    first, second = (heard(folder, part) for part in (speech["jfk"][:half], speech["jfk"][half:]))
    assert LISTENER.likeness(first.data, second.data) <= 0.6


def test_likeness_does_not_depend_on_who_is_asked_first(folder: Path, speech: dict[str, Samples]) -> None:
    """The same either way round, and 1.0 with itself."""
    one, other = heard(folder, speech["jfk"]), heard(folder, transcoded(speech["jfk"], "ogg", "libopus", 48_000))
    assert LISTENER.likeness(one.data, other.data) == LISTENER.likeness(other.data, one.data)
    assert LISTENER.likeness(one.data, one.data) == pytest.approx(1.0)


def test_a_recording_that_is_much_longer_is_another_one(folder: Path, speech: dict[str, Samples]) -> None:
    """Six seconds more are not trimming, although everything in the shorter one is in the longer one."""
    whole, part = speech["jfk"], speech["jfk"][: -6 * SAMPLE_RATE]
    assert LISTENER.likeness(heard(folder, whole).data, heard(folder, part).data) == 0.0


def test_a_long_recording_is_compared_along_its_whole_length(folder: Path, speech: dict[str, Samples]) -> None:
    """Two recordings that begin alike and go on differently are not the same; one with a second less at its beginning is."""
    parts = [speech[name] for name in ("long", "jfk", "austen-0870", "austen-0890")]
    one = np.concatenate([*parts, *parts[::-1], *parts])
    other = np.concatenate([*parts, *parts[1:], *parts[::-1], parts[0]])[: len(one)]
    trimmed = heard(folder, one[SAMPLE_RATE:])
    assert LISTENER.likeness(heard(folder, one).data, trimmed.data) >= 0.9
    assert LISTENER.likeness(heard(folder, one).data, heard(folder, other).data) <= 0.6


@pytest.mark.parametrize("name", ["silence", "tone", "short"])
def test_what_could_be_anything_has_no_fingerprint(folder: Path, name: str, speech: dict[str, Samples]) -> None:
    """Silence, a lasting tone, half a second of speech."""
    second = np.arange(5 * SAMPLE_RATE)
    samples = {
        "silence": np.zeros(5 * SAMPLE_RATE, dtype=np.int16),
        "tone": (8000 * np.sin(2 * np.pi * 440 * second / SAMPLE_RATE)).astype(np.int16),
        "short": speech["jfk"][: SAMPLE_RATE // 2],
    }[name]
    assert hear(folder, samples) is None


def test_no_samples_have_no_fingerprint(folder: Path) -> None:
    """An empty file, and one shorter than a window."""
    for count in (0, 1, WINDOW - 1):
        assert hear(folder, np.zeros(count, dtype=np.int16)) is None


def test_the_summary_has_256_bits_of_which_most_are_shared(folder: Path, speech: dict[str, Samples]) -> None:
    """64 hex digits; another encoding shares many more bits than another recording."""

    def distance(one: SoundPrint, other: SoundPrint) -> int:
        return (int(one.perceptual_hash, 16) ^ int(other.perceptual_hash, 16)).bit_count()

    original = heard(folder, speech["jfk"])
    encoded = heard(folder, transcoded(speech["jfk"], "mp3", "libmp3lame", 44_100, bit_rate=64_000))
    assert re.fullmatch("[0-9a-f]{64}", original.perceptual_hash)
    assert distance(original, encoded) < 90
    assert distance(original, heard(folder, speech["long"])) > 100


def test_blocks_leave_no_seams(folder: Path, speech: dict[str, Samples]) -> None:
    """What is read in several blocks has one frame for every hop, and those of its beginning are those of a shorter reading."""
    samples = np.concatenate([speech["long"]] * 3)
    whole, begun = heard(folder, samples), heard(folder, speech["long"])
    assert len(whole.data) == 9 * ((len(samples) - WINDOW) // HOP + 1)
    assert whole.data.startswith(begun.data)
