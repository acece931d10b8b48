"""Owns the understanding of a request to OpenAI's audio API: which options of a transcription and which answer it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from app.domain.errors import CesarError
from app.domain.options import WHISPER_SIZES, TranscriptionOptions
from app.domain.webhooks import NOBODY, WebhookTarget
from app.schemas.jobs import SubmissionRequest
from app.services.openai_languages import language_code

DIARIZING_MODEL: Final = "gpt-4o-transcribe-diarize"
STAND_INS: Final = (
    "whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15",
    DIARIZING_MODEL,
)  # fmt: skip
"""OpenAI's names, for all of which the server's default model stands in."""

FORMATS: Final = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
STREAMED_FORMATS: Final = frozenset({"json", "text", "diarized_json"})
_GRANULARITIES: Final = frozenset({"word", "segment"})
_LISTS: Final = frozenset(
    {
        "timestamp_granularities", "include", "keywords", "languages", "known_speaker_names", "known_speaker_references",
    }
)  # fmt: skip
_CHUNKING: Final = "chunking_strategy"
_CHUNKING_VALUES: Final = frozenset({"type", "threshold", "prefix_padding_ms", "silence_duration_ms"})
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}


class FieldRefused(CesarError):
    """`bad_value` that knows which field it is about (None: the whole request) and OpenAI's own code for it."""

    def __init__(self, param: str | None, message: str, openai_code: str = "invalid_value") -> None:
        super().__init__("bad_value", message)
        self.param = param
        self.openai_code = openai_code


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What was asked for. `words` and `segments` say which times `verbose_json` shall hold."""

    options: TranscriptionOptions
    response_format: str = "json"
    words: bool = False
    segments: bool = True
    stream: bool = False
    webhook: WebhookTarget = NOBODY


def model_names(default: str) -> tuple[str, ...]:
    """Every name that is told: OpenAI's, the server's `default` model unless that is a folder on this machine, and Whisper's sizes."""
    is_folder = default.startswith(("/", ".", "~")) or "\\" in default
    own = () if is_folder or default in (*STAND_INS, *WHISPER_SIZES) else (default,)
    return (*STAND_INS, *own, *WHISPER_SIZES)


def understand(form: Mapping[str, Sequence[str]], task: str, default_model: str) -> SpeechRequest:
    """A form's text fields as a request; `task` is `transcribe` or `translate`, `default_model` the server's.

    Raises:
        CesarError: `bad_value`, as `FieldRefused` where one field is to blame.
    """
    fields = _Fields(form)
    model = _model(fields.take("model"), default_model)
    response_format = _response_format(fields.take("response_format"), task)
    granularities = _granularities(fields.take_all("timestamp_granularities"), response_format)
    stream = _stream(fields.take("stream"), response_format)
    wants_speakers = response_format == "diarized_json" or model == DIARIZING_MODEL
    submission = _submission(fields, task, {"diarize": wants_speakers, "model": _own_name(model)})
    return SpeechRequest(
        options=submission.options(),
        response_format=response_format,
        words="word" in granularities,
        segments="segment" in granularities or not granularities,
        stream=stream,
        webhook=submission.webhook(),
    )


class _Fields:
    """The form, of which each field is taken once; a field sent empty is one not sent."""

    def __init__(self, form: Mapping[str, Sequence[str]]) -> None:
        self._lists: dict[str, list[str]] = {}
        self.rest: dict[str, str] = {}
        for name, values in form.items():
            sent = [value for value in values if value != ""]
            if (bare := name.removesuffix("[]")) in _LISTS:
                self._lists.setdefault(bare, []).extend(sent)
            elif len(values) > 1:
                raise FieldRefused(name, f"{name} is given more than once")
            elif sent:
                self.rest[name] = sent[0]

    def take(self, name: str) -> str | None:
        return self.rest.pop(name, None)

    def take_all(self, name: str) -> list[str]:
        return self._lists.pop(name, [])


def _model(name: str | None, default: str) -> str:
    if name is None:
        raise FieldRefused("model", "you must provide a model", "missing_required_parameter")
    if name in model_names(default) or "/" in name:
        return name
    raise ModelUnknown(name)


