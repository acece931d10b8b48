"""Owns the routes of Files: list, look, decide."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request

from app.api.bounded_body import SmallBodyRoute
from app.api.errors import documented
from app.api.state import services_of
from app.schemas.files import Decision, DecisionHistory, DecisionRequest, File, FilePage, Tags
from app.services.library_store import FileFilter, FileOrder

router = APIRouter(tags=["Library"], route_class=SmallBodyRoute)


@router.get("/files", summary="List files", responses=documented(400, 422))
def list_files(
    request: Request,
    *,
    tag: Annotated[str | None, Query(description="Only files with this tag.")] = None,
    q: Annotated[str, Query(description="Only files with this in their name.", max_length=255)] = "",
    hidden: Annotated[bool, Query(description="Discarded copies as well.")] = False,
    sort: Annotated[FileOrder, Query(description="By when they arrived or were recorded.")] = FileOrder.ARRIVED,
    sha256: Annotated[
        str | None, Query(description="Only files with these bytes: 64 hex digits.", pattern="^[0-9a-f]{64}$")
    ] = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> FilePage:
    """One page of recordings, newest first."""
    return services_of(request).files.files(FileFilter(tag, q, hidden, sort, sha256), page, per_page)


@router.get("/tags", summary="List tags")
def list_tags(request: Request) -> Tags:
    """What recordings are tagged with, the most used first; at most a thousand."""
    return services_of(request).files.tags()


@router.get("/files/{file_id}", summary="Get a file", responses=documented(404))
def get_file(request: Request, file_id: str) -> File:
    """Everything that is known of a recording: what it consists of, when it was recorded and who says so, its tasks."""
    return services_of(request).files.file(file_id)


@router.get("/files/{file_id}/decisions", summary="List decisions", responses=documented(404))
def list_decisions(request: Request, file_id: str) -> DecisionHistory:
    """Everything that people decided about a recording, oldest first."""
    return services_of(request).files.decisions(file_id)


@router.post(
    "/files/{file_id}/decisions",
    summary="Decide",
    status_code=201,
    responses=documented(400, 404, 409, 413, 422, 503, 507),
)
def decide(
    request: Request,
    file_id: str,
    body: DecisionRequest,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Decision:
    """Set the time of a recording, tag it, discard it as a copy or keep it all the same.

    Decisions are only ever added; the latest of a topic counts, so a later one undoes an earlier one.
    """
    service = services_of(request).files
    return service.decide(file_id, body.decision_type, body.decision_value, idempotency_key)
