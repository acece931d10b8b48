"""Owns OpenAI's audio API over HTTP: a recording in, its transcript out when it is finished – or while it grows, as a stream."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any, Final

import orjson
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.event_stream import EventStream
from app.api.multipart import FileNameMissing, ReceivedForm, receive_form
from app.api.openai_errors import documented_openai, in_openai_shape, openai_error
from app.api.plain_route import PlainRoute
from app.api.sole_watcher import SoleWatcher
from app.api.state import Services, services_of, sockets_of
from app.core.logging import logger
from app.domain.errors import CesarError
from app.infrastructure.websocket.connection import Connection
from app.schemas.openai import OpenAIModel, OpenAIModelList, OpenAIText, TextDelta, TextDone
from app.schemas.tasks import Transcript
from app.services.intake_service import Upload
from app.services.live_text import LiveText, one_line
from app.services.openai_answer import MEDIA_TYPES, answer_of, diarized, models, require_speakers, require_words
from app.services.openai_request import FORMATS, STREAMED_FORMATS, FieldRefused, ModelUnknown, SpeechRequest, understand

TAG: Final = "OpenAI's audio API"
KEEP_ALIVE_SECONDS: Final = 15.0
"""A stream that has nothing to say sends a comment this often, because proxies cut silent connections."""

_COMMENT: Final = b": waiting\n\n"
_FILE: Final = "file"
_CLIENT_CLOSED_REQUEST: Final = 499
"""Goes nowhere: the client is gone. The number that proxies write into their logs then."""


async def transcriptions(request: Request) -> Response:
    """Transcribe a recording, as OpenAI's `POST /v1/audio/transcriptions` does.

    The answer comes when the transcript is finished; with `stream` its text comes while it grows. Meanwhile the request is a
    task like any other: it is in `/tasks` and can be watched and cancelled there. It is cancelled when the client goes away
    before the end, unless the request has the header `X-Cesar-Keep: 1` or an `Idempotency-Key`.
    """
    return await _speech(request, "transcribe")


async def translations(request: Request) -> Response:
    """Transcribe a recording into English, as OpenAI's `POST /v1/audio/translations` does; otherwise as transcriptions."""
    return await _speech(request, "translate")


async def list_models(request: Request) -> Response:
    """The names that a request may give as its model; for OpenAI's own the server's default model stands in."""
    return _json(OpenAIModelList(data=models(services_of(request).settings.model)))


async def get_model(request: Request) -> Response:
    """One of these names."""
    wanted = request.path_params["model_id"]
    for model in models(services_of(request).settings.model):
        if model.id == wanted:
            return _json(model)
    raise ModelUnknown(wanted)


async def _speech(request: Request, task: str) -> Response:
    services, sockets = services_of(request), sockets_of(request)
    # Counted in before the recording is: a server that has no room for one who waits takes nothing in.
    connection = Connection(sockets.limits.outbox_bytes, ends_with_task=True)
    sockets.admit(connection)
    try:
        form = await _received(request)
        task_id, wanted = await _accept(request, form, task, connection)
    except BaseException:
        sockets.forget(connection)
        raise
    keep = request.headers.get("x-cesar-keep") == "1" or "idempotency-key" in request.headers
    watcher = SoleWatcher(sockets, connection, task_id, cancel=services.tasks.cancel, keep=keep)
    if wanted.stream:
        return EventStream(connection, _stream(services, watcher, wanted), left=watcher.leave)
    return await _whole_answer(request, watcher, wanted)


async def _received(request: Request) -> ReceivedForm:
    services = services_of(request)
    most = services.settings.max_upload_bytes
    try:
        return await receive_form(request, services.storage.receive, max_file_bytes=most, max_files=1, file_field=_FILE)
    except FileNameMissing as problem:
        raise FieldRefused(_FILE, f"{problem.detail}", "missing_required_parameter") from None


async def _accept(request: Request, form: ReceivedForm, task: str, connection: Connection) -> tuple[str, SpeechRequest]:
    """The Task that this request becomes, and how it was understood. After any failure the recording is gone."""
    try:
        if connection.closing is not None:  # while the recording arrived
            raise CesarError("server_going_away")
        wanted = understand(form.fields, task, services_of(request).settings.model)
        return await _take_in(request, form, wanted), wanted
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_abandon, form))
        raise


async def _take_in(request: Request, form: ReceivedForm, wanted: SpeechRequest) -> str:
    if [file.field for file in form.files] != [_FILE]:
        raise FieldRefused(_FILE, "you must send one recording as file", "missing_required_parameter")
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= 255:
        raise FieldRefused("Idempotency-Key", "Idempotency-Key must have 1 to 255 characters")
    services = services_of(request)
    uploads = [Upload(file.filename, file.receiver) for file in form.files]
    job_id = await services.intake.take_in(uploads, wanted.options, key, wanted.webhook)
    return (await run_in_threadpool(services.jobs.tasks_of_job, job_id))[0]


def _abandon(form: ReceivedForm) -> None:
    for file in form.files:
        file.receiver.abandon()


