"""Owns the answers of OpenAI's audio API: a finished transcript in the format that was asked for, and the models there are."""

from typing import Any, Final

import orjson

from app.domain.errors import CesarError
from app.schemas.openai import DurationUsage, OpenAIModel, OpenAIText
from app.schemas.tasks import Task, Transcript
from app.services.export_service import render
from app.services.live_text import one_line
from app.services.openai_languages import language_name
from app.services.openai_request import SpeechRequest, model_names

_TEXT: Final = "text/plain; charset=utf-8"
MEDIA_TYPES: Final = {
    "json": "application/json",
    "verbose_json": "application/json",
    "diarized_json": "application/json",
    "text": _TEXT,
    "srt": _TEXT,
    "vtt": _TEXT,
}
"""The MIME type of each answer: of the subtitle formats OpenAI's too is plain text."""

_CREATED: Final = 1_663_718_400
"""When Whisper was published: the models' own dates are not known here, and clients want a number."""


def models(default: str) -> list[OpenAIModel]:
    """What a request may name; `default` is the server's model."""
    return [OpenAIModel(id=name, created=_CREATED, owned_by="cesar") for name in model_names(default)]


def usage_of(transcript: Transcript) -> DurationUsage:
    """The recording's length."""
    return DurationUsage(seconds=transcript.duration_seconds or 0.0)


def answer_of(transcript: Transcript, wanted: SpeechRequest) -> str:
    """The body of the answer."""
    text = one_line(transcript.text)
    match wanted.response_format:
        case "json":
            usage = usage_of(transcript) if wanted.options.task == "transcribe" else None
            return OpenAIText(text=text, usage=usage).model_dump_json(exclude_none=True)
        case "text":
            return text + "\n"
        case "verbose_json":
            return _verbose(transcript, wanted)
        case "diarized_json":
            return orjson.dumps(diarized(transcript)).decode()
        case subtitles:
            return render(transcript, subtitles)


def diarized(transcript: Transcript) -> dict[str, Any]:
    """`diarized_json` as an object."""
    body: dict[str, Any] = orjson.loads(render(transcript, "diarized_json"))
    return body | {"text": one_line(transcript.text), "usage": usage_of(transcript).model_dump()}


def require_speakers(task: Task, transcript: Transcript) -> None:
    """Refuse to show a transcript as one with speakers when they could not be told apart.

    Raises:
        CesarError: why, in the catalogue's words; the detail names the Task, which keeps the transcript.
    """
    if not transcript.segments or any(segment.speaker for segment in transcript.segments):
        return
    detail = f"the transcript without speakers is kept as that of task {task.id}"
    raise CesarError(task.diarization_error_code or "option_unsupported", detail)


def require_words(transcript: Transcript, wanted: SpeechRequest) -> None:
    """Refuse to answer nothing where words alone were asked for and not one of them has a time.

    Raises:
        CesarError: `option_unsupported`; the detail names the Task, which keeps the transcript.
    """
    if wanted.segments or not transcript.segments:
        return
    if not any(word.start is not None for segment in transcript.segments for word in segment.words):
        detail = f"words have no times here; the transcript with those of segments is kept as that of task {transcript.task_id}"
        raise CesarError("option_unsupported", detail)


def _verbose(transcript: Transcript, wanted: SpeechRequest) -> str:
    body: dict[str, Any] = orjson.loads(render(transcript, "verbose_json"))
    body["text"] = one_line(transcript.text)
    body["language"] = "english" if wanted.options.task == "translate" else language_name(transcript.language)
    if wanted.options.task == "transcribe":
        body["usage"] = usage_of(transcript).model_dump()
    left_out = {name for name, asked in (("words", wanted.words), ("segments", wanted.segments)) if not asked}
    return orjson.dumps({name: value for name, value in body.items() if name not in left_out}).decode()
