"""The small engine on real speech."""

import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio
from app.domain.transcript import Transcript
from app.infrastructure.engines import pocketsphinx_engine
from app.infrastructure.engines.pocketsphinx_engine import PocketSphinxEngine
from tests.fakes import spoken
from tests.fakes.recorded_control import RecordedControl

PLAIN = TranscriptionOptions()
TEXTS = {f"{name}.wav": spoken.reference(f"audio/{name}") for name in spoken.AUSTEN} | {"jfk.flac": spoken.JFK_TEXT}


@pytest.fixture(scope="module")
def engine() -> PocketSphinxEngine:
    return PocketSphinxEngine(Settings(_env_file=None))


@dataclass(frozen=True)
class Heard:
    """A recording and what the engine made of it."""

    audio: Audio
    transcript: Transcript
    control: RecordedControl


@pytest.fixture(scope="module")
def heard(engine: PocketSphinxEngine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Heard]:
    """Every recording of real speech, decoded once."""
    folder = tmp_path_factory.mktemp("speech")
    results: dict[str, Heard] = {}
    for file in TEXTS:
        audio, control = spoken.decoded(f"audio/{file}", folder), RecordedControl()
        results[file] = Heard(audio, engine.transcribe(audio, PLAIN, control), control)
    return results


def run(engine: PocketSphinxEngine, file: str, folder: Path, control: RecordedControl | None = None) -> Transcript:
    return engine.transcribe(spoken.decoded(f"audio/{file}", folder), PLAIN, control or RecordedControl())


@pytest.mark.parametrize("file", TEXTS)
def test_sentences_are_recognised(heard: dict[str, Heard], file: str) -> None:
    """Of a sentence of real speech no more than three in eight words are wrong."""
    assert spoken.word_error_rate(TEXTS[file], heard[file].transcript.text) <= 3 / 8


def test_real_speech_as_a_whole(heard: dict[str, Heard]) -> None:
    """Over read sentences and a public address of 1961 (a 24-bit stereo FLAC) about 30 % of the words are wrong."""
    sizes = {file: len(spoken.words_of(text)) for file, text in TEXTS.items()}
    rates = {file: spoken.word_error_rate(text, heard[file].transcript.text) for file, text in TEXTS.items()}
    assert sum(rates[file] * sizes[file] for file in TEXTS) / sum(sizes.values()) <= 0.31


def test_words_have_times_and_scores(heard: dict[str, Heard]) -> None:
    """Words follow one another inside their segment, score between 0 and 1, and carry no marks of the dictionary."""
    for result in heard.values():
        segments = result.transcript.segments
        assert [segment.index for segment in segments] == list(range(len(segments)))
        assert result.transcript.language == "en"
        for segment in segments:
            assert segment.text == " ".join(word.word for word in segment.words)
            assert segment.start <= segment.words[0].start
            assert segment.words[-1].end <= segment.end <= result.audio.duration_seconds + 0.3
            assert all(before.end <= after.start for before, after in pairwise(segment.words))
            assert all(0.0 <= word.score <= 1.0 for word in segment.words)
            assert not set("()[]<>+") & set(segment.text)


def test_progress_follows_the_audio(heard: dict[str, Heard]) -> None:
    """The fraction never falls, ends at 1 and is told about every 100 ms of audio; a pause may be one step."""
    for result in heard.values():
        fractions = [0.0, *result.control.fractions]
        steps = [(after - before) * result.audio.duration_seconds for before, after in pairwise(fractions)]
        assert min(steps) >= 0.0
        assert max(steps) <= 0.6
        assert sum(step > 0.1 for step in steps) <= 2 * len(result.transcript.segments)
        assert fractions[-1] == 1.0


def test_a_segment_leaves_before_the_rest_is_decoded(heard: dict[str, Heard]) -> None:
    """Where speech has pauses, the first segment is told before the rest is decoded; what is told is what comes back."""
    result = heard["jfk.flac"]
    first = next(at for at, (kind, _) in enumerate(result.control.told) if kind == "segment")
    assert result.control.told[first - 1][1] < 0.8
    assert len(result.transcript.segments) >= 2
    assert tuple(result.control.segments) == result.transcript.segments


