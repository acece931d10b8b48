"""Owns the door over HTTP: files or a URL in, a Job out, at once."""

from typing import Any, Final

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.accepted_job import accepted
from app.api.bounded_body import read_body
from app.api.errors import documented
from app.api.file_times import MODIFIED, dated_uploads
from app.api.multipart import ReceivedForm, receive_form
from app.api.plain_route import PlainRoute
from app.api.state import services_of
from app.api.submission_fields import IDEMPOTENCY_KEY, describe, idempotency_key, parse_fields
from app.domain.errors import CesarError
from app.schemas.jobs import Job, SubmissionRequest, UrlRequest

_LARGEST_JSON = 64 * 1024
_REFUSALS = documented(400, 409, 413, 415, 422, 503, 507)


async def transcribe(request: Request) -> Response:
    """Transcribe one or more recordings, sent as files of a form, or one behind a URL, sent as JSON.

    The answer comes as soon as the recordings rest on the server's disk (a URL: at once); follow the Task over its socket,
    its event stream or by polling.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return await transcribe_url(request)
    if kind != "multipart/form-data":
        raise CesarError("malformed", "send multipart/form-data with files, or application/json with a url")
    services = services_of(request)
    limit = services.settings.max_upload_bytes
    form = await receive_form(
        request, services.storage.receive, max_file_bytes=limit, max_files=services.settings.max_files
    )
    job_id = await _accept_form(request, form)
    return await accepted(request, job_id)


async def transcribe_url(request: Request) -> Response:
    """Transcribe the recording behind a URL; a worker fetches it."""
    wanted = _parse_body(await read_body(request, _LARGEST_JSON))
    intake = services_of(request).intake
    job_id = await run_in_threadpool(
        intake.accept_url, wanted.url, wanted.options(), idempotency_key(request), wanted.webhook()
    )
    return await accepted(request, job_id)


def _parse_body(body: bytes) -> UrlRequest:
    """A JSON body as its model. Raises `CesarError("malformed")`."""
    try:
        return UrlRequest.model_validate_json(body)
    except ValidationError as problem:
        raise CesarError("malformed", describe(problem)) from None


async def _accept_form(request: Request, form: ReceivedForm) -> str:
    try:
        uploads = dated_uploads(form)
        wanted = _parse_form(form)
        options, key = wanted.options(), idempotency_key(request)
    except BaseException:
        for file in form.files:
            await run_in_threadpool(file.receiver.abandon)
        raise
    return await services_of(request).intake.take_in(uploads, options, key, wanted.webhook())


def _parse_form(form: ReceivedForm) -> SubmissionRequest:
    repeated = [name for name, values in form.fields.items() if len(values) > 1]
    if repeated:
        raise CesarError("bad_value", f"{repeated[0]} is given more than once")
    return parse_fields({name: values[0] for name, values in form.fields.items() if values[0] != ""})


def _form_schema() -> dict[str, Any]:
    schema = SubmissionRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    properties = {name: field for name, field in schema["properties"].items() if name != "diarize"}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    return {
        "type": "object",
        "required": ["files"],
        "properties": {"files": files, "modified": MODIFIED, "diarize": {"type": "boolean"}, **properties},
    }


def _json_schema() -> dict[str, Any]:
    schema = UrlRequest.model_json_schema()
    definitions = schema.pop("$defs", {})
    schema["properties"]["diarize"] = {"anyOf": [{"type": "boolean"}, definitions["Diarize"]]}
    return schema


_FORM = {"multipart/form-data": {"schema": _form_schema()}}
_JSON = {"application/json": {"schema": _json_schema()}}

plain_routes: Final = [
    PlainRoute(
        path,
        endpoint,
        methods=["POST"],
        status_code=202,
        tags=["Transcribe"],
        summary=summary,
        description=endpoint.__doc__,
        response_model=Job,
        responses=_REFUSALS,
        openapi_extra={"parameters": [IDEMPOTENCY_KEY], "requestBody": {"required": True, "content": content}},
    )
    for path, endpoint, summary, content in (
        ("/transcribe", transcribe, "Transcribe files or a URL", _FORM | _JSON),
        ("/transcribe/url", transcribe_url, "Transcribe a URL", _JSON),
    )
]
"""Streamed bodies are read here, not by FastAPI."""
