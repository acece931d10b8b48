"""Owns the route of transcripts: any format, at any time, and nothing at all when the reader has it already."""

from dataclasses import asdict
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app import __version__
from app.api.entity_tag import is_known, version_tag
from app.api.errors import documented
from app.api.state import services_of
from app.schemas.tasks import Transcript
from app.services.export.options import RenderOptions
from app.services.export_service import MEDIA_TYPES, check_format, ending_of, render_file
from app.services.query_service import QueryService
from app.services.transcript_json import WrittenTranscript

TAG = "Tasks Management"
_DEFAULTS: Final = RenderOptions()

router = APIRouter(tags=[TAG])


def chosen(
    speakers: Annotated[bool, Query(description="Say who speaks, where that is known")] = _DEFAULTS.speakers,
    timestamps: Annotated[
        bool | None, Query(description="Times in txt, md and docx; by default not in txt")
    ] = _DEFAULTS.timestamps,
    max_line_length: Annotated[
        int, Query(description="Subtitles: columns of a line (8 to 120); a wide character takes two")
    ] = _DEFAULTS.max_line_length,
    max_lines: Annotated[int, Query(description="Subtitles: lines of a cue (1 to 4)")] = _DEFAULTS.max_lines,
    max_cps: Annotated[
        float, Query(description="Subtitles: reading speed in columns per second (5 to 100)")
    ] = _DEFAULTS.max_cps,
) -> RenderOptions:
    """What the query says about how to write it."""
    return RenderOptions(speakers, timestamps, max_line_length, max_lines, max_cps)


@router.head("/tasks/{task_id}/transcript", include_in_schema=False)
@router.get(
    "/tasks/{task_id}/transcript",
    summary="Get the transcript",
    response_model=Transcript,
    responses={
        **documented(400, 404, 409, 422),
        200: {"content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()}},
        304: {"description": "The transcript is still the one with this ETag"},
    },
)
def get_transcript(
    request: Request,
    task_id: str,
    *,
    options: Annotated[RenderOptions, Depends(chosen)],
    format: Annotated[str, Query(description=", ".join(MEDIA_TYPES))] = "json",  # noqa: A002 - the wire's name
    words: Annotated[bool, Query(description="json: without it every segment's `words` is empty")] = True,
    download: Annotated[bool, Query(description="Have a browser save it as a file")] = False,
) -> Response:
    """The transcript, made from the stored segments: whatever became of the task, and while it runs, as far as it goes.

    The ETag of the format `json` is the transcript's version, with words and without; other formats and options have tags of their own.
    """
    check_format(format)
    queries = services_of(request).queries
    headers = {"etag": _tag(queries.transcript_version(task_id), format, options), "cache-control": "no-cache"}
    if is_known(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    written = (
        queries.transcript_json(task_id, words=words)
        if format == "json"
        else _rendered(queries, task_id, format, options)
    )
    headers["etag"] = _tag(written.version, format, options)
    headers["content-disposition"] = _disposition(written.filename, format, download)
    return Response(written.body, media_type=MEDIA_TYPES[format], headers=headers)


def _rendered(queries: QueryService, task_id: str, wanted: str, options: RenderOptions) -> WrittenTranscript:
    transcript = queries.transcript(task_id)
    return WrittenTranscript(render_file(transcript, wanted, options), transcript.version, transcript.filename)


def _tag(version: int, wanted: str, options: RenderOptions) -> str:
    """The version; beside it, for a rendering, what it was made with, this release included. Renderings are weak: a docx holds the
    moment it was made."""
    if wanted == "json":
        return version_tag(version)
    made_with = sha256(f"{wanted} {sorted(asdict(options).items())} {__version__}".encode()).hexdigest()
    return f'W/"{version}-{made_with[:12]}"'


def _disposition(filename: str, wanted: str, download: bool) -> str:
    name = quote(f"{PurePosixPath(filename).stem or 'transcript'}.{ending_of(wanted)}", safe="")
    return f"{'attachment' if download else 'inline'}; filename*=utf-8''{name}"
