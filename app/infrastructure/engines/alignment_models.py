"""Owns which alignment model a language gets, and having it on this machine. Imports no engine, so that anyone may ask."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import RunControl
from app.infrastructure.engines.choice import check_model_folder, is_factory, is_place
from app.infrastructure.engines.model_cache import ModelCache

BUNDLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "WAV2VEC2_ASR_BASE_960H": "wav2vec2_fairseq_base_ls960_asr_ls960.pth",
        "VOXPOPULI_ASR_BASE_10K_FR": "wav2vec2_voxpopuli_base_10k_asr_fr.pt",
        "VOXPOPULI_ASR_BASE_10K_DE": "wav2vec2_voxpopuli_base_10k_asr_de.pt",
        "VOXPOPULI_ASR_BASE_10K_ES": "wav2vec2_voxpopuli_base_10k_asr_es.pt",
        "VOXPOPULI_ASR_BASE_10K_IT": "wav2vec2_voxpopuli_base_10k_asr_it.pt",
    }
)
"""torchaudio's own models and the files they come in."""

DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "WAV2VEC2_ASR_BASE_960H",
        "fr": "VOXPOPULI_ASR_BASE_10K_FR",
        "de": "VOXPOPULI_ASR_BASE_10K_DE",
        "es": "VOXPOPULI_ASR_BASE_10K_ES",
        "it": "VOXPOPULI_ASR_BASE_10K_IT",
        "ja": "jonatasgrosman/wav2vec2-large-xlsr-53-japanese",
        "zh": "jonatasgrosman/wav2vec2-large-xlsr-53-chinese-zh-cn",
        "nl": "jonatasgrosman/wav2vec2-large-xlsr-53-dutch",
        "uk": "Yehor/wav2vec2-xls-r-300m-uk-with-small-lm",
        "pt": "jonatasgrosman/wav2vec2-large-xlsr-53-portuguese",
        "ar": "jonatasgrosman/wav2vec2-large-xlsr-53-arabic",
        "cs": "comodoro/wav2vec2-xls-r-300m-cs-250",
        "ru": "jonatasgrosman/wav2vec2-large-xlsr-53-russian",
        "pl": "jonatasgrosman/wav2vec2-large-xlsr-53-polish",
        "hu": "jonatasgrosman/wav2vec2-large-xlsr-53-hungarian",
        "fi": "jonatasgrosman/wav2vec2-large-xlsr-53-finnish",
        "fa": "jonatasgrosman/wav2vec2-large-xlsr-53-persian",
        "el": "jonatasgrosman/wav2vec2-large-xlsr-53-greek",
        "tr": "mpoyraz/wav2vec2-xls-r-300m-cv7-turkish",
        "da": "saattrupdan/wav2vec2-xls-r-300m-ftspeech",
        "he": "imvladikon/wav2vec2-xls-r-300m-hebrew",
        "vi": "nguyenvulebinh/wav2vec2-base-vi-vlsp2020",
        "ko": "kresnik/wav2vec2-large-xlsr-korean",
        "ur": "kingabzpro/wav2vec2-large-xls-r-300m-Urdu",
        "te": "anuragshas/wav2vec2-large-xlsr-53-telugu",
        "hi": "theainerd/Wav2Vec2-large-xlsr-hindi",
        "ca": "softcatala/wav2vec2-large-xlsr-catala",
        "ml": "gvs/wav2vec2-large-xlsr-malayalam",
        "no": "NbAiLab/nb-wav2vec2-1b-bokmaal-v2",
        "nn": "NbAiLab/nb-wav2vec2-1b-nynorsk",
        "sk": "comodoro/wav2vec2-xls-r-300m-sk-cv8",
        "sl": "anton-l/wav2vec2-large-xlsr-53-slovenian",
        "hr": "classla/wav2vec2-xls-r-parlaspeech-hr",
        "ro": "gigant/romanian-wav2vec2",
        "eu": "stefan-it/wav2vec2-large-xlsr-53-basque",
        "gl": "ifrz/wav2vec2-large-xlsr-galician",
        "ka": "xsway/wav2vec2-large-xlsr-georgian",
        "lv": "jimregan/wav2vec2-large-xlsr-latvian-cv",
        "tl": "Khalsuu/filipino-wav2vec2-l-xls-r-300m-official",
        "sv": "KBLab/wav2vec2-large-voxrex-swedish",
        "id": "cahya/wav2vec2-large-xlsr-indonesian",
    }
)
"""The model that WhisperX takes for a language. Written down here, like `BUNDLES`, because importing WhisperX brings torch
with it; a test compares the two."""

