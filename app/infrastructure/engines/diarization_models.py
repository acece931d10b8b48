"""Owns whether speakers could be told apart here, and what is missing. Imports no engine, so that anyone may ask."""

import re
from pathlib import Path
from typing import Final

from app.core.config import Settings
from app.domain.errors import CATALOGUE, CesarError
from app.infrastructure.engines.choice import is_factory
from app.infrastructure.engines.model_cache import ModelCache
from app.infrastructure.engines.model_hub import NOT_OFFERED, NOT_THERE

_PARTS: Final = re.compile(r"\$model/([\w./-]+)")


def find_diarization_model(cache: ModelCache, name: str) -> Path | None:
    """The folder of a pipeline that is on this machine with all its parts; None if it is not."""
    local = Path(name).expanduser()
    folder = local if local.is_dir() else cache.snapshot(name)
    if folder is None or not (folder / "config.yaml").is_file():
        return None
    parts = _PARTS.findall((folder / "config.yaml").read_text())
    return folder if all((folder / part).exists() for part in parts) else None


def is_gated(name: str) -> bool:
    """Whether a model is known to be given only to those who accepted its terms: pyannote's pipelines are."""
    return name.startswith("pyannote/")


def terms_of(name: str) -> str:
    """The sentence that says where the terms are."""
    return f"the terms of {name} have to be accepted at https://huggingface.co/{name}"


def why_no_diarization(settings: Settings, cache: ModelCache) -> CesarError | None:
    """None if a diarization could run; otherwise what would fail. May ask the hub, within about 5 s.

    The code is `hf_token_required`, `hf_token_invalid` or `diarization_failed`.
    """
    name = settings.diarize_model
    if is_factory(name) or find_diarization_model(cache, name):
        return None
    if name.startswith(("/", ".", "~")) or name.count("/") != 1:
        return CesarError("diarization_failed", f"there is no pipeline at {name}")
    token = settings.hf_token.get_secret_value() if settings.hf_token else ""
    if not token and is_gated(name):
        return CesarError("hf_token_required", f"{name} is not on this machine, and {terms_of(name)}")
    if settings.offline:
        return CesarError("diarization_failed", f"{name} is not on this machine and CESAR_OFFLINE is set")
    return _why_not_handed_out(cache, name, token)


def _why_not_handed_out(cache: ModelCache, name: str, token: str) -> CesarError | None:
    if token and not token.startswith("hf_"):
        return CesarError("hf_token_invalid", "the token does not begin with hf_")
    refusal = cache.why_not_readable(name, "config.yaml")
    if refusal == NOT_OFFERED:
        code = "hf_token_invalid" if token else "hf_token_required"
        return CesarError(code, f"the model hub does not hand out {name}: {terms_of(name)}")
    if refusal == NOT_THERE:
        return CesarError("diarization_failed", f"there is no such model: the hub has no pipeline {name}")
    return CesarError("diarization_failed", f"{name} is not on this machine and {refusal}") if refusal else None


def remedy_for(problem: CesarError) -> str:
    """What a person can do so that speakers are told apart."""
    if problem.code == "diarization_failed":
        return "Connect to the network once, or set CESAR_DIARIZE_MODEL to a local folder."
    return CATALOGUE[problem.code].remedy.replace(", then retry the task", "").replace(" and retry the task", "")
