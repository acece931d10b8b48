"""Word times from the real WhisperX alignment on a tiny model, against WhisperX's own call."""

import logging
import math
import socket
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.ports import Audio
from app.domain.transcript import Segment
from app.infrastructure.engines.background_call import stray_calls
from tests.fakes import spoken
from tests.fakes.recorded_control import RecordedControl

pytestmark = pytest.mark.whisperx

MODEL = str(Path(__file__).parents[3] / "models" / "tiny-wav2vec2")
SENTENCES = spoken.reference("speech/long").replace("\n", " ").strip()


@pytest.fixture(scope="module")
def aligner(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from app.infrastructure.engines.whisperx_aligner import WhisperXAligner

    settings = Settings(_env_file=None, offline=True, threads=2, data_dir=tmp_path_factory.mktemp("data"))
    return WhisperXAligner(settings, "tiny", MODEL, "en", "cpu")


@pytest.fixture
def long(tmp_path: Path) -> Audio:
    return spoken.decoded("speech/long.wav", tmp_path)


@pytest.fixture
def segments(long: Audio) -> list[Segment]:
    """The recording's text in three pieces of about equal length, times to match."""
    words, third = SENTENCES.split(), len(SENTENCES.split()) // 3
    pieces = [words[:third], words[third : 2 * third], words[2 * third :]]
    length = long.duration_seconds / 3
    return [Segment(at, at * length, (at + 1) * length, " ".join(piece)) for at, piece in enumerate(pieces)]


def test_times_are_whisperx_own(aligner: Any, long: Audio, segments: list[Segment]) -> None:
    """Sentences, words, times and scores are those of `whisperx.align` on all segments at once."""
    samples = np.fromfile(long.path, dtype="<i2").astype(np.float32) / 32768
    told = [{"start": segment.start, "end": segment.end, "text": segment.text} for segment in segments]
    stock = aligner._align(told, aligner._network, aligner._about, samples, "cpu")["segments"]
    ours = aligner.align(long, segments, RecordedControl())
    assert [segment.text for segment in ours] == [part["text"].strip() for part in stock]
    assert [_word_tuple(word.word, word.start, word.end, word.score) for segment in ours for word in segment.words] == [
        _word_tuple(word["word"], word.get("start"), word.get("end"), word.get("score"))
        for part in stock
        for word in part["words"]
    ]
    assert " ".join(segment.text for segment in ours) == " ".join(segment.text for segment in segments)


def _word_tuple(word: str, *numbers: float | None) -> tuple[Any, ...]:
    return (word, *(None if number is None or math.isnan(number) else round(float(number), 3) for number in numbers))


def test_sentences_are_numbered_and_numbers_are_plain(aligner: Any, long: Audio, segments: list[Segment]) -> None:
    """What comes back counts from 0 in the order of time, with Python floats and scores of 0..1."""
    aligned = aligner.align(long, segments, RecordedControl())
    assert [segment.index for segment in aligned] == list(range(len(aligned)))
    assert all(before.start <= after.start for before, after in pairwise(aligned))
    words = [word for segment in aligned for word in segment.words]
    assert {type(number) for word in words for number in (word.start, word.end, word.score)} == {float}
    assert all(0.0 <= (word.score or 0.0) <= 1.0 for word in words)


def test_progress_is_told_for_each_segment(aligner: Any, long: Audio, segments: list[Segment]) -> None:
    """The fraction rises to 1, with at least one step for each segment."""
    control = RecordedControl()
    aligner.align(long, segments, control)
    assert all(before <= after for before, after in pairwise(control.fractions))
    assert control.fractions[-1] == 1.0
    assert len(set(control.fractions)) >= len(segments)


def test_what_cannot_be_aligned_stays(aligner: Any, long: Audio, caplog: pytest.LogCaptureFixture) -> None:
    """A segment beyond the recording keeps text and times and gets no words, and what it says is in no log."""
    beyond = Segment(0, 100.0, 103.0, "Susan whispers secrets")
    with caplog.at_level(logging.DEBUG):
        [same] = aligner.align(long, [beyond], RecordedControl())
    assert same == beyond
    assert "whispers" not in caplog.text


def test_cancel_between_and_inside_segments(
    aligner: Any, long: Audio, segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancel does not wait for the segment that is being aligned; what native code still does is counted."""
    release = threading.Event()
    monkeypatch.setattr(aligner, "_align", lambda *_: release.wait(30) and {"segments": []})
    started = time.monotonic()
    with pytest.raises(Cancelled):
        aligner.align(long, segments, RecordedControl(cancel_when=lambda seen: seen.checks > 3))
    assert time.monotonic() - started < 3
    assert stray_calls(aligner) == 1
    release.set()
    deadline = time.monotonic() + 10
    while stray_calls(aligner) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stray_calls(aligner) == 0


def test_memory_that_runs_out_is_named(
    aligner: Any, long: Audio, segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graphics card without memory is `out_of_memory`; another failure of every segment stays what it is."""

    def fails(problem: Exception) -> Any:
        def align(*_: Any) -> Any:
            raise problem

        return align

    monkeypatch.setattr(aligner, "_align", fails(RuntimeError("CUDA out of memory. Tried to allocate")))
    with pytest.raises(CesarError) as failed:
        aligner.align(long, segments, RecordedControl())
    assert failed.value.code == "out_of_memory"
    monkeypatch.setattr(aligner, "_align", fails(ValueError("shapes")))
    with pytest.raises(ValueError, match="shapes"):
        aligner.align(long, segments, RecordedControl())


def test_one_segment_that_fails_does_not_cost_the_others(
    aligner: Any, long: Audio, segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failing segment keeps its text and times, the others get words."""
    align = aligner._align

    def sometimes(told: list[dict[str, Any]], *rest: Any) -> Any:
        if told[0]["start"] == segments[1].start:
            raise IndexError("trellis")
        return align(told, *rest)

    monkeypatch.setattr(aligner, "_align", sometimes)
    aligned = aligner.align(long, segments, RecordedControl())
    [without] = [segment for segment in aligned if not segment.words]
    assert (without.text, without.start) == (segments[1].text, segments[1].start)


def test_nothing_is_asked_of_the_network(
    aligner: Any, long: Audio, segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aligning opens no connection: NLTK finds its sentence splitter in the data folder."""
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)
    monkeypatch.setattr(socket.socket, "connect", _refuse)
    assert aligner.align(long, segments, RecordedControl())[0].words


def _refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("a connection was tried")


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    """A folder that holds no wav2vec2 model is `alignment_unavailable`."""
    from app.infrastructure.engines.whisperx_aligner import WhisperXAligner

    with pytest.raises(CesarError) as failed:
        WhisperXAligner(Settings(_env_file=None, offline=True, data_dir=tmp_path), "mine", str(tmp_path), "en", "cpu")
    assert failed.value.code == "alignment_unavailable"
