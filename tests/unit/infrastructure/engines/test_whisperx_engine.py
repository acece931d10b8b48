"""The real WhisperX code on a tiny Whisper that recognises its small language."""

import math
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio
from app.infrastructure.engines.choice import Choice
from tests.fakes import spoken
from tests.fakes.recorded_control import RecordedControl

pytestmark = pytest.mark.whisperx

MODEL = str(Path(__file__).parents[3] / "models" / "tiny-whisper-ct2")
SINGLES = ("single-1", "single-2", "single-3", "single-4")
LONG = TranscriptionOptions(chunk_size=8, batch_size=2)


@pytest.fixture(scope="module")
def engine() -> Any:
    from app.infrastructure.engines.whisperx_engine import WhisperXEngine

    settings = Settings(_env_file=None, offline=True, threads=2)
    return WhisperXEngine(settings, Choice("whisperx", MODEL, "cpu", "int8", "for the test"), MODEL)


@pytest.fixture
def long(tmp_path: Path) -> Audio:
    return spoken.decoded("speech/long.wav", tmp_path)


def stock(engine: Any, audio: Audio, **options: Any) -> list[tuple[float, float, str]]:
    """What WhisperX's own transcribe makes of a recording."""
    samples = np.fromfile(audio.path, dtype="<i2").astype(np.float32) / 32768
    found = engine._pipeline.transcribe(samples, language="en", **options)["segments"]
    return [(round(part["start"], 3), round(part["end"], 3), part["text"].strip()) for part in found]


@pytest.mark.parametrize("name", SINGLES)
def test_single_sentences_are_recognised(engine: Any, tmp_path: Path, name: str) -> None:
    """Of a sentence in a voice that no training heard at most 5 % of the words are wrong."""
    audio = spoken.decoded(f"speech/{name}.wav", tmp_path)
    transcript = engine.transcribe(audio, TranscriptionOptions(), RecordedControl())
    assert spoken.word_error_rate(spoken.reference(f"speech/{name}"), transcript.text) <= 0.05
    assert transcript.language == "en"


def test_a_long_recording_is_recognised(engine: Any, long: Audio) -> None:
    """Over several sentences in several voices at most 15 % of the words are wrong."""
    transcript = engine.transcribe(long, LONG, RecordedControl())
    assert spoken.word_error_rate(spoken.reference("speech/long"), transcript.text) <= 0.15
    assert [segment.index for segment in transcript.segments] == list(range(len(transcript.segments)))
    assert all(before.end <= after.start for before, after in pairwise(transcript.segments))


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_text_is_whisperx_own(engine: Any, long: Audio, batch_size: int) -> None:
    """Segments, times and text are those of WhisperX's own transcribe, whatever the batch size."""
    options = TranscriptionOptions(chunk_size=8, batch_size=batch_size)
    segments = engine.transcribe(long, options, RecordedControl()).segments
    ours = [(segment.start, segment.end, segment.text) for segment in segments]
    assert ours == stock(engine, long, batch_size=batch_size, chunk_size=8)


def test_voice_activity_thresholds_are_those_of_the_request(engine: Any, long: Audio) -> None:
    """A higher onset finds less speech, for this request alone."""
    strict = TranscriptionOptions(chunk_size=8, vad_onset=0.999, vad_offset=0.998)
    usual = engine.transcribe(long, LONG, RecordedControl())
    strictly = engine.transcribe(long, strict, RecordedControl())
    assert spoken_seconds(strictly) < spoken_seconds(usual)
    assert engine.transcribe(long, LONG, RecordedControl()) == usual


def spoken_seconds(transcript: Any) -> float:
    return sum(segment.end - segment.start for segment in transcript.segments)


def test_numbers_are_plain(engine: Any, long: Audio) -> None:
    """No numpy scalar gets out: every time is a Python float."""
    control = RecordedControl()
    transcript = engine.transcribe(long, LONG, control)
    assert {type(segment.start) for segment in transcript.segments} == {float}
    assert {type(segment.end) for segment in transcript.segments} == {float}
    assert {type(value) for kind, value in control.told if kind == "fraction"} == {float}


def test_progress_is_continuous(engine: Any, long: Audio) -> None:
    """The fraction never falls, never jumps by more than 0.35, and moves while speech is looked for and decoded."""
    control = RecordedControl()
    engine.transcribe(long, LONG, control)
    steps = [after - before for before, after in pairwise([0.0, *control.fractions])]
    assert min(steps) >= 0.0
    assert max(steps) <= 0.35
    assert control.fractions[-1] == 1.0
    assert len({value for value in control.fractions if 0.0 < value <= 0.15}) >= 2
    assert control.messages[0] == "Looking for speech"


