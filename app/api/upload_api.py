"""Owns the door for uploads in pieces, by the tus protocol: begun, asked about, continued, ended."""

import asyncio
import time
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api import tus
from app.api.errors import answer, documented
from app.api.piece import receive_piece
from app.api.plain_route import PlainRoute
from app.api.state import services_of
from app.api.submission_fields import idempotency_key, parse_fields
from app.domain.errors import CesarError
from app.domain.parts import Checksum
from app.domain.upload_metadata import filename_of, modified_at_of, parse_metadata, submission_fields
from app.schemas.jobs import Job, SubmissionRequest
from app.services.upload_service import NewUpload, UploadPosition
from app.services.upload_writer import PieceWriter

TURN_SECONDS: Final = 3.0
"""How long a client waits for its own, silent earlier connection to give way."""

_TURN_LOOK_SECONDS: Final = 0.1
_OVERRIDE: Final = "x-http-method-override"


async def options(request: Request) -> Response:
    """Ask what this server can do."""
    return Response(status_code=204, headers=tus.abilities(services_of(request).uploads.max_bytes))


@tus.speaking_tus
async def begin(request: Request) -> Response:
    """Announce a recording that comes in pieces. Its Task exists from now on and waits for it.

    `Upload-Metadata` carries `filename`, and the fields of `POST /transcribe` under their own names. The body may be the first piece.
    """
    services = services_of(request)
    wanted, asked = _wanted(request)
    key = idempotency_key(request)
    if tus.carries_piece(request):  # what is wrong with it is known before anything is made
        tus.checksum(request)
        _check_room(request, wanted.length)
    try:
        position = await run_in_threadpool(services.uploads.begin, wanted, asked.options(), key, asked.webhook())
    except CesarError as problem:
        if problem.code != "too_large":
            raise
        return _too_large(request, problem)
    if tus.carries_piece(request) and position.offset == 0 and position.expires_at is not None:
        position = await _continue(request, position.id, 0)
    job = await run_in_threadpool(services.queries.job, position.job_id)
    headers = {"location": f"/uploads/{position.id}"} | tus.standing(position)
    return Response(job.model_dump_json(), status_code=201, media_type="application/json", headers=headers)


@tus.speaking_tus
async def look(request: Request) -> Response:
    """Ask where an upload stands: so many bytes are safe, go on from there."""
    position = await run_in_threadpool(services_of(request).uploads.find, _id(request))
    headers = tus.standing(position) | {"upload-length": str(position.length)}
    if position.metadata:
        headers["upload-metadata"] = position.metadata
    return Response(headers=headers)


@tus.speaking_tus
async def go_on(request: Request) -> Response:
    """Send the piece that begins where the upload stands. After the last one the Task gets its place in the queue."""
    if not tus.carries_piece(request):
        raise CesarError("upload_content_type")
    position = await _continue(request, _id(request), tus.number(request, "Upload-Offset"))
    return Response(status_code=204, headers=tus.standing(position))


@tus.speaking_tus
async def end(request: Request) -> Response:
    """End an upload: its Task is cancelled, and what came is removed."""
    await run_in_threadpool(services_of(request).uploads.end, _id(request))
    return Response(status_code=204)


@tus.speaking_tus
async def by_another_name(request: Request) -> Response:
    """For clients that can only POST: `X-HTTP-Method-Override` names the method."""
    endpoint = _METHODS.get(request.headers.get(_OVERRIDE, "").upper())
    if endpoint is None:
        raise CesarError("method_not_allowed", "X-HTTP-Method-Override must be HEAD, PATCH or DELETE")
    return await endpoint(request)


_METHODS: Final = {"HEAD": look, "PATCH": go_on, "DELETE": end}


def _id(request: Request) -> str:
    return str(request.path_params["upload_id"])


def _wanted(request: Request) -> tuple[NewUpload, SubmissionRequest]:
    if "upload-defer-length" in request.headers:
        raise CesarError("bad_value", "Upload-Length must be known when the upload begins")
    if "upload-concat" in request.headers:  # else every part of a recording would become a Task of its own
        raise CesarError("bad_value", "an upload comes in one row of pieces: Upload-Concat is not among the extensions")
    header = request.headers.get("upload-metadata", "")
    metadata = parse_metadata(header)
    modified_at_of(metadata)  # what cannot be read is refused now, and not when all of it is here
    asked = parse_fields(submission_fields(metadata))
    return NewUpload(filename_of(metadata), tus.number(request, "Upload-Length"), header), asked


def _too_large(request: Request, problem: CesarError) -> Response:
    response = answer(request, problem)
    response.headers["tus-max-size"] = str(services_of(request).uploads.max_bytes)
    return response


