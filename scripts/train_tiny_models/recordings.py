"""Owns the tests' recordings: sentences that no training saw, in voices that no training heard, with their text."""

import random
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from .grammar import sentences
from .synthesis import ACCENTS, HELD_OUT_SPEAKERS, SAMPLE_RATE, Synthesizer, Voice

SINGLE_RECORDINGS: Final = 4
LONG_RECORDING_SENTENCES: Final = 9
SEED: Final = 2026


def make_recordings(folder: Path) -> None:
    """Write `single-1.wav` … with one sentence each and `long.wav` with several, 16 kHz mono, and a `.txt` beside each."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)
    texts = sentences(SINGLE_RECORDINGS + LONG_RECORDING_SENTENCES, SEED, held_out=True)
    synthesizer = Synthesizer()
    for number, text in enumerate(texts[:SINGLE_RECORDINGS], 1):
        _write(folder / f"single-{number}.wav", [text], synthesizer, chance)
    _write(folder / "long.wav", texts[SINGLE_RECORDINGS:], synthesizer, chance)


def _write(path: Path, texts: Sequence[str], synthesizer: Synthesizer, chance: random.Random) -> None:
    pieces: list[npt.NDArray[np.float32]] = []
    for text in texts:
        voice = Voice(
            chance.choice(ACCENTS) + chance.choice(HELD_OUT_SPEAKERS), chance.randint(140, 190), chance.randint(35, 65)
        )
        pieces += [_silence(chance.uniform(0.3, 0.8)), synthesizer.speak(text, voice).samples]
    samples = np.concatenate([*pieces, _silence(0.3)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    path.with_suffix(".txt").write_text(" ".join(texts) + "\n")


def _silence(seconds: float) -> npt.NDArray[np.float32]:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)
