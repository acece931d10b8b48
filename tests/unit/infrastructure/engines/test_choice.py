"""Which engine runs, and why."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.infrastructure.engines import choice as choosing
from app.infrastructure.engines.choice import choose
from app.infrastructure.engines.reports import describe_engines
from tests.fakes.hub import Hub
from tests.unit.infrastructure.engines.conftest import TINY

PLAIN = TranscriptionOptions()
whisperx = pytest.mark.whisperx


@pytest.fixture
def without_whisperx(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which WhisperX was never installed."""
    monkeypatch.setattr(choosing, "WHISPERX_PARTS", ("whisperx_that_nobody_has", "no.such.package"))


@whisperx
def test_auto_takes_whisperx_when_its_model_is_here(settings: Settings) -> None:
    """A model on this machine is enough; the hub is not asked."""
    chosen = choose(settings.model_copy(update={"model": str(TINY), "offline": True}), PLAIN)
    assert (chosen.engine, chosen.model, chosen.fallback) == ("whisperx", str(TINY), False)


@whisperx
@pytest.mark.usefixtures("hub")
def test_auto_takes_whisperx_when_its_model_can_be_downloaded(settings: Settings) -> None:
    """A model that the hub offers is enough."""
    assert choose(settings, PLAIN).engine == "whisperx"


@whisperx
@pytest.mark.usefixtures("no_hub")
def test_auto_falls_back_when_the_model_cannot_be_had(settings: Settings) -> None:
    """No model and no hub: the small engine, with the reason."""
    chosen = choose(settings, PLAIN)
    assert (chosen.engine, chosen.fallback) == ("pocketsphinx", True)
    assert "the model hub cannot be reached" in chosen.reason


@pytest.mark.usefixtures("without_whisperx")
def test_auto_falls_back_when_whisperx_is_not_installed(settings: Settings) -> None:
    """What is missing is named."""
    chosen = choose(settings, PLAIN)
    assert (chosen.engine, chosen.fallback) == ("pocketsphinx", True)
    assert "whisperx_that_nobody_has" in chosen.reason


@pytest.mark.usefixtures("without_whisperx")
@pytest.mark.parametrize("asked_in", ["request", "settings"])
def test_whisperx_by_name_is_not_replaced(settings: Settings, asked_in: str) -> None:
    """Who asks for WhisperX by name gets an error, not another engine."""
    options = TranscriptionOptions(engine="whisperx") if asked_in == "request" else PLAIN
    if asked_in == "settings":
        settings = settings.model_copy(update={"engine": "whisperx"})
    with pytest.raises(CesarError) as refused:
        choose(settings, options)
    assert refused.value.code == "engine_unavailable"


@whisperx
@pytest.mark.usefixtures("no_hub")
def test_whisperx_by_name_without_a_model(settings: Settings) -> None:
    """Who asks for WhisperX by name is told that the model is missing."""
    with pytest.raises(CesarError) as refused:
        choose(settings, TranscriptionOptions(engine="whisperx", model="tiny"))
    assert refused.value.code == "model_unavailable"


def test_pocketsphinx_by_name_is_no_fallback(settings: Settings, hub: Hub) -> None:
    """The small engine can be wanted; then nobody is asked for models."""
    chosen = choose(settings, TranscriptionOptions(engine="pocketsphinx"))
    assert (chosen.engine, chosen.fallback, hub.requests) == ("pocketsphinx", False, [])


@pytest.mark.parametrize("name", ["os:system", "tests.fakes.scripted_engine:create", "kaldi"])
def test_a_request_cannot_name_a_module(settings: Settings, name: str) -> None:
    """Only the settings may name an engine that has to be imported."""
    with pytest.raises(CesarError) as refused:
        choose(settings, TranscriptionOptions(engine=name))
    assert refused.value.code == "bad_value"


@pytest.mark.parametrize("engine", [None, "auto"])
def test_an_engine_of_your_own(settings: Settings, engine: str | None) -> None:
    """The engine that the settings name runs for requests that name none or `auto`."""
    own = settings.model_copy(update={"engine": "tests.fakes.scripted_engine:create"})
    assert choose(own, TranscriptionOptions(engine=engine)).engine == "tests.fakes.scripted_engine:create"


