"""Speakers told apart by the real pyannote pipeline on models made here, and what a stand-in hub's refusals become."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio
from app.domain.transcript import Segment, SpeakerTurn, Word
from app.infrastructure.engines.background_call import stray_calls
from app.infrastructure.engines.diarization_models import why_no_diarization
from app.infrastructure.engines.model_cache import ModelCache
from tests.fakes import spoken
from tests.fakes.hub import Hub
from tests.fakes.pipeline_folder import make_pipeline
from tests.fakes.recorded_control import RecordedControl

pytestmark = [
    pytest.mark.whisperx,
    pytest.mark.filterwarnings("ignore:At least one mel filterbank"),
    pytest.mark.filterwarnings("ignore:std\\(\\)"),
]

PLAIN = TranscriptionOptions()
GATED = "pyannote/speaker-diarization-community-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("pipeline") / "mine")


@pytest.fixture(scope="module")
def diarizer(folder: Path) -> Any:
    return _diarizer(Settings(_env_file=None, offline=True, threads=2, diarize_model=str(folder)))


def _diarizer(settings: Settings) -> Any:
    from app.infrastructure.engines.pyannote_diarizer import PyannoteDiarizer

    return PyannoteDiarizer(settings, ModelCache(settings), "cpu")


@pytest.fixture(scope="module")
def two_voices(tmp_path_factory: pytest.TempPathFactory) -> Audio:
    """A woman reads for 7 s; a man speaks from second 8 on."""
    place = tmp_path_factory.mktemp("voices")
    woman, man = spoken.decoded("audio/austen-0870.wav", place), spoken.decoded("audio/jfk.flac", place)
    return spoken.joined([woman, spoken.silence(1.0, place), man], place)


def test_two_voices_are_two_speakers(diarizer: Any, two_voices: Audio) -> None:
    """A woman and a man are told apart by their voices alone, in the order of time, with continuous progress."""
    control = RecordedControl()
    turns = diarizer.diarize(two_voices, PLAIN, control)
    woman, man = ({turn.speaker for turn in turns if (turn.start < 7.5) is early} for early in (True, False))
    assert (len(woman), len(man)) == (1, 1)
    assert woman != man
    assert list(turns) == sorted(turns, key=lambda turn: turn.start)
    assert {type(turn.start) for turn in turns} == {float}
    assert control.fractions[-1] == 1.0
    assert all(before <= after for before, after in pairwise(control.fractions))
    assert len({fraction for fraction in control.fractions if 0.0 < fraction < 1.0}) >= 4


def test_the_number_of_speakers_is_heeded(diarizer: Any, two_voices: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """`num_speakers` of the request is what is found, and comes before the setting's."""
    turns = diarizer.diarize(two_voices, TranscriptionOptions(num_speakers=1), RecordedControl())
    assert {turn.speaker for turn in turns} == {"SPEAKER_00"}
    monkeypatch.setattr(diarizer, "_settings", diarizer._settings.model_copy(update={"num_speakers": 1}))
    assert len({turn.speaker for turn in diarizer.diarize(two_voices, PLAIN, RecordedControl())}) == 1


def test_cancel_while_it_works(diarizer: Any, two_voices: Audio) -> None:
    """A cancel is heard at once; the pipeline ends by itself when it next says how far it is."""
    started = time.monotonic()
    with pytest.raises(Cancelled):
        diarizer.diarize(two_voices, PLAIN, RecordedControl(cancel_when=lambda seen: seen.checks > 3))
    assert time.monotonic() - started < 3
    deadline = time.monotonic() + 60
    while stray_calls(diarizer) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert stray_calls(diarizer) == 0


def test_silence_has_no_speakers(diarizer: Any, tmp_path: Path) -> None:
    """A recording in which nobody speaks, even one without samples, has no turns."""
    assert diarizer.diarize(spoken.silence(3.0, tmp_path), PLAIN, RecordedControl()) == ()
    assert diarizer.diarize(spoken.silence(0.0, tmp_path), PLAIN, RecordedControl()) == ()


def test_speakers_are_joined_to_segments_and_words(diarizer: Any) -> None:
    """A segment has the speaker who speaks longest in it, a word its own, and nobody where nobody speaks."""
    turns = (SpeakerTurn(0.0, 2.0, "SPEAKER_00"), SpeakerTurn(2.0, 3.0, "SPEAKER_01"))
    words = (Word("a", 0.5, 1.0), Word("b", 2.2, 2.8), Word("c"), Word("d", 9.0, 9.5))
    first, second = diarizer.join(turns, [Segment(0, 0.0, 3.0, "a b c d", words=words), Segment(1, 8.0, 9.0, "e")])
    assert (first.speaker, second.speaker) == ("SPEAKER_00", None)
    assert [word.speaker for word in first.words] == ["SPEAKER_00", "SPEAKER_01", None, None]
    assert (first.text, first.words[1].start, second.index) == ("a b c d", 2.2, 1)
    [alone] = diarizer.join((), [second])
    assert alone.speaker is None


