"""The settings: read once, from flags, environment and `.env`, and refused in one sentence when they cannot work."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.config import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CESAR_{name.upper()}", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    """Without anything said, Cesar listens on this machine alone, takes 100 MiB, and chooses the engine by itself."""
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.max_upload_mb, settings.max_upload_bytes) == (100, 104_857_600)
    assert settings.engine == "auto"


def test_flags_win_over_environment_and_environment_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest voice counts: flag, then environment, then `.env`."""
    Path(".env").write_text("CESAR_PORT=1001\nCESAR_MODEL=tiny\nCESAR_LANGUAGE=de\n")
    monkeypatch.setenv("CESAR_PORT", "1002")
    monkeypatch.setenv("CESAR_MODEL", "base")
    settings = load_settings(port=1003, host=None)
    assert (settings.port, settings.model, settings.language, settings.host) == (1003, "base", "de", "127.0.0.1")


def test_database_and_media_lie_in_the_data_folder(tmp_path: Path) -> None:
    """Moving the data folder moves everything; a database of one's own is taken as it is given."""
    settings = load_settings(data_dir=tmp_path / "d")
    assert settings.resolved_database_url == f"sqlite:///{tmp_path / 'd' / 'cesar.db'}"
    assert settings.media_dir == tmp_path / "d" / "media"
    assert load_settings(database_url="sqlite:////x.db").resolved_database_url == "sqlite:////x.db"


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces and empty places in a list do not matter."""
    monkeypatch.setenv("CESAR_ALLOWED_ORIGINS", "https://a.example, https://b.example ,,")
    assert load_settings().allowed_origins == {"https://a.example", "https://b.example"}


@pytest.mark.parametrize("names", [("HF_TOKEN",), ("CESAR_HF_TOKEN",), ("HF_TOKEN", "CESAR_HF_TOKEN")])
def test_token_falls_back_to_the_hubs_own_variable(names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """CESAR_HF_TOKEN is taken, else HF_TOKEN."""
    for name in names:
        monkeypatch.setenv(name, f"hf_{name}")
    token = load_settings().hf_token
    assert token is not None
    assert token.get_secret_value() == f"hf_{names[-1]}"


@pytest.mark.parametrize(("given", "kept"), [(" hf_x\n", "hf_x"), ("", None), (" \n", None)])
def test_a_token_has_no_white_space(given: str, kept: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file or a shell adds around a token does not belong to it; nothing but that is no token."""
    monkeypatch.setenv("CESAR_HF_TOKEN", given)
    token = load_settings().hf_token
    assert (token and token.get_secret_value()) == kept


def test_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing the settings does not print the token."""
    monkeypatch.setenv("CESAR_HF_TOKEN", "hf_s3cret")
    assert "s3cret" not in repr(load_settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CESAR_PORT", "eighty"),
        ("CESAR_PORT", "70000"),
        ("CESAR_MAX_UPLOAD_MB", "0"),
        ("CESAR_LOG_LEVEL", "loud"),
        ("CESAR_DEVICE", "tpu"),
        ("CESAR_ENGINE", "whisper"),
        ("CESAR_LEASE_SECONDS", "0"),
        ("CESAR_VAD_METHOD", "ear"),
        ("CESAR_BEAM_SIZE", "101"),
        ("CESAR_CHUNK_SIZE", "31"),
        ("CESAR_PRESETS", "[1]"),
        ("CESAR_PRESETS", "{"),
    ],
)
def test_value_that_cannot_work_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad value is refused with one sentence that names the variable."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert str(refusal.value).startswith(name)
    assert "\n" not in str(refusal.value)


def test_bounds_have_to_be_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """More speakers at least than at most is refused."""
    monkeypatch.setenv("CESAR_MIN_SPEAKERS", "3")
    monkeypatch.setenv("CESAR_MAX_SPEAKERS", "2")
    with pytest.raises(SettingsError, match="CESAR_MIN_SPEAKERS must not be greater than CESAR_MAX_SPEAKERS"):
        load_settings()


@pytest.mark.parametrize("bounds", [{"min_speakers": 3}, {"max_speakers": 1}])
def test_a_number_has_to_lie_between_the_bounds(bounds: dict[str, int]) -> None:
    """A number of speakers outside its own bounds is refused."""
    with pytest.raises(SettingsError, match="CESAR_NUM_SPEAKERS must lie between"):
        load_settings(num_speakers=2, **bounds)
    assert load_settings(num_speakers=2, min_speakers=2, max_speakers=2).num_speakers == 2


def test_settings_are_frozen() -> None:
    """Nobody changes a setting while Cesar runs."""
    with pytest.raises(ValidationError):
        load_settings().port = 1  # type: ignore[misc]


def test_every_setting_has_a_meaning() -> None:
    """No setting goes without its description."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
