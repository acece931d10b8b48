"""What is said about alignment and diarization before anybody runs them."""

from pathlib import Path

import pytest

from app.core.config import Settings
from app.infrastructure.engines.reports import StageReport, describe_stages

pytestmark = pytest.mark.whisperx

WAV2VEC2 = Path(__file__).parents[3] / "models" / "tiny-wav2vec2"


def _stages(settings: Settings) -> tuple[StageReport, StageReport]:
    alignment, diarization = describe_stages(settings)
    return alignment, diarization


@pytest.mark.usefixtures("no_hub")
def test_a_bare_machine_is_told_what_is_missing(settings: Settings) -> None:
    """Without a token the report says so, with the setting to set; a language without a model is named."""
    alignment, diarization = _stages(settings.model_copy(update={"language": "la"}))
    assert not alignment.usable
    assert "language la" in alignment.why
    assert not diarization.usable
    assert "no Hugging Face token is configured" in diarization.why
    assert diarization.how_to_get == "Set CESAR_HF_TOKEN."


def test_what_is_here_is_ready(settings: Settings, tmp_path: Path) -> None:
    """Local folders make both ready, without a token and without a network."""
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "config.yaml").write_text("pipeline: {}")
    own = {"align_model": str(WAV2VEC2), "diarize_model": str(tmp_path / "pipeline"), "offline": True}
    assert [report.usable for report in _stages(settings.model_copy(update=own))] == [True, True]


def test_offline_without_models_names_the_models(settings: Settings) -> None:
    """Offline the missing models are named, with what to do."""
    own = {"offline": True, "diarize_model": "org/open"}
    alignment, diarization = _stages(settings.model_copy(update=own))
    assert "WAV2VEC2_ASR_BASE_960H is not on this machine and CESAR_OFFLINE is set" in alignment.why
    assert "org/open is not on this machine and CESAR_OFFLINE is set" in diarization.why
    assert str(diarization.how_to_get).startswith("Connect to the network once")
