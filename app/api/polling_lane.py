"""Owns the short way of a poll: past routing and middleware, which would cost several times as much as the read itself.

The route in `task_api` documents the same endpoint. What a poll answers is JSON that no browser runs or shows, so the
policies for pages are left out too.
"""

import os
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import answer
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
        request = Request(scope, receive)
        try:
            response = await task_progress(request)
        except CesarError as problem:
            request.state.request_id = os.urandom(16).hex()
            response = answer(request, problem)
            response.headers["x-request-id"] = request.state.request_id
        await response(scope, receive, send)


def _polled_task(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    path: str = scope["path"]
    if not (path.startswith(_BEFORE) and path.endswith(_BEHIND)):
        return None
    task_id = path[len(_BEFORE) : -len(_BEHIND)]
    return task_id if task_id and "/" not in task_id else None