def test_a_failure_inside_is_named(diarizer: Any, two_voices: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unforeseen failure of the pipeline is `diarization_failed` with its type and text."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(diarizer, "_pipeline", broken)
    with pytest.raises(CesarError) as failed:
        diarizer.diarize(two_voices, PLAIN, RecordedControl())
    assert (failed.value.code, failed.value.detail) == ("diarization_failed", "RuntimeError: no such layer")


@pytest.fixture
def library_asks(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes huggingface_hub ask another address: it reads the environment only once, when it is first imported."""
    from huggingface_hub import constants

    def ask(url: str) -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE", template)

    return ask


@pytest.fixture
def gate(hub: Hub, folder: Path, library_asks: Callable[[str], None]) -> Hub:
    """The hub offers the pipeline under the default name, to members only."""
    library_asks(hub.url)
    (hub.root / "pyannote").mkdir()
    (hub.root / GATED).symlink_to(folder)
    hub.gated, hub.tokens, hub.members = {GATED}, {"hf_member", "hf_stranger"}, {"hf_member"}
    return hub


def _failure(settings: Settings) -> CesarError:
    with pytest.raises(CesarError) as failed:
        _diarizer(settings)
    return failed.value


@pytest.mark.parametrize(
    ("token", "code", "said"),
    [
        (None, "hf_token_required", f"the terms of {GATED} have to be accepted at https://huggingface.co/{GATED}"),
        ("hf_stranger", "hf_token_invalid", f"answered 403 for {GATED}"),
        ("hf_wrong", "hf_token_invalid", f"answered 401 for {GATED}"),
        ("sk_else", "hf_token_invalid", "does not begin with hf_"),
    ],
)
def test_what_the_hub_refuses(settings: Settings, gate: Hub, token: str | None, code: str, said: str) -> None:
    """Each refusal of a gated model has its code and says what to do, never the token; the doctor foretells it."""
    own = settings.model_copy(update={"hf_token": SecretStr(token) if token else None})
    failure = _failure(own)
    assert failure.code == code
    assert said in str(failure.detail)
    assert token is None or token not in str(failure)
    foretold = why_no_diarization(own, ModelCache(own))
    assert foretold is not None
    assert foretold.code == code


def test_a_member_gets_it_and_the_cache_needs_no_token(settings: Settings, gate: Hub, two_voices: Audio) -> None:
    """With a token that was accepted the pipeline is fetched; from then on neither token nor hub is needed."""
    own = settings.model_copy(update={"hf_token": SecretStr("hf_member")})
    assert why_no_diarization(own, ModelCache(own)) is None
    _diarizer(own)
    assert gate.seen_tokens == {"hf_member"}
    gate.requests.clear()
    again = _diarizer(settings)
    assert gate.requests == []
    assert again.diarize(two_voices, TranscriptionOptions(num_speakers=1), RecordedControl())
    assert why_no_diarization(settings, ModelCache(settings)) is None


@pytest.mark.parametrize(
    ("model", "token", "code"),
    [
        ("pyannote/typo", "hf_member", "diarization_failed"), ("org/typo", "hf_member", "diarization_failed"),
        ("org/typo", None, "diarization_failed"), ("pyannote/typo", None, "hf_token_required"),
    ],
)  # fmt: skip
def test_a_model_that_is_not_there(settings: Settings, gate: Hub, model: str, token: str | None, code: str) -> None:
    """404 is not the token's fault, foretold or met; only that pyannote's own models want one is said first."""
    own = settings.model_copy(update={"diarize_model": model, "hf_token": SecretStr(token) if token else None})
    foretold = why_no_diarization(own, ModelCache(own))
    assert foretold is not None
    assert foretold.code == code
    if code == "diarization_failed":
        assert "there is no such model" in str(foretold.detail)
        met = _failure(own)
        assert (met.code, "there is no such model" in str(met.detail)) == (code, True)


@pytest.mark.usefixtures("no_hub")
def test_a_hub_out_of_reach(settings: Settings, library_asks: Callable[[str], None]) -> None:
    """Without a token the missing token is named first, since it will be asked for; with one, the hub that is out of reach."""
    library_asks("http://127.0.0.1:9")
    assert _failure(settings).code == "hf_token_required"
    failure = _failure(settings.model_copy(update={"hf_token": SecretStr("hf_member")}))
    assert failure.code == "diarization_failed"
    assert "cannot be reached" in str(failure.detail)
    other = _failure(settings.model_copy(update={"diarize_model": "org/open"}))
    assert other.code == "diarization_failed"


def test_a_repository_that_is_no_pipeline(settings: Settings, hub: Hub, library_asks: Callable[[str], None]) -> None:
    """A repository without a pipeline is `diarization_failed` with the library's words."""
    library_asks(hub.url)
    hub.tokens = {"hf_member"}
    failure = _failure(settings.model_copy(update={"diarize_model": "org/tiny", "hf_token": SecretStr("hf_member")}))
    assert failure.code == "diarization_failed"
    assert "config.yaml" in str(failure.detail)
