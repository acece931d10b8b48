"""Owns the routes of Tasks: look, poll, cancel, retry, delete."""

import asyncio
import time
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.api.bounded_body import SmallBodyRoute
from app.api.entity_tag import is_known
from app.api.errors import documented
from app.api.list_filters import Named, Statuses, WithText, parse_statuses
from app.api.plain_route import PlainRoute
from app.api.state import CurrentProgress, services_of, sockets_of
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED
from app.domain.progress import TaskProgressStage
from app.schemas.jobs import RetryRequest
from app.schemas.tasks import Task, TaskPage, TaskProgress
from app.services.retry import Redo
from app.services.work_filter import TaskFilter, TaskOrder

TAG = "Tasks Management"
LONGEST_WAIT_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05
"""How often a waiting poll looks again: each look costs microseconds and sees every process's commits."""

router = APIRouter(tags=[TAG], route_class=SmallBodyRoute)


@router.get("/tasks", summary="List tasks", responses=documented(400, 422))
def list_tasks(
    request: Request,
    *,
    status: Statuses = None,
    q: Named = "",
    sort: Annotated[TaskOrder, Query(description="The order; `-` in front turns it round.")] = TaskOrder.NEWEST,
    text: WithText = True,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TaskPage:
    """One page of Tasks, newest first unless `sort` says otherwise."""
    wanted = TaskFilter(parse_statuses(status), q, sort)
    return services_of(request).queries.tasks(wanted, page, per_page, text=text)


@router.get("/tasks/{task_id}", summary="Get a task", responses=documented(404))
def get_task(request: Request, task_id: str) -> Task:
    """One Task with its result, when there is one."""
    services = services_of(request)
    (task,) = services.duplicates.told([services.queries.task(task_id)])
    return task


async def task_progress(request: Request) -> Response:
    """How far a task is.

    The fallback when WebSocket is unavailable: always current, also if no socket was ever opened. With `wait` (seconds)
    the answer is held until the task's newest event is past `after` (or, without `after`, until anything changed); of a
    finished task it comes at once.
    """
    current = _current(request, request.path_params["task_id"])
    if request.scope["query_string"]:
        after = _number(request, "after", float("inf"))
        if wait := _number(request, "wait", LONGEST_WAIT_SECONDS):
            current = await _changed(request, current, after, wait)
    headers = {"etag": current.etag, "cache-control": "no-cache"}
    if is_known(request.headers.get("if-none-match"), current.etag):
        return Response(status_code=304, headers=headers)
    return Response(current.json, media_type="application/json", headers=headers)


plain_routes: Final = [
    PlainRoute(
        "/tasks/{task_id}/progress",
        task_progress,
        methods=["GET"],
        tags=[TAG],
        summary="Get task progress",
        description=task_progress.__doc__,
        response_model=TaskProgress,
        responses=documented(400, 404),
        openapi_extra={
            "parameters": [
                {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}},
                {"name": "wait", "in": "query", "schema": {"type": "number", "minimum": 0, "maximum": 60}},
                {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}},
            ]
        },
    )
]
"""Routes that FastAPI documents and does not run; they go into the app itself, because a router would wrap them again."""


@router.post("/tasks/{task_id}/cancel", summary="Cancel a task", responses=documented(404, 409))
def cancel_task(request: Request, task_id: str) -> Task:
    """End a waiting or running task; what was decoded is kept."""
    services = services_of(request)
    services.tasks.cancel(task_id)
    return services.queries.task(task_id)


@router.post("/tasks/{task_id}/retry", summary="Retry a task", responses=documented(400, 404, 409, 413, 422))
def retry_task(request: Request, task_id: str, wanted: RetryRequest | None = None) -> Task:
    """Queue a failed, partial or cancelled task anew: a partial one repeats telling speakers apart, and keeps its transcript.

    A body names the stage to repeat `from`, and options to change; with `from` a completed task can be repeated too. From
    `aligning` and `diarizing` on the stored transcript is kept; without one, and from `transcribing`, the recording is
    transcribed anew.
    """
    services = services_of(request)
    services.tasks.retry(task_id, _redo(wanted) if wanted else None)
    return services.queries.task(task_id)


@router.delete("/tasks/{task_id}", summary="Delete a task", status_code=204, responses=documented(404))
def delete_task(request: Request, task_id: str) -> None:
    """Remove a task, its transcript, its events, and its recording if no other task uses it. A running task stops."""
    services_of(request).jobs.delete_task(task_id)
    sockets_of(request).drop_task(task_id)


def _redo(wanted: RetryRequest) -> Redo:
    return Redo(TaskProgressStage(wanted.stage) if wanted.stage else None, wanted.named())


def _current(request: Request, task_id: str) -> CurrentProgress:
    current = services_of(request).progress.read(task_id)
    if current is None:
        raise CesarError("task_not_found")
    return current


async def _changed(request: Request, first: CurrentProgress, after: float | None, wait: float) -> CurrentProgress:
    deadline = time.monotonic() + wait
    current = first
    while current.body.status not in FINISHED and time.monotonic() < deadline:
        if current.body.seq > after if after is not None else current.etag != first.etag:
            break
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        current = _current(request, first.body.identifier)
    return current


def _number(request: Request, name: str, largest: float) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= largest:
        raise CesarError("bad_value", f"{name} must be a number from 0 to {largest:g}")
    return number
