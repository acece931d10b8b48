"""Owns what a person can ask for: the options of one transcription, and what is not allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from app.domain.errors import CesarError

WHISPER_SIZES: Final = (
    "tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en",
    "large", "large-v1", "large-v2", "large-v3", "large-v3-turbo", "turbo",
    "distil-small.en", "distil-medium.en", "distil-large-v2", "distil-large-v3", "distil-large-v3.5",
)  # fmt: skip
"""Names that faster-whisper resolves by itself; beside them a local folder, or `organisation/name` on the model hub."""

MEDIA_EXTENSIONS: Final = frozenset(
    {
        "3gp", "aac", "ac3", "aif", "aifc", "aiff", "alac", "amr", "ape", "au", "avi", "caf", "dts", "eac3", "flac",
        "flv", "m2ts", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpeg", "mpg", "mpga", "mts",
        "oga", "ogg", "ogv", "opus", "ra", "spx", "tta", "ts", "voc", "vob", "w64", "wav", "weba", "webm", "wma",
        "wmv", "wv",
    }
)  # fmt: skip
"""File name endings that are taken in; what the bytes really are is decided by looking at them."""


COMPUTE_TYPES: Final = (
    "default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32",
)  # fmt: skip
"""The numbers that CTranslate2 can calculate with; not every device knows all of them."""

DETECT: Final = "auto"
"""The language of those who want it detected, whatever the settings say."""

ON_DUPLICATE: Final = ("transcribe", "reuse", "refuse")
"""What can happen to a recording that was transcribed before."""

SPEAKER_BOUNDS: Final = ("min_speakers", "max_speakers", "num_speakers")
"""What a person can say about the number of speakers; they belong together."""

LARGEST: Final[Mapping[str, int]] = MappingProxyType(
    {**dict.fromkeys(SPEAKER_BOUNDS, 100), "beam_size": 100, "chunk_size": 30, "batch_size": 256}
)
"""The largest that a number may be. Whisper hears 30 s at once and would leave the rest of a longer stretch out; the others
are far beyond use, and keep one request from taking all memory."""


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """The options of one transcription. None means "the server's default".

    Raises `CesarError("bad_value")` for values that contradict each other or are out of range.
    """

    engine: str | None = None
    model: str | None = None
    language: str | None = None
    task: str = "transcribe"
    diarize: bool | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    num_speakers: int | None = None
    initial_prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None
    beam_size: int | None = None
    vad_method: str | None = None
    vad_onset: float | None = None
    vad_offset: float | None = None
    chunk_size: int | None = None
    batch_size: int | None = None
    compute_type: str | None = None
    device: str | None = None
    align_model: str | None = None
    preset: str | None = None
    on_duplicate: str | None = None

    def __post_init__(self) -> None:
        for name, most in LARGEST.items():
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                raise CesarError("bad_value", f"{name} must be between 1 and {most}")
        contradiction = why_no_such_bounds(self.min_speakers, self.max_speakers, self.num_speakers)
        if contradiction is not None:
            raise CesarError("bad_value", contradiction)
        if self.engine not in (None, "auto", "whisperx", "pocketsphinx"):
            raise CesarError("bad_value", "engine must be auto, whisperx or pocketsphinx")
        if self.task not in ("transcribe", "translate"):
            raise CesarError("bad_value", "task must be transcribe or translate")
        if self.vad_method not in (None, "pyannote", "silero"):
            raise CesarError("bad_value", "vad_method must be pyannote or silero")
        if self.on_duplicate not in (None, *ON_DUPLICATE):
            raise CesarError("bad_value", f"on_duplicate must be one of {', '.join(ON_DUPLICATE)}")
        if self.device not in (None, "auto", "cpu", "cuda"):
            raise CesarError("bad_value", "device must be auto, cpu or cuda")
        if self.compute_type is not None and self.compute_type not in COMPUTE_TYPES:
            raise CesarError("bad_value", f"compute_type must be one of {', '.join(COMPUTE_TYPES)}")
        for name in ("temperature", "vad_onset", "vad_offset"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise CesarError("bad_value", f"{name} must be between 0 and 1")
        if self.model is not None:
            check_model_name(self.model)

    def given(self) -> dict[str, Any]:
        """What is not left to a default, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def why_no_such_bounds(least: int | None, most: int | None, exactly: int | None) -> str | None:
    """None if these bounds on the number of speakers can all be kept; otherwise which cannot, without the full stop."""
    if least is not None and most is not None and least > most:
        return "min_speakers must not be greater than max_speakers"
    if exactly is not None and not (least or 1) <= exactly <= (most or exactly):
        return "num_speakers must lie between min_speakers and max_speakers"
    return None


def asked_language(*wishes: str | None) -> str | None:
    """The language (ISO 639-1) of the first who names one; None if it is to be detected."""
    wish = next((wish for wish in wishes if wish is not None), DETECT).lower()
    return None if wish == DETECT else wish.replace("_", "-").partition("-")[0]


def overlay(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options with changes over them; new bounds on the number of speakers replace all the old ones, which they might contradict."""
    unbound = dict.fromkeys(SPEAKER_BOUNDS) if any(changes.get(name) for name in SPEAKER_BOUNDS) else {}
    return {**base, **unbound, **changes}


def check_model_name(model: str) -> None:
    """Refuse what cannot be a model's name: known size, `organisation/name`, or a folder's path.

    Raises:
        CesarError: `bad_value`.
    """
    if not model.strip() or model != model.strip() or "\x00" in model or len(model) > 500:
        raise CesarError("bad_value", "model must not be empty")
    if model not in WHISPER_SIZES and "/" not in model and "\\" not in model:
        raise CesarError(
            "bad_value", f"model must be one of {', '.join(WHISPER_SIZES)}, organisation/name, or a local folder"
        )
