"""Owns the routes of recordings: played in ranges, downloaded under their own names, drawn as outlines, deleted."""

import asyncio
import re
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import Response as PlainResponse

from app.api.entity_tag import is_known
from app.api.errors import documented
from app.api.plain_route import PlainRoute
from app.api.state import services_of, sockets_of
from app.api.stored_response import StoredResponse
from app.domain.errors import CesarError
from app.schemas.media import MOST_POINTS, USUAL_POINTS, WaveformPeaks
from app.services.media_service import StoredRecording

TAG = "Files"
_PLAYABLE: Final = re.compile(r"(?:audio|video)/[\w.+-]+", re.ASCII)
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._-]")

router = APIRouter(tags=[TAG])


async def file_media(request: Request) -> PlainResponse:
    """The recording, for players: whole, or the one range of bytes that is asked for.

    `ETag` is the sha256 of the bytes; with `If-Range` a range is answered only while it is the same recording. What is neither
    audio nor video is sent as a download. Several ranges at once, and ranges that cannot be read, are answered with the whole.
    """
    recording = await _recording(request)
    playable = _PLAYABLE.fullmatch(recording.mime_type) is not None
    return _sent(request, recording, "inline" if playable else "attachment")


async def file_original(request: Request) -> PlainResponse:
    """The recording as a download, byte for byte, under the name with which it came. Ranges as with `/media`."""
    return _sent(request, await _recording(request), "attachment")


@router.get(
    "/files/{file_id}/peaks", summary="Get a file's outline", responses=documented(404, 409, 410, 415, 422, 429, 503)
)
async def file_peaks(
    request: Request,
    response: Response,
    file_id: str,
    points: Annotated[int, Query(ge=1, le=MOST_POINTS, description="At most so many points")] = USUAL_POINTS,
) -> WaveformPeaks:
    """The outline of a recording, for drawing. Made when it is first asked for, which takes a few seconds for an hour, then kept."""
    peaks = await services_of(request).peaks.of(file_id, points)
    response.headers["cache-control"] = "private, no-cache"
    return WaveformPeaks(
        sample_rate=peaks.sample_rate,
        samples_per_pixel=peaks.samples_per_point,
        length=len(peaks.values) // 2,
        data=list(peaks.values),
    )


@router.delete("/files/{file_id}", summary="Delete a file", status_code=204, responses=documented(404))
def delete_file(request: Request, file_id: str) -> None:
    """Remove a recording with its tasks, transcripts, events, duplicates, decisions and all that was made from it. Running tasks stop."""
    sockets = sockets_of(request)
    for task_id in services_of(request).keeping.delete_file(file_id):
        sockets.drop_task(task_id)


async def _recording(request: Request) -> StoredRecording:
    return await asyncio.to_thread(services_of(request).recordings.recording, request.path_params["file_id"])


def _sent(request: Request, recording: StoredRecording, how: str) -> PlainResponse:
    headers = {"cache-control": "private, no-cache", "content-disposition": _disposition(how, recording.filename)}
    if recording.sha256 is not None:
        headers["etag"] = f'"{recording.sha256}"'
        if is_known(request.headers.get("if-none-match"), headers["etag"]):
            return PlainResponse(status_code=304, headers=headers)
    kind = recording.mime_type if _PLAYABLE.fullmatch(recording.mime_type) else "application/octet-stream"
    return StoredResponse(recording.path, CesarError("media_gone"), headers=headers, media_type=kind)


def _disposition(how: str, name: str) -> str:
    """Both ways of RFC 6266: the name itself, percent-encoded, and one that programs understand which know no other letters."""
    return f"{how}; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=utf-8''{quote(name, safe='')}"


def _documentation(summary: str, description: str | None) -> dict[str, Any]:
    whole: dict[str, Any] = {"content": {"audio/*": {}, "video/*": {}, "application/octet-stream": {}}}
    return {
        "methods": ["GET"],
        "tags": [TAG],
        "summary": summary,
        "description": description,
        "responses": {
            200: whole,
            206: {"description": "The range that was asked for", **whole},
            304: {"description": "It is still the recording with this ETag"},
            **documented(404, 409, 410, 416),
        },
        "openapi_extra": {
            "parameters": [
                {"name": "file_id", "in": "path", "required": True, "schema": {"type": "string"}},
                {"name": "Range", "in": "header", "schema": {"type": "string"}},
                {"name": "If-Range", "in": "header", "schema": {"type": "string"}},
            ]
        },
    }


def _routes(path: str, endpoint: Any, summary: str) -> list[PlainRoute]:
    documentation = _documentation(summary, endpoint.__doc__)
    bare = PlainRoute(path, endpoint, methods=["HEAD"], include_in_schema=False)
    return [PlainRoute(path, endpoint, **documentation), bare]


plain_routes: Final = [
    *_routes("/files/{file_id}/media", file_media, "Play a file"),
    *_routes("/files/{file_id}/original", file_original, "Download a file"),
]
