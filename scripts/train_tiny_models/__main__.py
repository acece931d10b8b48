"""`python -m scripts.train_tiny_models recordings|whisper|aligner FOLDER`: see README.md beside this file."""

import argparse
import os
from multiprocessing import Pool
from pathlib import Path
from typing import Final

from .dataset import speak_sentences
from .recordings import make_recordings
from .synthesis import Utterance
from .wav2vec2 import train_aligner
from .whisper import train_whisper

UTTERANCES_PER_SEED: Final = 250


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m scripts.train_tiny_models", description=__doc__)
    parser.add_argument("what", choices=("recordings", "whisper", "aligner"))
    parser.add_argument("folder", type=Path, help="where the result goes")
    parser.add_argument("--utterances", type=int, default=20_000, help="how many sentences are spoken for training")
    parser.add_argument("--minutes", type=float, default=16.0, help="how long training goes on")
    arguments = parser.parse_args()
    if arguments.what == "recordings":
        make_recordings(arguments.folder)
        return
    utterances = _speak(arguments.utterances)
    seconds = arguments.minutes * 60
    if arguments.what == "whisper":
        train_whisper(utterances, arguments.folder, short_seconds=0.7 * seconds, long_seconds=0.3 * seconds)
    else:
        train_aligner(utterances, arguments.folder, seconds)


def _speak(count: int) -> list[Utterance]:
    seeds = range(1000, 1000 + -(-count // UTTERANCES_PER_SEED))
    sizes = [min(UTTERANCES_PER_SEED, count)] * len(seeds)
    with Pool(os.cpu_count()) as pool:
        parts = pool.starmap(speak_sentences, zip(sizes, seeds, strict=True))
    return [utterance for part in parts for utterance in part]


if __name__ == "__main__":
    main()
