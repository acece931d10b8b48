"""Owns what can be said about the engines of this machine: for `cesar doctor` and for the health page."""

import importlib.metadata
from dataclasses import dataclass
from typing import Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions, asked_language
from app.infrastructure.engines.alignment_models import DEFAULTS, why_no_alignment
from app.infrastructure.engines.choice import POCKETSPHINX, WHISPERX, Choice, choose, missing_parts
from app.infrastructure.engines.diarization_models import remedy_for, why_no_diarization
from app.infrastructure.engines.model_cache import ModelCache

HOW_TO_GET: Final = "Run `make run`, which installs WhisperX, or `python scripts/install_engines.py`."


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One engine on this machine. `why` and `how_to_get` are sentences; `models` are those in the local cache."""

    name: str
    installed: bool
    version: str | None
    usable: bool
    selected: bool
    why: str
    how_to_get: str | None = None
    models: tuple[str, ...] = ()


def describe_engines(settings: Settings, cache: ModelCache | None = None) -> tuple[EngineReport, ...]:
    """Every engine, the one that a plain request would get marked `selected`.

    Imports no engine. May ask the model hub about the default model: at most about 5 s, then remembered for a minute
    by `cache`, so keep one.
    """
    cache = cache or ModelCache(settings)
    selected, failure = _selected(settings, cache)
    reports = [_whisperx(settings, cache, selected), _pocketsphinx(selected)]
    if ":" in settings.engine:
        reports.append(_of_your_own(settings.engine, failure))
    return tuple(reports)


@dataclass(frozen=True, slots=True)
class StageReport:
    """Whether `alignment` or `diarization` could run after WhisperX; `why` and `how_to_get` are sentences."""

    name: str
    model: str
    usable: bool
    why: str
    how_to_get: str | None = None


def describe_stages(settings: Settings, cache: ModelCache | None = None) -> tuple[StageReport, ...]:
    """What comes after transcribing: word times for the default language (English without one), and speakers.

    Imports no engine. May ask the model hub, within about 5 s each.
    """
    cache = cache or ModelCache(settings)
    return (_alignment(settings, cache), _diarization(settings, cache))


def _alignment(settings: Settings, cache: ModelCache) -> StageReport:
    language = asked_language(settings.language) or "en"
    model = settings.align_model or DEFAULTS.get(language, "")
    if missing_parts():
        return StageReport(
            "alignment", model, False, "Words get times only with WhisperX, which is missing.", HOW_TO_GET
        )
    refusal = why_no_alignment(settings, cache, language)
    if refusal is not None:
        remedy = "Connect to the network once, or set CESAR_ALIGN_MODEL to a local folder."
        return StageReport("alignment", model, False, f"Words in {language} get no times: {refusal}.", remedy)
    return StageReport("alignment", model, True, f"Words in {language} get their times from {model}.")


def _diarization(settings: Settings, cache: ModelCache) -> StageReport:
    model = settings.diarize_model
    if missing_parts():
        return StageReport("diarization", model, False, "Speakers need WhisperX, which is missing.", HOW_TO_GET)
    problem = why_no_diarization(settings, cache)
    if problem is None:
        return StageReport("diarization", model, True, f"Speakers are told apart by {model}.")
    return StageReport("diarization", model, False, f"{problem.entry.sentence} ({problem.detail})", remedy_for(problem))


def _selected(settings: Settings, cache: ModelCache) -> tuple[Choice | None, str | None]:
    try:
        return choose(settings, TranscriptionOptions(), cache), None
    except CesarError as problem:
        return None, problem.detail


def _whisperx(settings: Settings, cache: ModelCache, selected: Choice | None) -> EngineReport:
    missing = missing_parts()
    chosen = selected is not None and selected.engine == WHISPERX
    try:
        choice = choose(settings, TranscriptionOptions(engine=WHISPERX), cache)
        usable, why = True, f"The model {choice.model} runs on {choice.device} with {choice.compute_type}."
        if cache.find(choice.model) is None:
            why = f"The model {choice.model} will be downloaded when it is first needed."
    except CesarError as problem:
        usable, why = False, f"{problem.entry.sentence} ({problem.detail})"
    remedy = (
        None
        if usable
        else (HOW_TO_GET if missing else "Connect to the network once, or set CESAR_MODEL to a local folder.")
    )
    return EngineReport(WHISPERX, not missing, _version("whisperx"), usable, chosen, why, remedy, cache.models())


def _pocketsphinx(selected: Choice | None) -> EngineReport:
    version = _version("pocketsphinx")
    chosen = selected is not None and selected.engine == POCKETSPHINX
    why = selected.reason if chosen and selected else "English only, its model comes with it; expect many wrong words."
    return EngineReport(
        POCKETSPHINX,
        installed=version is not None,
        version=version,
        usable=version is not None,
        selected=chosen,
        why=why,
        how_to_get=None if version else "Run `pip install pocketsphinx==5.1.1`.",
        models=("en-us",) if version else (),
    )


def _of_your_own(name: str, failure: str | None) -> EngineReport:
    return EngineReport(
        name,
        installed=True,
        version=None,
        usable=failure is None,
        selected=True,
        why=failure or "The settings name this engine; it is loaded when it is first needed.",
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
