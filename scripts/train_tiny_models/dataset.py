"""Owns the training data: spoken sentences with the times of their words and phonemes, placed at random in a window."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .grammar import is_held_out, sentence
from .synthesis import ACCENTS, SAMPLE_RATE, TRAINED_SPEAKERS, Synthesizer, Utterance, Voice

LONGEST_SECONDS = 5.6
FRAMES_PER_SECOND = 50
"""Both models look at speech in frames of 20 ms."""


def speak_sentences(count: int, seed: int) -> list[Utterance]:
    """`count` utterances of one or two sentences in trained voices, none of the sentences held out."""
    chance = random.Random(seed)
    synthesizer = Synthesizer()
    utterances: list[Utterance] = []
    while len(utterances) < count:
        text = " ".join(_trained_sentence(chance) for _ in range(1 if chance.random() < 0.65 else 2))
        utterance = synthesizer.speak(text, _voice(chance))
        if utterance.seconds <= LONGEST_SECONDS:
            utterances.append(utterance)
    return utterances


def _trained_sentence(chance: random.Random) -> str:
    while is_held_out(text := sentence(chance)):
        pass
    return text


def _voice(chance: random.Random) -> Voice:
    name = chance.choice(ACCENTS) + chance.choice(TRAINED_SPEAKERS)
    return Voice(name, chance.randint(130, 210), chance.randint(30, 70), chance.randint(30, 70))


class PhonemeClasses:
    """Numbers for espeak-ng's phonemes; 0 is silence."""

    def __init__(self, utterances: Iterable[Utterance]) -> None:
        names = sorted({name for utterance in utterances for name, _ in utterance.phonemes} - {"_", "_:"})
        self._numbers = {name: number for number, name in enumerate(names, 1)}

    def __len__(self) -> int:
        return len(self._numbers) + 1

    def mark(self, labels: npt.NDArray[np.int64], placed: "Placed") -> None:
        """Write the phonemes of a placed utterance into a row of frame labels."""
        ends = [start for _, start in placed.phonemes[1:]] + [placed.phonemes[-1][1]] if placed.phonemes else []
        for (name, start), end in zip(placed.phonemes, ends, strict=True):
            labels[frame(start) : frame(end)] = self._numbers.get(name, 0)


@dataclass(frozen=True, slots=True)
class Placed:
    """An utterance inside a window: `samples`, and the times of words and phonemes in seconds from the window's begin."""

    text: str
    samples: npt.NDArray[np.float32]
    words: tuple[tuple[str, float], ...]
    phonemes: tuple[tuple[str, float], ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / SAMPLE_RATE


def place(utterance: Utterance, chance: random.Random, begin: float = 0.0) -> Placed:
    """The utterance at another loudness, with some silence or a little missing before it, and perhaps noise."""
    loudness = 10 ** (chance.uniform(-12, 6) / 20)
    lead = int(chance.uniform(-0.04, 0.3) * SAMPLE_RATE)
    spoken = utterance.samples * np.float32(loudness)
    samples = spoken[-lead:] if lead < 0 else np.concatenate([np.zeros(lead, np.float32), spoken])
    samples = np.pad(samples, (0, int(chance.uniform(0.0, 0.2) * SAMPLE_RATE)))
    if chance.random() < 0.5:
        noise = np.random.default_rng(chance.getrandbits(32)).standard_normal(len(samples), dtype=np.float32)
        samples = samples + noise * np.float32(10 ** chance.uniform(-4.5, -2.3))
    offset = begin + lead / SAMPLE_RATE
    return Placed(
        utterance.text,
        samples.astype(np.float32),
        tuple((word, start + offset) for word, start in utterance.words),
        tuple((name, start + offset) for name, start in utterance.phonemes),
    )


class LengthBuckets:
    """Draws utterances of about the same length, so that a batch has little padding."""

    WIDTH = 64

    def __init__(self, utterances: Sequence[Utterance], chance: random.Random) -> None:
        self._sorted = sorted(utterances, key=lambda utterance: utterance.seconds)
        self._chance = chance

    def draw(self, count: int) -> list[Utterance]:
        """`count` different utterances from one place in the order of lengths."""
        first = self._chance.randrange(max(1, len(self._sorted) - self.WIDTH))
        return self._chance.sample(self._sorted[first : first + self.WIDTH], count)


def frame(seconds: float) -> int:
    """The 20 ms frame in which a moment lies."""
    return max(0, round(seconds * FRAMES_PER_SECOND))
