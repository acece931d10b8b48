"""Engines kept warm, lent to one run at a time, and let go."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Engine, RunControl
from app.infrastructure.engines.background_call import call_in_background
from app.infrastructure.engines.choice import Choice
from app.infrastructure.engines.shelf import WarmShelf
from tests.fakes import spoken
from tests.fakes.hub import Hub
from tests.fakes.recorded_control import RecordedControl
from tests.fakes.scripted_engine import ScriptedEngine
from tests.unit.infrastructure.engines.conftest import TINY

PLAIN = TranscriptionOptions()
SMALL = TranscriptionOptions(engine="pocketsphinx")
whisperx = pytest.mark.whisperx


class Clock:
    """Time that moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Factory:
    """Loads scripted engines and counts them."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.loaded: list[Choice] = []
        self.seconds = seconds

    def __call__(self, choice: Choice, control: RunControl) -> Engine:
        self.loaded.append(choice)
        time.sleep(self.seconds)
        return ScriptedEngine()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def factory() -> Factory:
    return Factory()


@pytest.fixture
def shelf(settings: Settings, clock: Clock, factory: Factory) -> Iterator[WarmShelf]:
    warm = WarmShelf(
        settings.model_copy(update={"model": str(TINY), "offline": True, "model_ttl_seconds": 60.0}),
        clock=clock,
        loaders={"whisperx": factory, "pocketsphinx": factory},
    )
    yield warm
    warm.close()


def test_an_engine_stays_warm(shelf: WarmShelf, factory: Factory) -> None:
    """The second run gets the engine that the first one loaded."""
    with shelf.lend(SMALL, RecordedControl()) as first:
        pass
    with shelf.lend(SMALL, RecordedControl()) as second:
        assert second is first
    assert len(factory.loaded) == 1


def test_an_idle_engine_is_dropped(shelf: WarmShelf, clock: Clock, factory: Factory) -> None:
    """An engine that was idle for its time to live is dropped, not a moment earlier, and loaded anew when needed."""
    with shelf.lend(SMALL, RecordedControl()):
        clock.now = 100.0
        assert shelf.sweep() == 0
    clock.now = 159.0
    assert shelf.sweep() == 0
    clock.now = 160.0
    assert shelf.sweep() == 1
    assert shelf.engines() == ()
    with shelf.lend(SMALL, RecordedControl()):
        assert len(factory.loaded) == 2


def test_a_time_to_live_of_zero(settings: Settings, factory: Factory) -> None:
    """With CESAR_MODEL_TTL_SECONDS=0 an engine goes as soon as its run is over."""
    now = WarmShelf(settings.model_copy(update={"model_ttl_seconds": 0.0}), loaders={"pocketsphinx": factory})
    with now.lend(SMALL, RecordedControl()):
        assert len(now.engines()) == 1
    assert now.engines() == ()
    now.close()


def test_the_shelf_sweeps_by_itself(settings: Settings, factory: Factory) -> None:
    """Nobody has to call sweep."""
    own = WarmShelf(settings.model_copy(update={"model_ttl_seconds": 0.2}), loaders={"pocketsphinx": factory})
    with own.lend(SMALL, RecordedControl()):
        pass
    deadline = time.monotonic() + 10
    while own.engines() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert own.engines() == ()
    own.close()


@whisperx
def test_no_more_than_two_engines(shelf: WarmShelf, clock: Clock) -> None:
    """A third engine takes the place of the one that was idle for longest."""
    for number, compute_type in enumerate(("int8", "float32", "int16")):
        clock.now = float(number)
        with shelf.lend(TranscriptionOptions(compute_type=compute_type), RecordedControl()):
            pass
    assert [key[3] for key in shelf.engines()] == ["float32", "int16"]


def test_lending_is_exclusive(shelf: WarmShelf, factory: Factory) -> None:
    """A second run that wants the same engine waits for the first; both use one engine."""
    factory.seconds = 0.1
    inside: list[int] = []
    most: list[int] = []

    def run() -> None:
        with shelf.lend(SMALL, RecordedControl()):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1, 1, 1, 1]
    assert len(factory.loaded) == 1


def test_waiting_can_be_cancelled(shelf: WarmShelf) -> None:
    """A run that waits for an engine notices that it was cancelled."""
    with shelf.lend(SMALL, RecordedControl()):
        waiting = RecordedControl(cancel_when=lambda seen: seen.checks >= 3)
        with pytest.raises(Cancelled), shelf.lend(SMALL, waiting):
            pytest.fail("the engine was lent twice")
    assert len(shelf.engines()) == 1


def test_an_engine_that_fails_in_a_run_is_given_back(shelf: WarmShelf) -> None:
    """An error inside the run does not keep the engine away from the next one."""
    with pytest.raises(OSError, match="broken"), shelf.lend(SMALL, RecordedControl()):
        raise OSError("broken")
    with shelf.lend(SMALL, RecordedControl()) as engine:
        assert engine.name == "scripted"


def test_a_failed_load_can_be_tried_again(settings: Settings) -> None:
    """An engine that could not be loaded is not taken for loaded."""
    answers: list[Any] = [CesarError("out_of_memory"), ScriptedEngine()]

    def load(choice: Choice, control: RunControl) -> Engine:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shelf = WarmShelf(settings, loaders={"pocketsphinx": load})
    with pytest.raises(CesarError), shelf.lend(SMALL, RecordedControl()):
        pytest.fail("there is no engine to lend")
    with shelf.lend(SMALL, RecordedControl()) as engine:
        assert engine.name == "scripted"
    shelf.close()


@pytest.mark.usefixtures("no_hub")
def test_a_fallback_is_told(settings: Settings) -> None:
    """Without the model the small engine is lent, and one warning says why."""
    shelf = WarmShelf(settings)
    control = RecordedControl()
    with shelf.lend(PLAIN, control) as engine:
        assert engine.name == "pocketsphinx"
    [(code, message)] = control.warnings
    assert code == "engine_fallback"
    assert message.startswith("WhisperX cannot run: ")
    shelf.close()


@whisperx
@pytest.mark.parametrize("code", ["engine_unavailable", "model_unavailable"])
def test_auto_falls_back_when_loading_fails(settings: Settings, code: str, factory: Factory) -> None:
    """WhisperX that looked usable and then cannot be loaded is replaced too; one that was asked for by name is not."""

    def broken(choice: Choice, control: RunControl) -> Engine:
        raise CesarError(code, "a part of it is broken")

    local = settings.model_copy(update={"model": str(TINY), "offline": True})
    shelf = WarmShelf(local, loaders={"whisperx": broken, "pocketsphinx": factory})
    control = RecordedControl()
    with shelf.lend(PLAIN, control):
        assert [choice.engine for choice in factory.loaded] == ["pocketsphinx"]
    assert "a part of it is broken" in control.warnings[0][1]
    with pytest.raises(CesarError) as refused, shelf.lend(TranscriptionOptions(engine="whisperx"), control):
        pytest.fail("there is no engine to lend")
    assert refused.value.code == code
    shelf.close()


def test_an_engine_of_your_own_is_loaded(settings: Settings) -> None:
    """`package.module:factory` is imported and called with the settings."""
    shelf = WarmShelf(settings.model_copy(update={"engine": "tests.fakes.scripted_engine:create"}))
    with shelf.lend(PLAIN, RecordedControl()) as engine:
        assert engine.name == "scripted"
    shelf.close()


@pytest.mark.parametrize("name", ["no.such.module:create", "tests.fakes.scripted_engine:missing"])
def test_an_engine_of_your_own_that_is_not_there(settings: Settings, name: str) -> None:
    """A name that cannot be imported is `engine_unavailable`."""
    shelf = WarmShelf(settings.model_copy(update={"engine": name}))
    with pytest.raises(CesarError) as refused, shelf.lend(PLAIN, RecordedControl()):
        pytest.fail("there is no engine to lend")
    assert refused.value.code == "engine_unavailable"
    shelf.close()


@whisperx
def test_download_and_loading_are_told(settings: Settings, hub: Hub) -> None:
    """The download moves the fraction; then a message says that the model is being loaded; then real words come."""
    hub.bytes_per_second = 3_000_000
    control = RecordedControl()
    shelf = WarmShelf(settings)
    audio = spoken.decoded("speech/single-1.wav", settings.models_dir.parent)
    with shelf.lend(PLAIN, control) as engine:
        assert any(0.1 < fraction < 0.9 for fraction in control.fractions)
        assert control.messages[0].startswith("Downloading model org/tiny: ")
        assert control.messages[-1] == "Loading model org/tiny"
        assert engine.transcribe(audio, PLAIN, RecordedControl()).text == "Close the small train."
    shelf.close()


@whisperx
def test_a_dropped_model_is_really_freed(settings: Settings) -> None:
    """After the sweep nothing holds the pipeline or its CTranslate2 model."""
    shelf = WarmShelf(settings.model_copy(update={"model": str(TINY), "offline": True}))
    with shelf.lend(PLAIN, RecordedControl()) as engine:
        alive = weakref.ref(engine._pipeline.model)
    del engine
    gc.disable()
    try:
        assert shelf.sweep(time.monotonic() + 10_000) == 1
        assert alive() is None
    finally:
        gc.enable()
    shelf.close()


def _beside(settings: Settings, **update: Any) -> WarmShelf:
    return WarmShelf(
        settings.model_copy(
            update={
                "align_model": "tests.fakes.scripted_aligner:create",
                "diarize_model": "tests.fakes.scripted_diarizer:create",
                **update,
            }
        )
    )


def test_aligners_and_diarizers_of_your_own_stay_warm(settings: Settings) -> None:
    """What the settings name as `package.module:factory` is made once and lent again, until its time is up."""
    shelf = _beside(settings, model_ttl_seconds=60.0)
    with (
        shelf.lend_aligner("en", PLAIN, RecordedControl()) as aligner,
        shelf.lend_diarizer(PLAIN, RecordedControl()) as diarizer,
    ):
        assert shelf.sweep(time.monotonic() + 100) == 0
    with shelf.lend_aligner("en", PLAIN, RecordedControl()) as again:
        assert again is aligner
    with shelf.lend_diarizer(PLAIN, RecordedControl()) as again_diarizer:
        assert again_diarizer is diarizer
    assert (len(shelf.aligners()), len(shelf.diarizers())) == (1, 1)
    assert shelf.sweep(time.monotonic() + 100) == 2
    assert (shelf.aligners(), shelf.diarizers()) == ((), ())
    shelf.close()


def test_a_missing_token_is_told_before_anything_is_loaded(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline that is not here and known to be gated needs no question to the hub, let alone a library."""
    with Hub(tmp_path) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        shelf = WarmShelf(settings.model_copy(update={"hf_token": None, "models_dir": tmp_path, "offline": False}))
        with pytest.raises(CesarError, match="hf_token_required"), shelf.lend_diarizer(PLAIN, RecordedControl()):
            pass
        shelf.close()
        assert hub.requests == []


