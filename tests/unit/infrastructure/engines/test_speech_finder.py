"""Speech found block by block, against WhisperX's own detection over the whole recording."""

from pathlib import Path
from typing import Any

import pytest

from app.core.config import Settings
from app.infrastructure.engines.speech_finder import BlockwiseSpeech, VoiceActivity, growing_batches
from tests.fakes import spoken

pytestmark = pytest.mark.whisperx


@pytest.fixture(scope="module")
def vad() -> Any:
    from app.infrastructure.engines.whisperx_loading import _listening_vad, torch_device, whisperx_at_hand

    with whisperx_at_hand(Settings(_env_file=None, offline=True, threads=2)) as whisperx:
        return _listening_vad(whisperx.vads.Pyannote, torch_device("cpu"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from app.infrastructure.engines.decoding import samples_of

    folder: Path = tmp_path_factory.mktemp("speech")
    long = spoken.decoded("speech/long.wav", folder)
    return samples_of(spoken.joined([long, spoken.silence(9.0, folder), long, long, long], folder))


@pytest.mark.parametrize(("seconds", "chunk_size"), [(99.0077, 8), (33.0, 2), (33.0, 8), (33.0, 30)])
def test_the_chunks_are_whisperx_own(vad: Any, samples: Any, chunk_size: int, seconds: float) -> None:
    """Listening in blocks gives the very chunks that listening to everything gives, also where long speech is cut."""
    part = samples[: int(seconds * 16_000)]
    whole = vad.merge_chunks(vad.detect(part, lambda done: None), chunk_size, onset=0.5, offset=0.363)
    finder = BlockwiseSpeech(part, VoiceActivity("pyannote", 0.5, 0.363, chunk_size), vad.detect)
    told: list[float] = []
    found = []
    while not finder.is_done:
        found += finder.next_block(told.append)
    assert _times(found) == _times(whole)
    assert told[-1] == pytest.approx(seconds, abs=0.01)


def _times(chunks: list[dict[str, Any]]) -> list[tuple[float, float]]:
    return [(round(chunk["start"], 6), round(chunk["end"], 6)) for chunk in chunks]


def test_batches_grow() -> None:
    """Batches hold 1, 2, 4 … chunks up to the largest, and the rest at the end."""
    chunks: list[dict[str, Any]] = [{"start": number} for number in range(12)]
    assert [len(batch) for batch in growing_batches(iter(chunks), 4)] == [1, 2, 4, 4, 1]
