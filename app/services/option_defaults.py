"""Owns what a request leaves open: named presets, and the settings' wishes about speakers.

Everything else that a request leaves open is the engine's to fill in when it runs, from the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from app.core.config import Settings, SettingsError
from app.domain.errors import CesarError
from app.domain.options import COMPUTE_TYPES, SPEAKER_BOUNDS, TranscriptionOptions, overlay
from app.schemas.jobs import TranscriptionRequest

Presets = Mapping[str, Mapping[str, Any]]

BUILT_IN: Final[Presets] = MappingProxyType(
    {
        "fast": {"model": "base", "beam_size": 1, "batch_size": 8},
        "balanced": {"model": "small", "beam_size": 5},
        "accurate": {"model": "large-v3", "beam_size": 5, "batch_size": 4},
    }
)
"""For notes that are read once, for everyday work, and for what is to be published; the last wants some 4 GB of memory."""

_NOT_IN_PRESETS: Final = ("preset", "task")


@dataclass(frozen=True, slots=True)
class OptionDefaults:
    """Request over preset over settings. `preset` is the one taken when a request names none, `speakers` are default bounds."""

    presets: Presets = field(default_factory=lambda: BUILT_IN)
    preset: str | None = None
    diarize: bool = True
    speakers: Mapping[str, int] = field(default_factory=dict)

    def complete(self, wanted: TranscriptionOptions) -> TranscriptionOptions:
        """The options in force for a request. Raises `CesarError("bad_value")`."""
        name = wanted.preset or self.preset
        values = overlay(self._values_of(name), wanted.given()) | {"preset": name}
        values["diarize"] = values.get("diarize", self.diarize)
        return TranscriptionOptions(**(values | self._missing_bounds(values)))

    def change(self, options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """What to lay over the options of a Task so that these changes are in force; None takes an option back.

        Raises `CesarError("bad_value")`.
        """
        over = overlay(self._values_of(changes.get("preset")), changes)
        if "diarize" in over and over["diarize"] is None:
            over["diarize"] = self.diarize
        if any(over.get(name) for name in SPEAKER_BOUNDS):
            over = dict.fromkeys(SPEAKER_BOUNDS) | over
        if over.get("diarize"):
            over |= self._missing_bounds({**options, **over})
        TranscriptionOptions(**{**options, **over})
        return over

    def _missing_bounds(self, values: Mapping[str, Any]) -> dict[str, int]:
        wanted = values["diarize"] and not any(values.get(name) for name in SPEAKER_BOUNDS)
        return dict(self.speakers) if wanted else {}

    def _values_of(self, name: str | None) -> Mapping[str, Any]:
        if name is None:
            return {}
        if name not in self.presets:
            raise CesarError("bad_value", f"preset must be one of {', '.join(self.presets)}")
        return self.presets[name]


def read_presets(given: Mapping[str, Mapping[str, Any]]) -> Presets:
    """The built-in presets and these. Raises `CesarError("bad_value")` for one that no request could ask for."""
    return {**BUILT_IN, **{name: _checked(name, values) for name, values in given.items()}}


def _checked(name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    refused = [option for option in _NOT_IN_PRESETS if option in values]
    if refused:
        raise CesarError("bad_value", f"preset {name}: {refused[0]} cannot be part of a preset")
    try:
        options = TranscriptionRequest.model_validate(dict(values)).options().given()
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise CesarError("bad_value", f"preset {name}: {place}: {first['msg']}") from None
    except CesarError as problem:
        raise CesarError("bad_value", f"preset {name}: {problem.detail}") from None
    return {option: value for option, value in options.items() if option not in _NOT_IN_PRESETS}


def option_defaults(settings: Settings) -> OptionDefaults:
    """What a request leaves open, from the settings. Raises `SettingsError` for what no request could ask for."""
    if settings.compute_type is not None and settings.compute_type not in COMPUTE_TYPES:
        raise SettingsError(f"CESAR_COMPUTE_TYPE must be one of {', '.join(COMPUTE_TYPES)}.")
    bounds = {name: getattr(settings, name) for name in SPEAKER_BOUNDS}
    try:
        presets = read_presets(settings.presets)
    except CesarError as problem:
        raise SettingsError(f"CESAR_PRESETS: {problem.detail}.") from None
    if settings.preset is not None and settings.preset not in presets:
        raise SettingsError(f"CESAR_PRESET must be one of {', '.join(presets)}.")
    return OptionDefaults(
        presets=presets,
        preset=settings.preset,
        diarize=settings.diarize,
        speakers={name: value for name, value in bounds.items() if value is not None},
    )