@whisperx
def test_what_a_request_says_wins(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, device and compute type of the request go before those of the settings."""
    monkeypatch.setattr(choosing, "graphics_cards", lambda: 1)
    options = TranscriptionOptions(model=str(TINY), device="cpu", compute_type="float32")
    chosen = choose(settings.model_copy(update={"device": "cuda", "models_dir": TINY.parent}), options)
    assert (chosen.model, chosen.device, chosen.compute_type) == (str(TINY), "cpu", "float32")


@pytest.mark.parametrize(
    "folder", ["/etc", "./models", "../models", "~/models", f"{TINY.parent}/../../app", "app/domain", "app/../../etc", "a\\b"]
)  # fmt: skip
@pytest.mark.parametrize("engine", ["auto", "whisperx"])
def test_a_request_cannot_look_around(settings: Settings, folder: str, engine: str) -> None:
    """Of folders a request may name the default model and those below the models' folder; others are refused, not probed."""
    with pytest.raises(CesarError) as refused:
        choose(
            settings.model_copy(update={"models_dir": TINY.parent}), TranscriptionOptions(engine=engine, model=folder)
        )
    assert refused.value.code == "bad_value"


@whisperx
def test_a_size_is_no_folder_that_lies_about(
    settings: Settings, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in the working directory that is called like a size does not take its place."""
    (tmp_path / "here" / "small").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(CesarError) as refused:
        choose(settings, TranscriptionOptions(engine="whisperx", model="small"))
    assert refused.value.code == "model_unavailable"
    assert any("faster-whisper-small" in request for request in hub.requests)


@whisperx
@pytest.mark.parametrize(("cards", "device", "compute_type"), [(0, "cpu", "int8"), (1, "cuda", "float16")])
def test_the_device_follows_the_machine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, cards: int, device: str, compute_type: str
) -> None:
    """A graphics card is used where there is one, with the compute type that suits it."""
    monkeypatch.setattr(choosing, "graphics_cards", lambda: cards)
    chosen = choose(settings.model_copy(update={"model": str(TINY)}), PLAIN)
    assert (chosen.device, chosen.compute_type) == (device, compute_type)


@whisperx
def test_a_graphics_card_that_is_not_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for CUDA without a card is an error when WhisperX was asked for by name."""
    monkeypatch.setattr(choosing, "graphics_cards", lambda: 0)
    with pytest.raises(CesarError) as refused:
        choose(settings.model_copy(update={"model": str(TINY)}), TranscriptionOptions(engine="whisperx", device="cuda"))
    assert refused.value.code == "engine_unavailable"


@whisperx
def test_the_report_of_a_good_machine(settings: Settings) -> None:
    """Both engines are described; the one that would run is marked, with its version and model."""
    whisper, small = describe_engines(settings.model_copy(update={"model": str(TINY), "offline": True}))
    assert (whisper.name, whisper.installed, whisper.usable, whisper.selected) == ("whisperx", True, True, True)
    assert whisper.version
    assert "tiny-whisper-ct2" in whisper.why
    assert (small.name, small.usable, small.selected, small.models) == ("pocketsphinx", True, False, ("en-us",))


@pytest.mark.usefixtures("without_whisperx")
def test_the_report_says_what_is_missing(settings: Settings) -> None:
    """An engine that cannot run says why and how to get it."""
    whisper, small = describe_engines(settings)
    assert (whisper.installed, whisper.usable, whisper.selected) == (False, False, False)
    assert "not installed" in whisper.why
    assert whisper.how_to_get
    assert small.selected
    assert "WhisperX cannot run" in small.why


def test_the_report_names_an_engine_of_your_own(settings: Settings) -> None:
    """An engine that the settings name is described and selected."""
    own = settings.model_copy(update={"engine": "tests.fakes.scripted_engine:create", "offline": True})
    assert [report.name for report in describe_engines(own) if report.selected] == [own.engine]


def test_deciding_imports_no_engine(tmp_path: Path) -> None:
    """Neither the decision nor the report brings torch, CTranslate2 or PocketSphinx into the process."""
    program = f"""
import sys
from app.core.config import Settings
from app.domain.options import TranscriptionOptions
from app.infrastructure.engines.choice import choose
from app.infrastructure.engines.reports import describe_engines
from app.infrastructure.engines.shelf import WarmShelf
settings = Settings(_env_file=None, models_dir={str(tmp_path)!r}, model={str(TINY)!r}, offline=True)
choose(settings, TranscriptionOptions())
describe_engines(settings)
WarmShelf(settings).close()
heavy = {{"torch", "ctranslate2", "faster_whisper", "whisperx", "pocketsphinx", "huggingface_hub", "numpy"}}
print(sorted(heavy & set(sys.modules)))
"""
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() == "[]"
