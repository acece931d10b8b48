"""A stand-in model hub for the tests of this folder, and settings that meet no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.config import Settings
from tests.fakes.hub import Hub

TINY = Path(__file__).parents[3] / "models" / "tiny-whisper-ct2"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that offers the tiny Whisper as `org/tiny`."""
    (tmp_path / "hub" / "org").mkdir(parents=True)
    (tmp_path / "hub" / "org" / "tiny").symlink_to(TINY)
    with Hub(tmp_path / "hub") as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers at the hub's address: a port of this machine that is closed."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with an empty model folder; the tiny model of the hub is the default model."""
    for name in ("HF_TOKEN", "CESAR_HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Settings(_env_file=None, models_dir=tmp_path / "cache", model="org/tiny", threads=2)