def test_a_segment_leaves_before_later_audio_is_decoded(engine: Any, long: Audio) -> None:
    """The first segment is told before half of the stage is done, and what is told is what comes back."""
    control = RecordedControl()
    transcript = engine.transcribe(long, LONG, control)
    first = next(at for at, (kind, _) in enumerate(control.told) if kind == "segment")
    before = [value for kind, value in control.told[:first] if kind == "fraction"]
    assert before[-1] < 0.5
    assert tuple(control.segments) == transcript.segments


def test_cancel_while_speech_is_looked_for(engine: Any, long: Audio) -> None:
    """A run that is cancelled during voice activity detection stops before anything is decoded."""
    control = RecordedControl(cancel_when=lambda seen: len(seen.fractions) >= 2)
    with pytest.raises(Cancelled):
        engine.transcribe(long, LONG, control)
    assert control.segments == []


def test_cancel_between_batches(engine: Any, long: Audio) -> None:
    """A run that is cancelled after its first segment decodes no further batch, and the engine stays usable."""
    expected = engine.transcribe(long, LONG, RecordedControl())
    control = RecordedControl(cancel_when=lambda seen: bool(seen.segments))
    with pytest.raises(Cancelled):
        engine.transcribe(long, LONG, control)
    assert control.segments == [expected.segments[0]]
    assert engine.transcribe(long, LONG, RecordedControl()) == expected


def test_cancel_inside_a_batch(engine: Any, long: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel does not wait for the batch that is being decoded."""
    release = threading.Event()
    generate = engine._pipeline.model.generate_segment_batched
    inside = threading.Event()

    def slow(*arguments: Any) -> Any:
        inside.set()
        release.wait(20)
        return generate(*arguments)

    monkeypatch.setattr(engine._pipeline.model, "generate_segment_batched", slow)
    cancelled: list[float] = []

    def cancel(seen: RecordedControl) -> bool:
        if inside.is_set() and not cancelled:
            cancelled.append(time.monotonic())
        return bool(cancelled)

    with pytest.raises(Cancelled):
        engine.transcribe(long, LONG, RecordedControl(cancel_when=cancel))
    assert time.monotonic() - cancelled[0] < 3
    release.set()


def test_options_do_not_leak(engine: Any, long: Audio) -> None:
    """A request with every option of its own leaves nothing behind for the next one."""
    before = engine.transcribe(long, LONG, RecordedControl())
    loaded = engine._pipeline.options
    own = TranscriptionOptions(
        chunk_size=4, batch_size=1, beam_size=1, initial_prompt="Call one two.", hotwords="Susan", vad_onset=0.6
    )
    engine.transcribe(long, own, RecordedControl())
    assert engine._pipeline.options == loaded
    assert engine._pipeline.tokenizer is None
    assert engine.transcribe(long, LONG, RecordedControl()) == before


def test_options_reach_the_search(engine: Any, long: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beam size, prompt and hotwords of the request are what the model is asked to decode with."""
    seen: list[Any] = []
    generate = engine._pipeline.model.generate_segment_batched

    def noted(features: Any, tokenizer: Any, search: Any) -> Any:
        seen.append(search)
        return generate(features, tokenizer, search)

    monkeypatch.setattr(engine._pipeline.model, "generate_segment_batched", noted)
    own = TranscriptionOptions(chunk_size=8, beam_size=2, initial_prompt="Call one.", hotwords="Susan")
    engine.transcribe(long, own, RecordedControl())
    assert {(search.beam_size, search.initial_prompt, search.hotwords) for search in seen} == {
        (2, "Call one.", "Susan")
    }


@pytest.mark.parametrize("seconds", [0.0, 0.01, 3.0])
def test_silence_gives_an_empty_transcript(engine: Any, tmp_path: Path, seconds: float) -> None:
    """A recording without speech, even one without samples, ends well and holds nothing."""
    control = RecordedControl()
    assert engine.transcribe(spoken.silence(seconds, tmp_path), LONG, control).segments == ()
    assert control.fractions[-1] == 1.0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (TranscriptionOptions(language="de"), "language_unsupported"),
        (TranscriptionOptions(language="xx"), "language_unsupported"),
        (TranscriptionOptions(task="translate"), "option_unsupported"),
    ],
)
def test_what_an_english_model_cannot_do_is_refused(
    engine: Any, long: Audio, options: TranscriptionOptions, code: str
) -> None:
    """An English-only model refuses other languages and translation before it works."""
    control = RecordedControl()
    with pytest.raises(CesarError) as refused:
        engine.transcribe(long, options, control)
    assert refused.value.code == code
    assert control.told == []


def _unfeasible() -> Exception:
    """What torch itself says when it cannot have a petabyte."""
    import torch

    with pytest.raises(RuntimeError) as refused:
        torch.empty(10**15)
    return refused.value