FILES: Final = ("*.json", "vocab.txt")
"""What an alignment model consists of beside its weights."""

WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")
"""The weights in the forms in which they are published; the first that is there is taken."""


def alignment_model(settings: Settings, language: str, options: TranscriptionOptions) -> str:
    """The request's model, else the setting's, else the language's own; a name, a folder or a factory of the settings.

    Raises `CesarError`: `bad_value` (a request names what it may not), `alignment_unavailable` (no model for the language).
    """
    check_alignment_model(settings, options)
    found = options.align_model or settings.align_model or DEFAULTS.get(language)
    if found is None:
        raise CesarError("alignment_unavailable", f"WhisperX knows no alignment model for the language {language}")
    return found


def check_alignment_model(settings: Settings, options: TranscriptionOptions) -> None:
    """What a request may name: a model on the hub, one of torchaudio's, a folder set aside for models; never a factory.

    Raises `CesarError("bad_value")`.
    """
    name = options.align_model
    if name is None:
        return
    if not name.strip() or name != name.strip() or len(name) > 500 or any(sign in name for sign in "\x00:\\"):
        raise CesarError("bad_value", "align_model must be organisation/name, or a folder inside CESAR_MODELS_DIR")
    if name in BUNDLES or name == settings.align_model:
        return
    if is_place(name):
        check_model_folder(settings, name)


def have_alignment_model(cache: ModelCache, name: str, control: RunControl) -> str:
    """What to load: one of torchaudio's names, or the folder of the model, downloaded if it is not here.

    Reports `control.fraction`. Raises `CesarError`: `alignment_unavailable`, `disk_full`; `Cancelled`.
    """
    if name in BUNDLES:
        if cache.offline and not bundle_file(cache, name).is_file():
            raise CesarError("alignment_unavailable", f"{name} is not on this machine and CESAR_OFFLINE is set")
        control.fraction(0.0, f"Loading alignment model {name}")
        return name
    folder = find_alignment_model(cache, name)
    if folder is None:
        folder = _fetch(cache, name, control)
    control.fraction(1.0, f"Loading alignment model {name}")
    return str(folder)


def find_alignment_model(cache: ModelCache, name: str) -> Path | None:
    """The folder of a model that is on this machine; None if it is not."""
    local = Path(name).expanduser()
    folder = local if local.is_dir() else cache.snapshot(name)
    complete = folder is not None and (folder / "config.json").is_file()
    return folder if folder and complete and any((folder / file).is_file() for file in WEIGHTS) else None


def why_no_alignment(settings: Settings, cache: ModelCache, language: str) -> str | None:
    """None if the words of this language can get times; otherwise the reason. May ask the hub, within about 5 s."""
    try:
        name = alignment_model(settings, language, TranscriptionOptions())
    except CesarError as problem:
        return problem.detail
    if is_factory(name) or find_alignment_model(cache, name):
        return None
    if name in BUNDLES:
        here = bundle_file(cache, name).is_file() or not cache.offline
        return None if here else f"{name} is not on this machine and CESAR_OFFLINE is set"
    return cache.why_not_fetchable(name)


def bundle_file(cache: ModelCache, name: str) -> Path:
    """Where torchaudio keeps one of its models: in `models_dir`, or in torch's own cache."""
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return (cache.own_folder or Path(home).expanduser() / "hub" / "checkpoints") / BUNDLES[name]


def _fetch(cache: ModelCache, name: str, control: RunControl) -> Path:
    try:
        cache.fetch_files(name, (*FILES, *WEIGHTS), control, one_of=WEIGHTS)
    except CesarError as problem:
        if problem.code != "model_unavailable":
            raise
        raise CesarError("alignment_unavailable", problem.detail) from problem
    folder = find_alignment_model(cache, name)
    if folder is None:
        raise CesarError("alignment_unavailable", f"{name} holds no wav2vec2 model")
    return folder
