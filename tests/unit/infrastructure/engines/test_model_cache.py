"""Models found, fetched, cancelled and resumed against a stand-in hub."""

import shutil
import socket
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.options import WHISPER_SIZES
from app.infrastructure.engines.model_cache import REPOSITORIES, ModelCache
from tests.fakes.hub import Hub
from tests.fakes.recorded_control import RecordedControl
from tests.unit.infrastructure.engines.conftest import TINY

whisperx = pytest.mark.whisperx


def test_a_local_folder_is_a_model(settings: Settings) -> None:
    """A folder with a CTranslate2 model is found by its path."""
    assert ModelCache(settings).find(str(TINY)) == TINY


def test_a_local_folder_without_a_model_is_said(settings: Settings, tmp_path: Path) -> None:
    """A folder that holds something else is `model_unavailable`."""
    with pytest.raises(CesarError) as refused:
        ModelCache(settings).find(str(tmp_path))
    assert refused.value.code == "model_unavailable"


def test_a_folder_that_is_not_there_is_not_asked_for_at_the_hub(settings: Settings, hub: Hub) -> None:
    """An absolute path is never sent to the hub."""
    assert ModelCache(settings).why_not_fetchable("/no/such/folder") == "there is no folder /no/such/folder"
    assert hub.requests == []


@whisperx
def test_a_model_is_downloaded_once(settings: Settings, hub: Hub) -> None:
    """What was downloaded is whole, is found afterwards and listed, and is not asked for again."""
    cache = ModelCache(settings)
    assert cache.find("org/tiny") is None
    folder = cache.fetch("org/tiny", RecordedControl())
    assert (folder / "model.bin").read_bytes() == (TINY / "model.bin").read_bytes()
    hub.requests.clear()
    assert cache.fetch("org/tiny", RecordedControl()) == folder
    assert cache.models() == ("org/tiny",)
    assert hub.requests == []