def test_an_aligner_is_lent_to_one_run_at_a_time(settings: Settings) -> None:
    """A second run waits for the aligner, and notices meanwhile that it was cancelled."""
    shelf = _beside(settings)
    waiting = RecordedControl(cancel_when=lambda seen: seen.checks >= 3)
    with (
        shelf.lend_aligner("en", PLAIN, RecordedControl()),
        pytest.raises(Cancelled),
        shelf.lend_aligner("en", PLAIN, waiting),
    ):
        pytest.fail("the aligner was lent twice")
    shelf.close()


@pytest.mark.parametrize(
    ("problem", "kept"),
    [
        (RuntimeError("CUDA error"), 0),
        (CesarError("out_of_memory"), 0),
        (CesarError("language_unsupported"), 1),
        (Cancelled(), 1),
    ],
)
def test_what_may_be_broken_is_dropped(shelf: WarmShelf, problem: Exception, kept: int) -> None:
    """After an unforeseen failure, or when memory ran out, an engine is not lent again; a refusal or a cancel keeps it."""
    with pytest.raises(type(problem)), shelf.lend(SMALL, RecordedControl()):
        raise problem
    assert len(shelf.engines()) == kept


@whisperx
def test_a_compute_type_that_the_device_lacks_is_no_reason_for_another_engine(settings: Settings) -> None:
    """CTranslate2's refusal is `option_unsupported` of the request, and nothing is loaded in WhisperX's place."""
    own = WarmShelf(settings.model_copy(update={"model": str(TINY), "offline": True}))
    control = RecordedControl()
    asked = TranscriptionOptions(device="cpu", compute_type="float16")
    with pytest.raises(CesarError) as refused, own.lend(asked, control):
        pytest.fail("an engine was lent")
    assert refused.value.code == "option_unsupported"
    assert "float16" in str(refused.value.detail)
    assert (own.engines(), control.warnings) == ((), [])
    own.close()


