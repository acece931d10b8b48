"""Owns the models on this machine: which are here, whether one can be fetched, and fetching it with a percentage."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.ports import RunControl
from app.infrastructure.engines.model_hub import Hub

_SYSTRAN = "Systran/faster-whisper-"
REPOSITORIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "large": _SYSTRAN + "large-v3",
        "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        **{
            size: _SYSTRAN + size
            for size in (
                "tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en",
                "large-v1", "large-v2", "large-v3",
            )
        },
        "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "distil-small.en": "Systran/faster-distil-whisper-small.en",
        "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
        "distil-large-v2": "Systran/faster-distil-whisper-large-v2",
        "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
        "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    }
)  # fmt: skip
"""Where faster-whisper's sizes live. Written down here because importing faster-whisper brings torch with it; a test
compares the two."""

MODEL_FILES: Final = ("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.*")
"""What a CTranslate2 Whisper model consists of."""


class ModelCache:
    """The model hub's cache folder (or `models_dir`), shared with everything else that uses the hub."""

    def __init__(self, settings: Settings, hub: Hub | None = None) -> None:
        self.folder = settings.models_dir or _default_cache()
        self.own_folder = settings.models_dir
        self.offline = settings.offline
        self._hub = hub or Hub(settings.hf_token)

    def find(self, model: str) -> Path | None:
        """The folder of a model that is on this machine; None if it is not.

        Raises `CesarError("model_unavailable")` for a local folder that holds no model.
        """
        local = Path(model).expanduser()
        if model not in REPOSITORIES and local.is_dir():  # a size is never a folder that lies about
            if not _is_complete(local):
                raise CesarError("model_unavailable", f"the folder {model} holds no CTranslate2 Whisper model")
            return local
        return self._complete(repository_of(model))

    def why_not_fetchable(self, model: str) -> str | None:
        """None if the hub offers this model; otherwise the reason, for a person. Asks the hub, within about 5 s."""
        if self.offline:
            return f"the model {model} is not on this machine and CESAR_OFFLINE is set"
        repository = repository_of(model)
        if repository.count("/") != 1 or repository.startswith(("/", ".", "~")):
            return f"there is no folder {model}"
        refusal = self._hub.why_not(f"api/models/{repository}")
        return refusal and f"the model {model} is not on this machine and {refusal}"

    def fetch(self, model: str, control: RunControl) -> Path:
        """The model's folder, downloaded first if it is not here; goes on where an earlier download ended.

        Reports bytes through `control.fraction`. Raises `CesarError("model_unavailable")`, `CesarError("disk_full")`,
        `Cancelled`.
        """
        here = self.find(model)
        if here is not None:
            return here
        folder = self.fetch_files(model, MODEL_FILES, control)
        if not _is_complete(folder):
            raise CesarError("model_unavailable", f"{repository_of(model)} holds no CTranslate2 Whisper model")
        return folder

    def fetch_files(self, model: str, patterns: Sequence[str], control: RunControl, one_of: Sequence[str] = ()) -> Path:
        """The folder with these files of a repository, downloaded now; of `one_of` only the first that it has.

        Reports and raises like `fetch`.
        """
        refusal = self.why_not_fetchable(model)
        if refusal is not None:
            raise CesarError("model_unavailable", refusal)
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._hub.download(repository_of(model), self.folder, patterns, model, control, one_of=one_of)

    def why_not_readable(self, model: str, file: str) -> str | None:
        """None if the hub hands out this file; otherwise the reason. Gated models describe themselves to everybody, so it
        is a file that has to be asked for. Takes at most about 5 s."""
        return self._hub.why_not(f"{model}/resolve/main/{file}")

    def models(self) -> tuple[str, ...]:
        """Names of the Whisper models in the cache: sizes where there is one, repositories otherwise."""
        sizes = {repository: size for size, repository in REPOSITORIES.items()}
        found = (_repository_in(folder) for folder in sorted(self.folder.glob("models--*--*")))
        return tuple(sizes.get(repository, repository) for repository in found if self._complete(repository))

    def snapshot(self, repository: str) -> Path | None:
        """The folder of a repository's newest version in the cache, whole or not; None if there is none."""
        storage = self.folder / f"models--{repository.replace('/', '--')}"
        try:
            revision = (storage / "refs" / "main").read_text().strip()
        except (OSError, ValueError):
            return None
        folder = storage / "snapshots" / revision
        return folder if folder.is_dir() else None

    def _complete(self, repository: str) -> Path | None:
        snapshot = self.snapshot(repository)
        return snapshot if snapshot and _is_complete(snapshot) else None


def repository_of(model: str) -> str:
    """The hub's `organisation/name` of a size; any other name is one already."""
    return REPOSITORIES.get(model, model)


def _repository_in(folder: Path) -> str:
    return folder.name.removeprefix("models--").replace("--", "/", 1)


def _is_complete(folder: Path) -> bool:
    """Whether every part is there: the vocabulary comes last in a download, so a broken-off one lacks it."""
    parts = (folder / "config.json").is_file() and (folder / "model.bin").is_file()
    return parts and any(folder.glob("vocabulary.*"))


def _default_cache() -> Path:
    """The same folder that huggingface_hub takes, found without importing it."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return Path(os.environ.get("HF_HOME") or caches / "huggingface").expanduser() / "hub"