async def _whole_answer(request: Request, watcher: SoleWatcher, wanted: SpeechRequest) -> Response:
    waiting = asyncio.create_task(watcher.finished())
    leaving = asyncio.create_task(_hang_up(request))
    try:
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            return Response(status_code=_CLIENT_CLOSED_REQUEST)
        waiting.result()
    finally:
        waiting.cancel()
        leaving.cancel()
        watcher.leave()
    transcript = await run_in_threadpool(_result, services_of(request), watcher.task_id, wanted)
    body = await run_in_threadpool(answer_of, transcript, wanted)
    return Response(body, media_type=MEDIA_TYPES[wanted.response_format])


async def _hang_up(request: Request) -> None:
    """Wait until the client is gone; its request has been read to the end."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _result(services: Services, task_id: str, wanted: SpeechRequest) -> Transcript:
    transcript = services.queries.transcript(task_id)
    if wanted.response_format == "diarized_json":
        require_speakers(services.queries.task(task_id), transcript)
    require_words(transcript, wanted)
    return transcript


async def _stream(services: Services, watcher: SoleWatcher, wanted: SpeechRequest) -> AsyncGenerator[bytes, None]:
    text = LiveText()
    try:
        async for chunk in _growing(watcher, text):
            yield chunk
        watcher.require_transcript()
        transcript = await run_in_threadpool(_result, services, watcher.task_id, wanted)
        yield await run_in_threadpool(_ending, transcript, text, wanted)
    except CesarError as problem:
        yield _data(openai_error(problem))
    except Exception as problem:
        logger.error("unforeseen_failure", exc_info=problem, task_id=watcher.task_id)
        yield _data(openai_error(CesarError("internal")))


async def _growing(watcher: SoleWatcher, text: LiveText) -> AsyncGenerator[bytes, None]:
    """The text as it comes, and comments while none does."""
    loop = asyncio.get_running_loop()
    silent_until = loop.time() + KEEP_ALIVE_SECONDS
    while True:
        chunk = _COMMENT
        try:
            async with asyncio.timeout_at(silent_until):
                events = await watcher.take()
            if events is None:
                return
            chunk = await _deltas(events, text)
        except TimeoutError:
            pass
        if chunk:
            yield chunk
            silent_until = loop.time() + KEEP_ALIVE_SECONDS


async def _deltas(events: list[dict[str, Any]], text: LiveText) -> bytes:
    deltas = []
    for event in events:
        if new := text.after(event):
            deltas.append(_data(TextDelta(delta=new)))
        await asyncio.sleep(0)  # a batch may be long, and everybody else's turn comes between two events
    return b"".join(deltas)


def _ending(transcript: Transcript, text: LiveText, wanted: SpeechRequest) -> bytes:
    """What is missing of the text, the segments with their speakers if they were asked for, and the whole text."""
    missing, whole = text.complete(one_line(transcript.text))
    events: list[BaseModel | dict[str, Any]] = [TextDelta(delta=missing)] if missing else []
    if wanted.response_format == "diarized_json":
        events += diarized(transcript)["segments"]
    return b"".join(map(_data, [*events, TextDone(text=whole)]))


def _data(event: BaseModel | dict[str, Any]) -> bytes:
    text = event.model_dump_json().encode() if isinstance(event, BaseModel) else orjson.dumps(event)
    return b"data: " + text + b"\n\n"


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")


def _form_schema(task: str) -> dict[str, Any]:
    formats = list(FORMATS if task == "transcribe" else FORMATS[:-1])
    several = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "required": ["file", "model"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "model": {"type": "string"},
            "language": {"type": "string"},
            "prompt": {"type": "string"},
            "response_format": {"type": "string", "enum": formats, "default": "json"},
            "temperature": {"type": "number", "minimum": 0, "maximum": 1},
            "timestamp_granularities[]": {"type": "array", "items": {"type": "string", "enum": ["word", "segment"]}},
            "stream": {"type": "boolean", "description": f"Only with {', '.join(sorted(STREAMED_FORMATS))}."},
            "chunking_strategy": {"type": "string"},
            "include[]": several,
        },
    }


def _route(
    path: str,
    endpoint: Any,
    summary: str,
    *statuses: int,
    task: str | None = None,
    method: str | None = None,
    **documentation: Any,
) -> PlainRoute:
    content = {"multipart/form-data": {"schema": _form_schema(task)}} if task else {}
    return PlainRoute(
        path,
        in_openai_shape(endpoint),
        methods=[method or ("POST" if task else "GET")],
        tags=[TAG],
        summary=summary,
        description=endpoint.__doc__,
        responses=documented_openai(*statuses),
        openapi_extra={"requestBody": {"required": True, "content": content}} if task else None,
        **documentation,
    )


_speech_route = partial(_route, response_model=OpenAIText)
_REFUSALS: Final = (400, 404, 409, 413, 429, 500, 503, 507)

plain_routes: Final = [
    _speech_route(
        "/v1/audio/transcriptions", transcriptions, "Transcribe, as OpenAI does", *_REFUSALS, task="transcribe"
    ),
    _speech_route("/v1/audio/translations", translations, "Translate, as OpenAI does", *_REFUSALS, task="translate"),
    _route("/v1/models", list_models, "List models, as OpenAI does", 500, response_model=OpenAIModelList),
    _route("/v1/models/{model_id:path}", get_model, "Get a model, as OpenAI does", 404, response_model=OpenAIModel),
    # Documented with GET, of which it is a part.
    _route("/v1/models", list_models, "", method="HEAD", include_in_schema=False),
    _route("/v1/models/{model_id:path}", get_model, "", method="HEAD", include_in_schema=False),
]