def _own_name(model: str) -> str | None:
    """What Cesar's option says; None for a name that stands for the server's default model."""
    return model if model in WHISPER_SIZES or "/" in model else None


class ModelUnknown(FieldRefused):
    """No such model: the one value that OpenAI answers with 404."""

    def __init__(self, name: str) -> None:
        super().__init__("model", f"the model `{name[:100]}` does not exist", "model_not_found")


def _response_format(wanted: str | None, task: str) -> str:
    allowed = FORMATS if task == "transcribe" else FORMATS[:-1]
    if wanted is not None and wanted not in allowed:
        raise FieldRefused("response_format", f"response_format must be one of {', '.join(allowed)}")
    return wanted or "json"


def _granularities(wanted: Sequence[str], response_format: str) -> frozenset[str]:
    param = "timestamp_granularities[]"
    if not _GRANULARITIES.issuperset(wanted):
        raise FieldRefused(param, f"{param} must be word or segment")
    if wanted and response_format != "verbose_json":
        raise FieldRefused(param, f"{param} needs response_format verbose_json", "unsupported_value")
    return frozenset(wanted)


def _stream(given: str | None, response_format: str) -> bool:
    wanted = _TRUTH.get((given or "false").lower())
    if wanted is None:
        raise FieldRefused("stream", "stream must be true or false")
    if wanted and response_format not in STREAMED_FORMATS:
        raise FieldRefused("stream", f"{response_format} cannot be streamed", "unsupported_value")
    return wanted


def _submission(fields: _Fields, task: str, given: dict[str, Any]) -> SubmissionRequest:
    """What OpenAI's fields mean here, then every field of Cesar's own, which wins."""
    for name in ("known_speaker_names", "known_speaker_references"):
        if fields.take_all(name):
            raise FieldRefused(name, f"{name} is not supported: speakers get labels", "unsupported_parameter")
    fields.take_all("include")  # log probabilities do not exist here, and the field that would hold them is optional
    languages, keywords = fields.take_all("languages"), fields.take_all("keywords")
    given["language"] = languages[0] if len(languages) == 1 else None
    given["hotwords"] = ", ".join(keywords) or None
    given["initial_prompt"] = fields.take("prompt")
    given["vad_onset"] = _threshold(fields)
    given = {name: value for name, value in given.items() if value is not None} | fields.rest
    if "language" in given:
        given["language"] = language_code(given["language"])
    return _checked(given if task == "transcribe" else given | {"task": task})


def _threshold(fields: _Fields) -> Any:
    """The one part of a chunking strategy that means anything here: recordings are always cut where speech pauses."""
    strategy = _strategy(fields)
    for name in list(fields.rest):
        if name.startswith(f"{_CHUNKING}[") and name.endswith("]"):
            strategy[name[len(_CHUNKING) + 1 : -1]] = fields.rest.pop(name)
    if not _CHUNKING_VALUES.issuperset(strategy) or strategy.get("type", "server_vad") != "server_vad":
        raise FieldRefused(_CHUNKING, f"{_CHUNKING} must be auto or an object of type server_vad")
    return strategy.get("threshold")


def _strategy(fields: _Fields) -> dict[str, Any]:
    text = fields.take(_CHUNKING)
    if text in (None, "auto"):
        return {}
    try:
        strategy = orjson.loads(text or "")
    except ValueError:
        strategy = None
    return strategy if isinstance(strategy, dict) else {"type": None}


def _checked(given: dict[str, Any]) -> SubmissionRequest:
    try:
        return SubmissionRequest.model_validate(given, strict=False)
    except ValidationError as problem:
        first = problem.errors()[0]
        param = str(first["loc"][0]) if first["loc"] else None
        if first["type"] == "extra_forbidden":
            raise FieldRefused(param, f"{param} is not a field of this request", "unknown_parameter") from None
        raise FieldRefused(_name_at_the_door(param), f"{param or 'request'}: {first['msg']}") from None


def _name_at_the_door(param: str | None) -> str | None:
    return {"initial_prompt": "prompt", "vad_onset": _CHUNKING}.get(param or "", param)
