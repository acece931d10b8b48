"""Which alignment model a language gets, what a request may name, and having the model here."""

import shutil
from pathlib import Path

import pytest

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.infrastructure.engines.alignment_models import (
    BUNDLES,
    DEFAULTS,
    alignment_model,
    have_alignment_model,
    why_no_alignment,
)
from app.infrastructure.engines.model_cache import ModelCache
from tests.fakes.hub import Hub
from tests.fakes.recorded_control import RecordedControl

PLAIN = TranscriptionOptions()
WAV2VEC2 = Path(__file__).parents[3] / "models" / "tiny-wav2vec2"
whisperx = pytest.mark.whisperx


@whisperx
def test_the_defaults_are_whisperx_own() -> None:
    """The table of languages, and the files of torchaudio's models, are those of the libraries."""
    import torchaudio
    from whisperx.alignment import DEFAULT_ALIGN_MODELS_HF, DEFAULT_ALIGN_MODELS_TORCH

    assert dict(DEFAULTS) == {**DEFAULT_ALIGN_MODELS_TORCH, **DEFAULT_ALIGN_MODELS_HF}
    assert set(BUNDLES) == set(DEFAULT_ALIGN_MODELS_TORCH.values())
    assert all(getattr(torchaudio.pipelines, name)._path == file for name, file in BUNDLES.items())


def test_the_request_wins(settings: Settings) -> None:
    """The request's model comes before the setting's, and that before the language's own."""
    own = settings.model_copy(update={"align_model": "org/setting"})
    assert alignment_model(settings, "fr", PLAIN) == "VOXPOPULI_ASR_BASE_10K_FR"
    assert alignment_model(own, "fr", PLAIN) == "org/setting"
    assert alignment_model(own, "fr", TranscriptionOptions(align_model="org/request")) == "org/request"


def test_a_language_without_a_model(settings: Settings) -> None:
    """A language for which nobody made a model is `alignment_unavailable`, and the detail names it."""
    with pytest.raises(CesarError) as refused:
        alignment_model(settings, "la", PLAIN)
    assert refused.value.code == "alignment_unavailable"
    assert "language la" in str(refused.value.detail)


@pytest.mark.parametrize(
    "name",
    ["tests.fakes.scripted_engine:create", "/etc", "../x", "~/models", "a/b/c", "tests/models", "", " a/b", "C:\\x"],
)
def test_what_a_request_may_not_name(settings: Settings, name: str) -> None:
    """A request names neither a factory nor a folder outside the models' own."""
    with pytest.raises(CesarError) as refused:
        alignment_model(settings, "en", TranscriptionOptions(align_model=name))
    assert refused.value.code == "bad_value"


def test_a_factory_is_refused_even_if_it_is_the_settings(settings: Settings) -> None:
    """Naming the setting's own factory in a request is refused like any other."""
    own = settings.model_copy(update={"align_model": "some.module:create"})
    assert alignment_model(own, "en", PLAIN) == "some.module:create"
    with pytest.raises(CesarError):
        alignment_model(own, "en", TranscriptionOptions(align_model="some.module:create"))


def test_a_folder_set_aside_for_models_is_allowed(settings: Settings) -> None:
    """A request may name a folder inside CESAR_MODELS_DIR, and the folder of the setting."""
    assert settings.models_dir is not None
    inside = str(settings.models_dir / "mine")
    assert alignment_model(settings, "en", TranscriptionOptions(align_model=inside)) == inside
    own = settings.model_copy(update={"align_model": str(WAV2VEC2)})
    assert alignment_model(own, "en", TranscriptionOptions(align_model=str(WAV2VEC2))) == str(WAV2VEC2)


@whisperx
def test_a_model_is_downloaded_with_one_form_of_its_weights(settings: Settings, hub: Hub) -> None:
    """The files of the model are fetched with a percentage, its weights once, and not asked for again."""
    offered = hub.root / "org" / "aligner"
    shutil.copytree(WAV2VEC2, offered)
    (offered / "pytorch_model.bin").write_bytes(b"the same once more")
    cache, control = ModelCache(settings), RecordedControl()
    folder = Path(have_alignment_model(cache, "org/aligner", control))
    assert (folder / "model.safetensors").read_bytes() == (WAV2VEC2 / "model.safetensors").read_bytes()
    assert not (folder / "pytorch_model.bin").exists()
    assert control.messages[-1] == "Loading alignment model org/aligner"
    hub.requests.clear()
    assert have_alignment_model(cache, "org/aligner", RecordedControl()) == str(folder)
    assert hub.requests == []


@pytest.mark.usefixtures("no_hub")
def test_a_hub_out_of_reach_is_said(settings: Settings) -> None:
    """A model that is not here and cannot be fetched is `alignment_unavailable` with the reason."""
    with pytest.raises(CesarError) as failed:
        have_alignment_model(ModelCache(settings), "org/aligner", RecordedControl())
    assert failed.value.code == "alignment_unavailable"
    assert failed.value.detail == "the model org/aligner is not on this machine and the model hub cannot be reached"
    assert why_no_alignment(settings, ModelCache(settings), "nl") is not None


def test_offline_is_respected(settings: Settings) -> None:
    """With CESAR_OFFLINE one of torchaudio's models that is not here is refused without a try."""
    cache = ModelCache(settings.model_copy(update={"offline": True}))
    with pytest.raises(CesarError) as failed:
        have_alignment_model(cache, "WAV2VEC2_ASR_BASE_960H", RecordedControl())
    assert failed.value.detail == "WAV2VEC2_ASR_BASE_960H is not on this machine and CESAR_OFFLINE is set"