@pytest.mark.parametrize(
    "words", ["cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "std::bad_alloc"]
)  # fmt: skip
def test_every_library_s_words_for_it_are_known(words: str) -> None:
    """Each library says in its own words that memory ran out; what is no such thing is not taken for it."""
    from app.infrastructure.engines.whisperx_loading import is_out_of_memory

    assert is_out_of_memory(RuntimeError(words))
    assert is_out_of_memory(_unfeasible())
    assert not is_out_of_memory(RuntimeError("cuBLAS failed with status CUBLAS_STATUS_NOT_SUPPORTED"))


def test_memory_that_runs_out_while_speech_is_looked_for(
    engine: Any, long: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What torch cannot allocate there is `out_of_memory`, too."""

    def full(*_: Any) -> Any:
        raise _unfeasible()

    monkeypatch.setattr(engine._pipeline.vad_model, "detect", full)
    with pytest.raises(CesarError) as failed:
        engine.transcribe(long, LONG, RecordedControl())
    assert failed.value.code == "out_of_memory"


@pytest.mark.parametrize(
    "problem", [RuntimeError("CUDA failed with error out of memory"), MemoryError("batch_size is too large")]
)
def test_memory_that_runs_out_is_named(
    engine: Any, long: Audio, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """Both ways in which the libraries say that memory ran out become `out_of_memory`."""

    def full(*_: Any) -> Any:
        raise problem

    monkeypatch.setattr(engine._pipeline.model, "generate_segment_batched", full)
    with pytest.raises(CesarError) as failed:
        engine.transcribe(long, LONG, RecordedControl())
    assert failed.value.code == "out_of_memory"


def test_any_other_failure_stays_what_it_is(engine: Any, long: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unforeseen error is not dressed up as a known one."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("something else")

    monkeypatch.setattr(engine._pipeline.model, "generate_segment_batched", broken)
    with pytest.raises(RuntimeError, match="something else"):
        engine.transcribe(long, LONG, RecordedControl())


def test_a_temperature_is_used(engine: Any, long: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """CTranslate2 draws words at the request's temperature, and the shared model is asked as before afterwards."""
    asked: list[dict[str, Any]] = []
    usual = engine.transcribe(long, LONG, RecordedControl())
    whisper = engine._pipeline.model
    monkeypatch.setattr(whisper, "model", Noted(whisper.model, asked))
    engine.transcribe(long, TranscriptionOptions(chunk_size=8, temperature=0.9), RecordedControl())
    assert {search["sampling_temperature"] for search in asked} == {0.9}
    assert {search["beam_size"] for search in asked} == {1}
    asked.clear()
    assert engine.transcribe(long, LONG, RecordedControl()) == usual
    assert not any("sampling_temperature" in search for search in asked)


class Noted:
    """CTranslate2's model; notes how it is asked to search."""

    def __init__(self, model: Any, asked: list[dict[str, Any]]) -> None:
        self._model = model
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, features: Any, prompts: Any, **search: Any) -> Any:
        self._asked.append(search)
        return self._model.generate(features, prompts, **search)


def test_settings_are_the_defaults_of_a_request(long: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompt, hotwords, beam and chunk size of the settings are used where the request is silent, and only there."""
    from app.infrastructure.engines.whisperx_engine import WhisperXEngine

    settings = Settings(
        _env_file=None, offline=True, threads=2, initial_prompt="Call.", hotwords="Susan", beam_size=2, chunk_size=8
    )
    own = WhisperXEngine(settings, Choice("whisperx", MODEL, "cpu", "int8", "for the test"), MODEL)
    seen: list[Any] = []
    generate = own._pipeline.model.generate_segment_batched

    def noted(features: Any, tokenizer: Any, search: Any) -> Any:
        seen.append((search.initial_prompt, search.hotwords, search.beam_size))
        return generate(features, tokenizer, search)

    monkeypatch.setattr(own._pipeline.model, "generate_segment_batched", noted)
    transcript = own.transcribe(long, TranscriptionOptions(), RecordedControl())
    assert set(seen) == {("Call.", "Susan", 2)}
    assert max(segment.end - segment.start for segment in transcript.segments) <= 8.1
    seen.clear()
    own.transcribe(long, TranscriptionOptions(hotwords="Peter", beam_size=1), RecordedControl())
    assert set(seen) == {("Call.", "Peter", 1)}


@pytest.mark.parametrize("most", [2, 1])
def test_a_batch_that_does_not_fit_is_halved(
    engine: Any, long: Audio, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """When memory runs out the same speech is decoded in smaller batches, with one warning for each halving."""
    expected = engine.transcribe(long, TranscriptionOptions(chunk_size=4, batch_size=4), RecordedControl())
    sizes: list[int] = []
    generate = engine._pipeline.model.generate_segment_batched

    def small(features: Any, *rest: Any) -> Any:
        sizes.append(len(features))
        if len(features) > most:
            raise RuntimeError("CUDA failed with error out of memory")
        return generate(features, *rest)

    monkeypatch.setattr(engine._pipeline.model, "generate_segment_batched", small)
    control = RecordedControl()
    transcript = engine.transcribe(long, TranscriptionOptions(chunk_size=4, batch_size=4), control)
    assert transcript == expected
    assert tuple(control.segments) == expected.segments
    assert [code for code, _ in control.warnings] == ["batch_halved"] * len(control.warnings)
    assert [int(message.rsplit(": ", 1)[1].split()[0]) for _, message in control.warnings] == (
        [2] if most == 2 else [1]
    )
    assert max(sizes[sizes.index(max(sizes)) + 1 :]) <= most


def test_silero_that_is_not_here_is_said(
    engine: Any, long: Audio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline and without silero in torch's cache the failure is `model_unavailable`, and nothing was decoded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    control = RecordedControl()
    with pytest.raises(CesarError) as failed:
        engine.transcribe(long, TranscriptionOptions(vad_method="silero"), control)
    assert failed.value.code == "model_unavailable"
    assert "silero" in str(failed.value.detail)
    assert control.segments == []


HUBCONF = """
def silero_vad(onnx=False):
    def speech(samples, model, sampling_rate, max_speech_duration_s, threshold):
        length = int(max_speech_duration_s * sampling_rate)
        return [{"start": at, "end": min(at + length, len(samples))} for at in range(0, len(samples), length)]

    return object(), (speech, None, None, None, None)
"""


def test_silero_from_the_cache_finds_the_speech(
    engine: Any, long: Audio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What torch.hub has in its cache is loaded without a network and asked with the request's own chunk size."""
    cached = tmp_path / "hub" / "snakers4_silero-vad_master"
    cached.mkdir(parents=True)
    (cached / "hubconf.py").write_text(HUBCONF)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(engine, "_silero", None)
    control = RecordedControl()
    engine.transcribe(long, TranscriptionOptions(vad_method="silero", chunk_size=6), control)
    assert [segment.start for segment in control.segments] == [0.0, 6.0, 12.0, 18.0]
    assert engine.transcribe(long, LONG, RecordedControl()).segments[0].start > 0.0


def test_the_first_segment_comes_early(
    engine: Any, long: Audio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20 minutes the first segment leaves when one block was listened to and one chunk decoded: less than 5 %, not a matter of speed."""
    audio = spoken.joined([long] * math.ceil(1200 / long.duration_seconds), tmp_path)
    listened: list[float] = []
    decoded: list[int] = []
    detect = engine._pipeline.vad_model.detect
    generate = engine._pipeline.model.generate_segment_batched

    def listening(samples: Any, told: Any) -> Any:
        listened.append(len(samples) / 16_000)
        return detect(samples, told)

    def decoding(features: Any, *rest: Any) -> Any:
        decoded.append(len(features))
        return generate(features, *rest)

    monkeypatch.setattr(engine._pipeline.vad_model, "detect", listening, raising=False)
    monkeypatch.setattr(engine._pipeline.model, "generate_segment_batched", decoding)
    control = RecordedControl(cancel_when=lambda seen: bool(seen.segments))
    with pytest.raises(Cancelled):
        engine.transcribe(audio, LONG, control)
    block, reach = 27.0, 4.5
    assert (len(listened), decoded) == (1, [1])
    assert listened[0] <= block + reach < 0.05 * audio.duration_seconds
    assert control.fractions[-1] < 0.05


def test_auto_asks_for_detection(long: Audio, monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    """`language=auto` counts although the settings name a language that this model would refuse."""
    monkeypatch.setattr(engine, "_settings", engine._settings.model_copy(update={"language": "de"}))
    with pytest.raises(CesarError, match="language_unsupported"):
        engine.transcribe(long, LONG, RecordedControl())
    assert engine.transcribe(long, replace(LONG, language="auto"), RecordedControl()).language == "en"


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    """A folder that CTranslate2 cannot load is `model_unavailable`, with the library's own words as detail."""
    from app.infrastructure.engines.whisperx_engine import WhisperXEngine

    (tmp_path / "model.bin").write_bytes(b"nothing")
    (tmp_path / "config.json").write_text("{}")
    choice = Choice("whisperx", "broken", "cpu", "int8", "for the test")
    with pytest.raises(CesarError) as failed:
        WhisperXEngine(Settings(_env_file=None, offline=True), choice, str(tmp_path))
    assert failed.value.code == "model_unavailable"
    assert failed.value.detail
