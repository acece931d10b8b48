"""Recordings with a reference text, as the engines take them, and the word error rate between two texts."""

import re
from pathlib import Path

import av
from av.audio.resampler import AudioResampler

from app.domain.ports import Audio

FIXTURES = Path(__file__).parent.parent / "fixtures"
AUSTEN = ("austen-0870", "austen-0880", "austen-0890")
JFK_TEXT = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


def reference(name: str) -> str:
    """The text of a recording under tests/fixtures, e.g. `speech/long`."""
    return (FIXTURES / f"{name}.txt").read_text()


def decoded(file: str, folder: Path) -> Audio:
    """A recording under tests/fixtures as raw 16-bit mono samples at 16 kHz."""
    source = FIXTURES / file
    target = folder / f"{source.stem}.s16le"
    resampler = AudioResampler(format="s16", layout="mono", rate=16_000)
    with av.open(str(source)) as container, target.open("wb") as samples:
        for frame in [*container.decode(audio=0), None]:
            for piece in resampler.resample(frame):
                samples.write(piece.to_ndarray().astype("<i2").tobytes())
    return Audio(target, target.stat().st_size / 32_000)


def silence(seconds: float, folder: Path) -> Audio:
    """A recording in which nobody says anything."""
    target = folder / "silence.s16le"
    target.write_bytes(bytes(int(seconds * 32_000)))
    return Audio(target, seconds)


def joined(recordings: list[Audio], folder: Path, name: str = "joined") -> Audio:
    """Recordings one after another."""
    target = folder / f"{name}.s16le"
    target.write_bytes(b"".join(audio.path.read_bytes() for audio in recordings))
    return Audio(target, target.stat().st_size / 32_000)


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation, apostrophes kept."""
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def word_error_rate(expected: str, heard: str) -> float:
    """Substituted, lost and added words over the words expected: Levenshtein's distance on words."""
    wanted, got = words_of(expected), words_of(heard)
    row = list(range(len(got) + 1))
    for at, word in enumerate(wanted, 1):
        diagonal, row[0] = row[0], at
        for column, other in enumerate(got, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1] / len(wanted)