def _check_room(request: Request, room: int) -> None:
    announced = tus.announced_bytes(request)
    if announced is not None and announced > room:
        raise CesarError("too_large", "the piece goes beyond the end of its upload")


async def _continue(request: Request, upload_id: str, at: int) -> UploadPosition:
    uploads = services_of(request).uploads
    checksum = tus.checksum(request)
    position = await run_in_threadpool(uploads.find, upload_id)
    if at == position.offset:
        _check_room(request, position.length - at)
    if not (at == position.offset == position.length):
        writer = await _writer(request, upload_id, at, checksum)
        await receive_piece(request, writer)
    return await run_in_threadpool(uploads.find, upload_id)


async def _writer(request: Request, upload_id: str, at: int, checksum: Checksum | None) -> PieceWriter:
    """The right to write. Whoever has it keeps it for as long as bytes come; a connection that is silent gives way."""
    uploads = services_of(request).uploads
    deadline = time.monotonic() + TURN_SECONDS
    while True:
        try:
            return await run_in_threadpool(uploads.open, upload_id, at, checksum)
        except CesarError as problem:
            if problem.code != "upload_busy" or time.monotonic() > deadline:
                raise
        await run_in_threadpool(uploads.ask_for, upload_id)
        await asyncio.sleep(_TURN_LOOK_SECONDS)


def _header(
    name: str, description: str, *, required: bool = False, schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    schema = schema or {"type": "string"}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


_BYTES = {"type": "integer", "minimum": 0}
_VERSION = _header(
    "Tus-Resumable", "The version of the protocol.", required=True, schema={"type": "string", "enum": [tus.VERSION]}
)
_UPLOAD = {"name": "upload_id", "in": "path", "required": True, "schema": {"type": "string"}}
_OFFSET = _header("Upload-Offset", "Where the piece begins, in bytes.", required=True, schema=_BYTES)
_CHECKSUM = _header("Upload-Checksum", "`sha1`, `sha256` or `sha512`, and the piece's sum in base64.")
_BODY = {"content": {tus.PIECE: {"schema": {"type": "string", "format": "binary"}}}}
_BEGINNING = [
    _VERSION,
    _header("Upload-Length", "Size of the recording in bytes.", required=True, schema=_BYTES),
    _header(
        "Upload-Metadata", "`filename` and fields of a submission, each with its value in base64, separated by commas."
    ),
    _header("Idempotency-Key", "The same key leads to the same upload."),
]

_ROUTES: Final[tuple[tuple[str, str, tus.Endpoint, int, str, tuple[int, ...], dict[str, Any]], ...]] = (
    ("OPTIONS", "/uploads", options, 204, "What uploads in pieces can do", (), {}),
    ("POST", "/uploads", begin, 201, "Begin an upload in pieces", (400, 404, 409, 410, 412, 413, 415, 422, 423, 460, 503, 507),
     {"parameters": _BEGINNING, "requestBody": _BODY}),
    ("HEAD", "/uploads/{upload_id}", look, 200, "Where an upload stands", (404, 410, 412), {"parameters": [_VERSION, _UPLOAD]}),
    ("PATCH", "/uploads/{upload_id}", go_on, 204, "Continue an upload", (400, 404, 409, 410, 412, 413, 415, 423, 460, 503, 507),
     {"parameters": [_VERSION, _UPLOAD, _OFFSET, _CHECKSUM], "requestBody": _BODY}),
    ("DELETE", "/uploads/{upload_id}", end, 204, "End an upload", (404, 412), {"parameters": [_VERSION, _UPLOAD]}),
    ("POST", "/uploads/{upload_id}", by_another_name, 204, "The same, for clients that can only POST",
     (400, 404, 405, 409, 410, 412, 413, 415, 423, 460, 503, 507),
     {"parameters": [_VERSION, _UPLOAD, _header("X-HTTP-Method-Override", "HEAD, PATCH or DELETE.", required=True)]}),
    ("OPTIONS", "/uploads/{upload_id}", options, 204, "What uploads in pieces can do", (), {"parameters": [_UPLOAD]}),
)  # fmt: skip

plain_routes: Final = [
    PlainRoute(
        path,
        endpoint,
        methods=[method],
        status_code=status,
        tags=["Uploads in pieces"],
        summary=summary,
        description=endpoint.__doc__,
        response_model=Job if status == 201 else None,
        responses=documented(*refusals),
        openapi_extra=extra,
    )
    for method, path, endpoint, status, summary, refusals, extra in _ROUTES
]
"""Streamed bodies are read here, not by FastAPI."""
