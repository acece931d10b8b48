"""Owns the routes of recordings: played in ranges, downloaded under their own names, drawn as outlines, deleted."""

import asyncio
import os
import re
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.responses import Response as PlainResponse
from starlette.types import Receive, Scope, Send

from app.api.errors import answer, documented
from app.api.plain_route import PlainRoute
from app.api.state import services_of, sockets_of
from app.domain.errors import CesarError
from app.schemas.media import MOST_POINTS, USUAL_POINTS, WaveformPeaks
from app.services.media_service import StoredRecording

TAG = "Files"
_PLAYABLE: Final = re.compile(r"(?:audio|video)/[\w.+-]+", re.ASCII)
_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
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


class RecordingResponse(FileResponse):
    """A file of several GB as well as a small one: read in pieces as the reader takes them.

    A `Range` that Starlette would refuse although it may be left unread (RFC 9110, 14.2) is taken away first.
    """

    chunk_size = 256 * 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            self.stat_result = stat = await asyncio.to_thread(os.stat, self.path)
        except FileNotFoundError:  # deleted a moment ago
            await answer(Request(scope), CesarError("media_gone"))(scope, receive, send)
            return
        self.set_stat_headers(stat)
        headers = Headers(scope=scope)
        asked = _RANGE.fullmatch(headers.get("range", ""))
        if asked is None or not self._is_current(headers.get("if-range")) or not _is_range(asked[1], asked[2]):
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0].lower() != b"range"]}
        elif not _is_within(asked[1], asked[2], stat.st_size):
            refusal = answer(Request(scope), CesarError("range_unsatisfiable", f"it has {stat.st_size} bytes"))
            refusal.headers["content-range"] = f"bytes */{stat.st_size}"
            await refusal(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    def _is_current(self, known: str | None) -> bool:
        return known is None or known in (self.headers["etag"], self.headers["last-modified"])


async def _recording(request: Request) -> StoredRecording:
    return await asyncio.to_thread(services_of(request).recordings.recording, request.path_params["file_id"])


def _sent(request: Request, recording: StoredRecording, how: str) -> PlainResponse:
    headers = {"cache-control": "private, no-cache", "content-disposition": _disposition(how, recording.filename)}
    if recording.sha256 is not None:
        headers["etag"] = f'"{recording.sha256}"'
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if headers["etag"] in known:
            return PlainResponse(status_code=304, headers=headers)
    kind = recording.mime_type if _PLAYABLE.fullmatch(recording.mime_type) else "application/octet-stream"
    return RecordingResponse(recording.path, headers=headers, media_type=kind)


def _disposition(how: str, name: str) -> str:
    """Both ways of RFC 6266: the name itself, percent-encoded, and one that programs understand which know no other letters."""
    return f"{how}; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=utf-8''{quote(name, safe='')}"


def _is_range(first: str, last: str) -> bool:
    return bool(last) if not first else not last or int(first) <= int(last)


def _is_within(first: str, last: str, size: int) -> bool:
    return int(first) < size if first else int(last) > 0 and size > 0


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
