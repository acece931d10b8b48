"""Owns the JSON of OpenAI's audio API as it is spoken here: errors, models, plain answers, events of a stream."""

from typing import Literal

from app.schemas.tasks import WireModel


class OpenAIErrorBody(WireModel):
    """What went wrong; `param` names the field of the request, `code` is of OpenAI's or of the error catalogue."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorAnswer(WireModel):
    """The shape of every error answer under `/v1`, and of an error inside a stream."""

    error: OpenAIErrorBody


class OpenAIModel(WireModel):
    """A name that a request may give as its model. `created` is a Unix timestamp."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class OpenAIModelList(WireModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class DurationUsage(WireModel):
    """The length of the recording: nothing is billed here."""

    type: Literal["duration"] = "duration"
    seconds: float


class OpenAIText(WireModel):
    """`response_format=json`; a translation has no `usage`."""

    text: str
    usage: DurationUsage | None = None


class TextDelta(WireModel):
    """Text that is new. All deltas of a stream, one behind the other, are the text of its `transcript.text.done`."""

    type: Literal["transcript.text.delta"] = "transcript.text.delta"
    delta: str


class TextDone(WireModel):
    """The whole text; the last event of a good stream. No `usage`: here OpenAI's counts tokens, and there are none."""

    type: Literal["transcript.text.done"] = "transcript.text.done"
    text: str
