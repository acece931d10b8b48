"""Owns the baseline of the engine's benchmark: WhisperX's own calls, as its documentation shows them, in a process of its own.

`python -m benchmarks.bare_whisperx RECORDING` loads the models, transcribes and aligns a 16 kHz mono wav file once for every line of
its input, and answers each with the seconds that took.
"""

import os
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any

MODELS = Path(__file__).parent.parent / "tests" / "models"
WHISPER = MODELS / "tiny-whisper-ct2"
ALIGNER = MODELS / "tiny-wav2vec2"
CHUNK_SECONDS = 8
BATCH = 4

_SENTENCE_RULES = ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab")


def main(recording: Path) -> None:
    """Run."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder))
        _measure(recording)


def _prepare(folder: Path) -> None:
    """Nothing is asked over the network: sentence rules are empty ones, as a machine without a network has them."""
    rules = folder / "tokenizers" / "punkt_tab" / "english"
    rules.mkdir(parents=True)
    for name in _SENTENCE_RULES:
        (rules / name).touch()
    os.environ |= {"NLTK_DATA": str(folder), "PYANNOTE_METRICS_ENABLED": "0", "HF_HUB_OFFLINE": "1"}


def _measure(recording: Path) -> None:
    import whisperx

    threads = len(os.sched_getaffinity(0))
    model = whisperx.load_model(str(WHISPER), "cpu", compute_type="int8", language="en", threads=threads)
    aligner, metadata = whisperx.load_align_model("en", "cpu", model_name=str(ALIGNER))
    for _ in sys.stdin:
        begun = time.perf_counter()
        samples = _samples(recording)
        result = model.transcribe(samples, batch_size=BATCH, chunk_size=CHUNK_SECONDS)
        aligned = whisperx.align(result["segments"], aligner, metadata, samples, "cpu")
        print(time.perf_counter() - begun, flush=True)
        assert aligned["segments"]


def _samples(recording: Path) -> Any:
    import numpy as np

    with wave.open(str(recording)) as audio:
        pcm = audio.readframes(audio.getnframes())
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
