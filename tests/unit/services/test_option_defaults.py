"""Request over preset over settings."""

from pathlib import Path
from typing import Any

import pytest

from app.core.config import Settings, SettingsError
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.infrastructure.engines.choice import check_model_folder
from app.services.option_defaults import BUILT_IN, OptionDefaults, option_defaults, read_presets
from app.services.submission import ArrivedFile, Submission
from tests.workbench import FACTS, Workbench

OURS = {"interview": {"model": "medium", "num_speakers": 2, "diarize": True}}


def complete(defaults: OptionDefaults, **wanted: Any) -> TranscriptionOptions:
    return defaults.complete(TranscriptionOptions(**wanted))


@pytest.mark.parametrize("name", ["fast", "balanced", "accurate"])
def test_a_preset_fills_in_what_is_left_open(name: str) -> None:
    """What the request names wins over the preset it names; the preset's name is kept with the Job."""
    options = complete(OptionDefaults(), preset=name, beam_size=3)
    assert (options.model, options.beam_size, options.preset) == (BUILT_IN[name]["model"], 3, name)


def test_better_presets_cost_more() -> None:
    """The three presets are three different models, in this order."""
    assert [BUILT_IN[name]["model"] for name in ("fast", "balanced", "accurate")] == ["base", "small", "large-v3"]


def test_a_preset_of_the_settings_may_be_the_default() -> None:
    """It counts for a request that names none, and gives way to one that is named."""
    defaults = option_defaults(Settings(_env_file=None, presets=OURS, preset="interview"))
    assert complete(defaults).model == "medium"
    assert complete(defaults).num_speakers == 2
    fast = complete(defaults, preset="fast")
    assert (fast.model, fast.num_speakers) == ("base", None)


def test_an_unknown_preset_names_the_known_ones(bench: Workbench) -> None:
    """It is refused at submission, and the recording is not kept."""
    stored = bench.store_bytes()
    submission = Submission(TranscriptionOptions(preset="best"), files=(ArrivedFile("a.wav", stored, FACTS),))
    with pytest.raises(CesarError) as refused:
        bench.jobs.submit(submission)
    assert (refused.value.code, refused.value.detail) == ("bad_value", "preset must be one of fast, balanced, accurate")
    assert list(bench.storage.keys()) == []


@pytest.mark.parametrize("setting", [True, False])
def test_whether_speakers_are_told_apart_is_a_setting(setting: bool) -> None:
    """A request that says nothing takes the server's default; one that says yes or no gets that."""
    defaults = option_defaults(Settings(_env_file=None, diarize=setting))
    assert complete(defaults).diarize is setting
    assert complete(defaults, diarize=not setting).diarize is not setting


def test_bounds_of_the_settings_are_for_who_gave_none() -> None:
    """Default bounds count when speakers are told apart and the request has no bound of its own."""
    defaults = option_defaults(Settings(_env_file=None, min_speakers=2, max_speakers=4))
    assert (complete(defaults).min_speakers, complete(defaults).max_speakers) == (2, 4)
    assert (complete(defaults, num_speakers=6).min_speakers, complete(defaults, max_speakers=1).min_speakers) == (
        None,
        None,
    )
    assert complete(defaults, diarize=False).max_speakers is None
    assert defaults.change({"diarize": False}, {"diarize": True}) == {
        "diarize": True, "min_speakers": 2, "max_speakers": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "complaint"),
    [
        ({"beam_size": "wide"}, "beam_size"), ({"modle": "small"}, "modle"), ({"model": "enormous"}, "model"),
        ({"preset": "fast"}, "preset cannot be part"), ({"task": "translate"}, "task cannot be part"),
        ({"min_speakers": 3, "max_speakers": 2}, "min_speakers"),
    ],
)  # fmt: skip
def test_a_preset_that_cannot_work_stops_the_start(preset: dict[str, Any], complaint: str) -> None:
    """The start is refused with one sentence that names the setting, the preset and the option."""
    with pytest.raises(CesarError, match="preset odd"):
        read_presets({"odd": preset})
    with pytest.raises(SettingsError) as refused:
        option_defaults(Settings(_env_file=None, presets={"odd": preset}))
    assert str(refused.value).startswith("CESAR_PRESETS: preset odd: ")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_default_preset_that_is_not_there_stops_the_start() -> None:
    """CESAR_PRESET has to be one of the presets."""
    with pytest.raises(SettingsError, match="CESAR_PRESET must be one of fast, balanced, accurate, interview"):
        option_defaults(Settings(_env_file=None, presets=OURS, preset="best"))


def test_a_preset_may_name_a_folder(tmp_path: Path) -> None:
    """The folders of the settings' presets are the admin's choice; other folders stay refused."""
    settings = Settings(_env_file=None, presets={"ours": {"model": str(tmp_path), "align_model": str(tmp_path / "a")}})
    check_model_folder(settings, str(tmp_path))
    check_model_folder(settings, str(tmp_path / "a"))
    with pytest.raises(CesarError, match="bad_value"):
        check_model_folder(settings, str(tmp_path / "b"))


def test_a_compute_type_that_does_not_exist_stops_the_start() -> None:
    """A typing error in CESAR_COMPUTE_TYPE is no reason to transcribe with another engine."""
    with pytest.raises(SettingsError, match="CESAR_COMPUTE_TYPE must be one of default, auto, int8"):
        option_defaults(Settings(_env_file=None, compute_type="int7"))
    assert option_defaults(Settings(_env_file=None, compute_type="float32"))
