"""Owns the route of the search over all transcripts."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.api.errors import documented
from app.api.state import services_of
from app.schemas.search import SearchPage

router = APIRouter(tags=["Search"])


@router.get("/search", summary="Search all transcripts", responses=documented(400, 422))
def search(
    request: Request,
    q: str = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SearchPage:
    """Segments of tasks that have finished in which all words are, best first: words, "phrases in quotes", and begin* of words.

    A task whose words or speakers are redone is found with what it said before. Case and accents make no difference. A snippet
    comes in parts; those with `match` are what was looked for.
    """
    return services_of(request).search.search(q, page, per_page)
