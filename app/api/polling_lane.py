"""Owns the short way of a poll: past routing and middleware, which would cost several times as much as the read itself.

The route in `task_api` documents the same endpoint. The gate and the headers of every answer stand before it.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import answer, on_anything
from app.api.task_api import task_progress
from app.domain.errors import CesarError

_BEFORE: Final = "/tasks/"
_BEHIND: Final = "/progress"


class PollingLane:
    """Pure ASGI: answers `GET /tasks/{task_id}/progress`, passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        task_id = _polled_task(scope)
        if task_id is None:
            await self._app(scope, receive, send)
            return
        scope["path_params"] = {"task_id": task_id}
        response = await _answer(Request(scope, receive))
        await response(scope, receive, send)


async def _answer(request: Request) -> Response:
    try:
        return await task_progress(request)
    except CesarError as problem:
        return answer(request, problem)
    except Exception as problem:  # nobody further out would turn it into an answer
        return await on_anything(request, problem)


def _polled_task(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    path: str = scope["path"]
    if not (path.startswith(_BEFORE) and path.endswith(_BEHIND)):
        return None
    task_id = path[len(_BEFORE) : -len(_BEHIND)]
    return task_id if task_id and "/" not in task_id else None