def test_times_count_from_the_beginning_of_the_recording(engine: PocketSphinxEngine, tmp_path: Path) -> None:
    """The same speech after three seconds of silence comes three seconds later."""
    speech = spoken.decoded("audio/austen-0890.wav", tmp_path)
    late = spoken.joined([spoken.silence(3.0, tmp_path), speech], tmp_path)
    at_once = engine.transcribe(speech, PLAIN, RecordedControl()).segments
    later = engine.transcribe(late, PLAIN, RecordedControl()).segments
    assert later[0].start == pytest.approx(at_once[0].start + 3.0, abs=0.3)
    assert later[-1].words[-1].end == pytest.approx(at_once[-1].words[-1].end + 3.0, abs=0.3)


def test_speech_without_a_pause_is_cut(
    engine: PocketSphinxEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stretch of speech longer than the limit is cut, and its words keep their places."""
    monkeypatch.setattr(pocketsphinx_engine, "LONGEST_UTTERANCE_SECONDS", 2.0)
    transcript = run(engine, "austen-0870.wav", tmp_path)
    assert max(segment.end - segment.start for segment in transcript.segments) <= 2.4
    assert len(transcript.segments) >= 3
    words = [word for segment in transcript.segments for word in segment.words]
    assert all(before.end <= after.start + 0.05 for before, after in pairwise(words))


def test_one_recording_does_not_colour_the_next(
    engine: PocketSphinxEngine, heard: dict[str, Heard], tmp_path: Path
) -> None:
    """The same recording gives the same transcript, whatever was heard in between."""
    assert run(engine, "austen-0880.wav", tmp_path) == heard["austen-0880.wav"].transcript


def test_a_cancelled_run_stops_and_leaves_the_engine_usable(
    engine: PocketSphinxEngine, heard: dict[str, Heard], tmp_path: Path
) -> None:
    """Cancelling in the middle of speech raises at the next block; the next run is as good as new."""
    control = RecordedControl(cancel_when=lambda seen: bool(seen.fractions) and seen.fractions[-1] > 0.4)
    with pytest.raises(Cancelled):
        run(engine, "austen-0870.wav", tmp_path, control)
    assert control.fractions[-1] < 0.45
    assert run(engine, "austen-0880.wav", tmp_path) == heard["austen-0880.wav"].transcript


@pytest.mark.parametrize("seconds", [0.0, 0.01, 2.0])
def test_silence_gives_an_empty_transcript(engine: PocketSphinxEngine, tmp_path: Path, seconds: float) -> None:
    """A recording without speech, even one without samples, ends well and holds nothing."""
    control = RecordedControl()
    transcript = engine.transcribe(spoken.silence(seconds, tmp_path), PLAIN, control)
    assert transcript.segments == ()
    assert control.fractions[-1] == 1.0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (TranscriptionOptions(language="de"), "language_unsupported"),
        (TranscriptionOptions(task="translate"), "option_unsupported"),
    ],
)
def test_what_it_cannot_do_is_refused(
    engine: PocketSphinxEngine, tmp_path: Path, options: TranscriptionOptions, code: str
) -> None:
    """Another language and translation are refused before anything is decoded."""
    control = RecordedControl()
    with pytest.raises(CesarError) as refused:
        engine.transcribe(spoken.silence(1.0, tmp_path), options, control)
    assert refused.value.code == code
    assert control.told == []


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "en_us"])
def test_every_english_is_english(engine: PocketSphinxEngine, tmp_path: Path, language: str) -> None:
    """English with a region is accepted."""
    options = TranscriptionOptions(language=language)
    assert engine.transcribe(spoken.silence(0.5, tmp_path), options, RecordedControl()).language == "en"


def test_options_without_effect_are_told(engine: PocketSphinxEngine, tmp_path: Path) -> None:
    """Options that only Whisper knows give one warning that names them."""
    control = RecordedControl()
    engine.transcribe(spoken.silence(0.5, tmp_path), TranscriptionOptions(initial_prompt="x", beam_size=3), control)
    [(code, message)] = control.warnings
    assert code == "option_ignored"
    assert "initial_prompt, beam_size" in message


def test_it_writes_nothing(tmp_path: Path) -> None:
    """Loading and running leave both standard streams of the process empty."""
    audio = spoken.decoded("audio/austen-0880.wav", tmp_path)
    program = f"""
from pathlib import Path
from app.core.config import Settings
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio
from app.infrastructure.engines.pocketsphinx_engine import PocketSphinxEngine
from tests.fakes.recorded_control import RecordedControl
engine = PocketSphinxEngine(Settings(_env_file=None))
assert engine.transcribe(Audio(Path({str(audio.path)!r}), 3.0), TranscriptionOptions(), RecordedControl()).segments
"""
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"", b"")