@whisperx
@pytest.mark.parametrize("own", [None, "hf_own"])
def test_only_the_settings_token_is_sent(
    settings: Settings, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None
) -> None:
    """A token that lies in the user's home, or in HF_TOKEN, is not shown to the hub, neither by the question nor by the download."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "token").write_text("hf_of_the_home")
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_environment")
    monkeypatch.delenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", raising=False)
    hub.tokens = {"hf_of_the_home", "hf_of_the_environment", "hf_own"}
    token = SecretStr(own) if own else None
    ModelCache(settings.model_copy(update={"hf_token": token})).fetch("org/tiny", RecordedControl())
    assert hub.seen_tokens == ({own} if own else set())
    assert any("resolve" in request for request in hub.requests)


@whisperx
def test_a_download_tells_its_bytes(settings: Settings, hub: Hub) -> None:
    """The fraction rises in small steps to 1, and the message counts megabytes."""
    hub.bytes_per_second = 1_500_000
    control = RecordedControl()
    ModelCache(settings).fetch("org/tiny", control)
    steps = [after - before for before, after in pairwise([0.0, *control.fractions])]
    assert min(steps) >= 0.0
    assert max(steps) < 0.35
    assert control.fractions[-1] > 0.9
    assert "Downloading model org/tiny: 2 of 4 MB" in control.messages


@whisperx
def test_a_cancelled_download_goes_on_where_it_ended(settings: Settings, hub: Hub) -> None:
    """Cancelling stops the download at once; the next one asks only for the rest."""
    hub.bytes_per_second = 1_000_000
    cache = ModelCache(settings)
    control = RecordedControl(cancel_when=lambda seen: bool(seen.fractions) and seen.fractions[-1] > 0.4)
    with pytest.raises(Cancelled):
        cache.fetch("org/tiny", control)
    assert cache.find("org/tiny") is None
    hub.bytes_per_second = 0
    again = RecordedControl()
    folder = cache.fetch("org/tiny", again)
    assert (folder / "model.bin").read_bytes() == (TINY / "model.bin").read_bytes()
    assert any("model.bin bytes=" in request for request in hub.requests)
    assert again.fractions[0] > 0.3


@whisperx
def test_a_repository_without_a_whisper_model_is_said(settings: Settings, hub: Hub) -> None:
    """A repository that holds something else is `model_unavailable`."""
    other = hub.root / "org" / "other"
    other.mkdir()
    shutil.copy(TINY / "config.json", other)
    with pytest.raises(CesarError) as refused:
        ModelCache(settings).fetch("org/other", RecordedControl())
    assert refused.value.code == "model_unavailable"


@whisperx
def test_a_hub_that_breaks_down_is_said(settings: Settings, hub: Hub) -> None:
    """A download that the hub refuses in the middle is `model_unavailable` with the technical reason."""
    cache = ModelCache(settings)
    assert cache.why_not_fetchable("org/tiny") is None
    hub.status = 503
    with pytest.raises(CesarError) as failed:
        cache.fetch("org/tiny", RecordedControl())
    assert failed.value.code == "model_unavailable"
    assert "503" in str(failed.value.detail)


def test_a_model_that_the_hub_does_not_have(settings: Settings, hub: Hub) -> None:
    """A repository that does not exist is said so, and asked for once a minute only."""
    cache = ModelCache(settings)
    for _ in range(3):
        reason = cache.why_not_fetchable("org/none")
        assert reason == "the model org/none is not on this machine and the model hub does not offer it"
    assert len(hub.requests) == 1


def test_a_model_that_nobody_has(settings: Settings, hub: Hub) -> None:
    """404 is no matter of tokens, and is said as what it is."""
    hub.status = 404
    reason = ModelCache(settings).why_not_fetchable("org/none")
    assert reason == "the model org/none is not on this machine and the model hub has no such model"


@pytest.mark.usefixtures("no_hub")
def test_a_hub_out_of_reach(settings: Settings) -> None:
    """Without a connection the answer comes at once and says so."""
    reason = ModelCache(settings).why_not_fetchable("small")
    assert reason == "the model small is not on this machine and the model hub cannot be reached"


def test_a_hub_that_does_not_answer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that accepts and then says nothing costs about four seconds, not a minute."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        reason = ModelCache(settings).why_not_fetchable("small")
        assert time.monotonic() - started < 6
    assert reason is not None


def test_offline_never_asks(settings: Settings, hub: Hub) -> None:
    """With CESAR_OFFLINE the hub is not asked at all."""
    cache = ModelCache(settings.model_copy(update={"offline": True}))
    assert cache.why_not_fetchable("org/tiny") == "the model org/tiny is not on this machine and CESAR_OFFLINE is set"
    with pytest.raises(CesarError) as refused:
        cache.fetch("org/tiny", RecordedControl())
    assert refused.value.code == "model_unavailable"
    assert hub.requests == []


def test_a_broken_off_download_is_no_model(settings: Settings) -> None:
    """A snapshot that lacks its last file does not count as being here."""
    storage = settings.models_dir / "models--org--tiny"
    snapshot = storage / "snapshots" / "abc"
    shutil.copytree(TINY, snapshot)
    (storage / "refs").mkdir()
    (storage / "refs" / "main").write_text("abc")
    cache = ModelCache(settings)
    assert cache.find("org/tiny") == snapshot
    (snapshot / "vocabulary.json").unlink()
    assert cache.find("org/tiny") is None


def test_the_hubs_own_cache_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CESAR_MODELS_DIR a model in the cache that every hub client shares is found."""
    snapshot = tmp_path / "hf" / "hub" / "models--Systran--faster-whisper-small" / "snapshots" / "abc"
    shutil.copytree(TINY, snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc\n")
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    cache = ModelCache(Settings(_env_file=None))
    assert cache.find("small") == snapshot
    assert cache.models() == ("small",)


@whisperx
def test_the_sizes_are_faster_whispers_own() -> None:
    """Every size resolves to the repository that faster-whisper takes, and every size that may be asked for is known."""
    from faster_whisper.utils import _MODELS

    assert dict(REPOSITORIES) == _MODELS
    assert set(REPOSITORIES) == set(WHISPER_SIZES)


@whisperx
def test_two_downloads_of_one_model_share_the_work(settings: Settings, hub: Hub) -> None:
    """Two workers that need the same model at the same time both get it whole."""
    hub.bytes_per_second = 2_000_000
    folders: list[Path] = []
    threads = [
        threading.Thread(target=lambda: folders.append(ModelCache(settings).fetch("org/tiny", RecordedControl())))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(folders) == 2
    assert (folders[0] / "model.bin").read_bytes() == (TINY / "model.bin").read_bytes()
