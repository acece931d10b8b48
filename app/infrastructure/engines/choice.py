"""Owns the decision which engine runs, with which model, on what, and why. Imports no engine, so that anyone may ask."""

import ctypes
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import WHISPER_SIZES, TranscriptionOptions
from app.infrastructure.engines.model_cache import ModelCache

WHISPERX: Final = "whisperx"
POCKETSPHINX: Final = "pocketsphinx"
AUTO: Final = "auto"

WHISPERX_PARTS: Final = ("whisperx", "faster_whisper", "ctranslate2", "torch", "pyannote.audio")


@dataclass(frozen=True, slots=True)
class Choice:
    """What will run: `engine` is a name or a `package.module:factory`; `reason` is a sentence for a person.

    `fallback` says that this is not what `auto` would have liked best.
    """

    engine: str
    model: str
    device: str
    compute_type: str
    reason: str
    fallback: bool = False


def choose(settings: Settings, options: TranscriptionOptions, cache: ModelCache | None = None) -> Choice:
    """Decide. May ask the model hub, within about 5 s, whether it has a model that is not on this machine.

    Raises `CesarError`: `engine_unavailable`, `model_unavailable` when the engine that was asked for by name cannot run.
    """
    _check_folder(settings, options.model)
    wanted = _wanted_engine(settings, options)
    if wanted == POCKETSPHINX:
        return small_engine("PocketSphinx was asked for.")
    if wanted not in (AUTO, WHISPERX):
        return Choice(wanted, "", "cpu", "", "The settings name this engine.")
    try:
        return _whisperx(settings, options, cache or ModelCache(settings), explicit=wanted == WHISPERX)
    except CesarError as problem:
        if wanted == WHISPERX:
            raise
        return small_engine(f"WhisperX cannot run: {problem.detail}.", fallback=True)


def small_engine(reason: str, *, fallback: bool = False) -> Choice:
    """The choice of PocketSphinx, which is always there."""
    return Choice(POCKETSPHINX, "en-us", "cpu", "", reason, fallback)


def _wanted_engine(settings: Settings, options: TranscriptionOptions) -> str:
    """The request's wish, except that its `auto` does not push aside an engine that the settings name."""
    if options.engine is None or (options.engine == AUTO and ":" in settings.engine):
        return settings.engine
    return options.engine


def _whisperx(settings: Settings, options: TranscriptionOptions, cache: ModelCache, *, explicit: bool) -> Choice:
    missing = missing_parts()
    if missing:
        raise CesarError("engine_unavailable", f"not installed: {', '.join(missing)}")
    device = _device(options.device or settings.device)
    model = options.model or settings.model
    refusal = None if cache.find(model) else cache.why_not_fetchable(model)
    if refusal:
        raise CesarError("model_unavailable", refusal)
    compute_type = options.compute_type or settings.compute_type or ("float16" if device == "cuda" else "int8")
    reason = "WhisperX was asked for." if explicit else "WhisperX is installed and its model can be had."
    return Choice(WHISPERX, model, device, compute_type, reason)


def _check_folder(settings: Settings, model: str | None) -> None:
    """A request may not look around on this machine: of folders it may name the default model and those set aside for models."""
    if model is not None and model != settings.model and model not in WHISPER_SIZES and is_place(model):
        check_model_folder(settings, model)


def is_place(name: str) -> bool:
    """Whether a name means a folder, or would be taken for one that lies in the working directory, instead of a model on the hub."""
    return name.startswith(("/", ".", "~")) or name.count("/") != 1 or Path(name).exists()


def check_model_folder(settings: Settings, folder: str) -> None:
    """Refuse a request's folder outside `models_dir` that no preset of the settings names. Raises `CesarError("bad_value")`."""
    if any(folder in (preset.get("model"), preset.get("align_model")) for preset in settings.presets.values()):
        return
    models = settings.models_dir
    if models is None or not Path(folder).resolve().is_relative_to(models.resolve()):
        raise CesarError("bad_value", "a folder with a model has to be inside CESAR_MODELS_DIR")


def is_factory(name: str) -> bool:
    """Whether a setting names `package.module:factory`."""
    module, colon, factory = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), factory))


def device_beside(settings: Settings, options: TranscriptionOptions) -> str:
    """`cuda` or `cpu` for what runs beside an engine, which never fails for want of a graphics card."""
    asked = options.device or settings.device
    return "cuda" if asked != "cpu" and graphics_cards() > 0 else "cpu"


def missing_parts() -> tuple[str, ...]:
    """The packages of WhisperX that are not installed; looks for them without importing them."""
    return tuple(name for name in WHISPERX_PARTS if not _is_installed(name))


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def _device(asked: str) -> str:
    if asked == "cpu":
        return "cpu"
    if graphics_cards() > 0:
        return "cuda"
    if asked == "cuda":
        raise CesarError("engine_unavailable", "no NVIDIA graphics card can be used")
    return "cpu"


def graphics_cards() -> int:
    """How many NVIDIA cards the driver offers; asks the driver itself, since CTranslate2's own answer imports torch."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