def test_a_cancel_returns_memory(shelf: WarmShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory goes back at once when a run is cancelled, and what that run still held goes with the next sweep; a good run keeps it."""
    returned: list[int] = []
    monkeypatch.setattr("app.infrastructure.engines.lending.return_memory", lambda: returned.append(1))
    with shelf.lend(SMALL, RecordedControl()):
        pass
    shelf.sweep()
    assert returned == []
    with pytest.raises(Cancelled), shelf.lend(SMALL, RecordedControl()):
        raise Cancelled
    assert returned == [1]
    shelf.sweep()
    assert returned == [1, 1]


def test_an_engine_with_a_stray_call_is_not_lent(shelf: WarmShelf, factory: Factory) -> None:
    """While native code of a cancelled run still works on an engine, the next run waits; then it gets the same engine."""
    release = threading.Event()
    with pytest.raises(Cancelled), shelf.lend(SMALL, RecordedControl()) as first:
        call_in_background(lambda: release.wait(30), _leave, owner=first)
    waiting = RecordedControl(cancel_when=lambda seen: seen.checks >= 3)
    with pytest.raises(Cancelled), shelf.lend(SMALL, waiting):
        pytest.fail("the engine was lent although a call still runs on it")
    release.set()
    with shelf.lend(SMALL, RecordedControl()) as again:
        assert again is first
    assert len(factory.loaded) == 1


def test_a_stray_call_that_does_not_end_costs_the_engine(
    shelf: WarmShelf, factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while the engine is given up and a fresh one is loaded."""
    monkeypatch.setattr("app.infrastructure.engines.lending.STRAY_SECONDS", 0.3)
    release = threading.Event()
    with pytest.raises(Cancelled), shelf.lend(SMALL, RecordedControl()) as first:
        call_in_background(lambda: release.wait(30), _leave, owner=first)
    with shelf.lend(SMALL, RecordedControl()) as second:
        assert second is not first
    release.set()
    assert len(factory.loaded) == 2


def _leave(elapsed: float) -> None:
    raise Cancelled


def test_loading_can_be_cancelled(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is cancelled while a module is imported does not wait for it."""
    (tmp_path / "slow_to_import.py").write_text(
        "import time\ntime.sleep(8)\n\ndef create(settings):\n    return None\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    shelf = WarmShelf(settings.model_copy(update={"engine": "slow_to_import:create"}))
    started = time.monotonic()
    control = RecordedControl(cancel_when=lambda seen: seen.checks >= 3)
    with pytest.raises(Cancelled), shelf.lend(PLAIN, control):
        pytest.fail("there is no engine to lend")
    assert time.monotonic() - started < 3
    shelf.close()


def test_a_request_is_told_early_what_it_may_not_name(shelf: WarmShelf, factory: Factory) -> None:
    """A factory or a strange folder as `align_model` is refused before an engine is loaded."""
    own = TranscriptionOptions(engine="pocketsphinx", align_model="tests.fakes.scripted_aligner:create")
    with pytest.raises(CesarError) as refused, shelf.lend(own, RecordedControl()):
        pytest.fail("the engine was lent")
    assert refused.value.code == "bad_value"
    assert factory.loaded == []


@pytest.mark.parametrize(
    ("setting", "code"), [("align_model", "alignment_unavailable"), ("diarize_model", "diarization_failed")]
)
def test_a_factory_that_is_not_there_is_said(settings: Settings, setting: str, code: str) -> None:
    """A setting that names no factory fails with the stage's own code."""
    shelf = _beside(settings, **{setting: "no.such.module:create"})
    lend = {
        "align_model": lambda: shelf.lend_aligner("en", PLAIN, RecordedControl()),
        "diarize_model": lambda: shelf.lend_diarizer(PLAIN, RecordedControl()),
    }[setting]
    with pytest.raises(CesarError) as refused, lend():
        pytest.fail("there is nothing to lend")
    assert refused.value.code == code
    shelf.close()
