"""Owns the routes of Files that are the same recording."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.api.errors import documented
from app.api.state import services_of
from app.schemas.duplicates import DuplicatePage
from app.schemas.files import FileDuplicate

router = APIRouter(tags=["Files"])


@router.get("/duplicates", summary="List duplicates", responses=documented(422))
def list_duplicates(
    request: Request,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DuplicatePage:
    """Files that are the same recording, in groups: equal bytes (`exact`), or the same sound in another encoding (`perceptual`).

    A group is whatever a chain of pairs connects. `decision` tells what somebody decided about a File.
    """
    return services_of(request).duplicates.groups(page, per_page)


@router.get("/files/{file_id}/duplicates", summary="List a file's duplicates", responses=documented(404))
def list_duplicates_of_file(request: Request, file_id: str) -> list[FileDuplicate]:
    """What the recording is a duplicate of, and what is a duplicate of it."""
    return services_of(request).duplicates.pairs_of(file_id)
