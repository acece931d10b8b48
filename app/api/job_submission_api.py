"""Owns the door of the library's Jobs: transcribe what is there, take recordings in, bundle transcripts."""

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
from app.api.state import Services, services_of
from app.api.submission_fields import IDEMPOTENCY_KEY, describe, idempotency_key
from app.domain.errors import CesarError
from app.domain.upload_metadata import filename_of, modified_at_of, write_metadata
from app.schemas.jobs import Job
from app.schemas.library_jobs import (
    AnnouncedFile,
    ExportRequest,
    ImportRequest,
    LibraryJobRequest,
    ProcessRequest,
    UploadedImport,
    UploadsRequest,
    library_job_request,
)
from app.services.errand_intake import Asked
from app.services.errand_store import Selection
from app.services.export.options import RenderOptions
from app.services.submission import Submission
from app.services.upload_service import NewUpload

_LARGEST_JSON = 2 * 1024 * 1024
"""Room for the ids of tens of thousands of recordings."""

_REFUSALS = documented(400, 403, 404, 409, 410, 413, 415, 422, 503, 507)


async def submit_job(request: Request) -> Response:
    """Begin a Job over many recordings; `job_type` says which.

    `process` (JSON) transcribes `files` of the library, or `uploads` that are announced here and then sent by tus, each to the
    `links.upload` of its Task. `import` takes recordings in without transcribing them: those of a form with
    files, or (JSON) of a `folder` of the server's machine that the admin allowed. `export` (JSON) bundles the transcripts of `files`,
    `tasks`, `jobs` or a `tag` into one archive in the chosen `formats`, to be fetched from `/jobs/{job_id}/archive`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        job_id = await _import_form(request)
    elif kind == "application/json":
        wanted, key = _parse(await read_body(request, _LARGEST_JSON)), idempotency_key(request)
        job_id = await run_in_threadpool(_submit, services_of(request), wanted, key)
    else:
        raise CesarError("malformed", "send application/json, or multipart/form-data with files to import")
    return await accepted(request, job_id)


def _submit(services: Services, wanted: LibraryJobRequest, key: str | None) -> str:
    asked = Asked(key, wanted.webhook())
    match wanted:
        case ProcessRequest():
            submission = Submission(
                wanted.options(), idempotency_key=key, webhook=asked.webhook, library=tuple(dict.fromkeys(wanted.files))
            )
            return services.jobs.submit(submission)
        case UploadsRequest():
            if len(wanted.uploads) > (most := services.settings.max_files):
                raise CesarError("bad_value", f"more than {most} files")
            announced = [_announced(file) for file in wanted.uploads]
            return services.uploads.begin_all(announced, wanted.options(), key, asked.webhook)
        case ImportRequest():
            return services.errands.import_folder(wanted.folder, asked)
        case ExportRequest():
            selection = Selection(tuple(wanted.files), tuple(wanted.tasks), tuple(wanted.jobs), wanted.tag)
            return services.errands.export(selection, wanted.formats, RenderOptions(**wanted.rendering()), asked)


def _announced(file: AnnouncedFile) -> NewUpload:
    """As if it had come by tus. Raises `CesarError("bad_value")` for a time that cannot be read."""
    modified = None if file.modified is None else str(file.modified)
    told = {"filename": file.filename, "modified": modified, "relativePath": file.relative_path}
    metadata = {name: value for name, value in told.items() if value}
    modified_at_of(metadata)  # what cannot be read is refused now, and not when all of it is here
    return NewUpload(filename_of(metadata), file.size_bytes, write_metadata(metadata))


async def _import_form(request: Request) -> str:
    services = services_of(request)
    form = await receive_form(
        request,
        services.storage.receive,
        max_file_bytes=services.settings.max_upload_bytes,
        max_files=services.settings.max_files,
    )
    try:
        uploads = dated_uploads(form)
        asked = Asked(idempotency_key(request), _parse_form(form).webhook())
    except BaseException:
        for file in form.files:
            await run_in_threadpool(file.receiver.abandon)
        raise
    return await services.errands.take_in(uploads, asked)


def _parse_form(form: ReceivedForm) -> UploadedImport:
    """Raises `CesarError("malformed")`."""
    given = {name: values[-1] for name, values in form.fields.items() if values[-1] != ""}
    try:
        return UploadedImport.model_validate(given)
    except ValidationError as problem:
        raise CesarError("malformed", describe(problem)) from None


def _parse(body: bytes) -> LibraryJobRequest:
    """Raises `CesarError("malformed")`."""
    try:
        return library_job_request.validate_json(body)
    except ValidationError as problem:
        raise CesarError("malformed", describe(problem)) from None


def _json_schema() -> dict[str, Any]:
    schema = library_job_request.json_schema()
    definitions = schema.pop("$defs")
    inner, announced = definitions.pop("Diarize"), definitions.pop("AnnouncedFile")
    for name in ("ProcessRequest", "UploadsRequest"):
        definitions[name]["properties"]["diarize"] = {"anyOf": [{"type": "boolean"}, inner]}
    definitions["UploadsRequest"]["properties"]["uploads"]["items"] = announced
    return {"oneOf": list(definitions.values())}


def _form_schema() -> dict[str, Any]:
    schema = UploadedImport.model_json_schema()
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    properties = {**schema["properties"], "files": files, "modified": MODIFIED}
    return {"type": "object", "required": ["job_type", "files"], "properties": properties}


plain_routes: Final = [
    PlainRoute(
        "/jobs",
        submit_job,
        methods=["POST"],
        status_code=202,
        tags=["Jobs"],
        summary="Begin a job over many recordings",
        description=submit_job.__doc__,
        response_model=Job,
        responses=_REFUSALS,
        openapi_extra={
            "parameters": [IDEMPOTENCY_KEY],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": _json_schema()},
                    "multipart/form-data": {"schema": _form_schema()},
                },
            },
        },
    )
]
"""Streamed bodies are read here, not by FastAPI."""
