"""Owns the search over the transcripts of all Tasks that have finished."""

from app.domain.search_query import read_query
from app.schemas.search import SearchHit, SearchPage, SnippetPart
from app.services.search_store import FoundSegment
from app.services.store import Store


class SearchService:
    """Answers what was said where; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, query: str, page: int, per_page: int) -> SearchPage:
        """One page of the segments that have all words and phrases of a query, best first. Raises `CesarError("bad_value")`."""
        terms = read_query(query)
        with self._store.read() as tx:
            found, total = tx.search.find(terms, page, per_page)
        return SearchPage(results=[_hit(one) for one in found], total=total, page=page, per_page=per_page)


def _hit(found: FoundSegment) -> SearchHit:
    return SearchHit(
        task_id=found.task_id,
        filename=found.filename,
        index=found.segment.position,
        start=found.segment.start,
        end=found.segment.end,
        speaker=found.segment.speaker,
        snippet=[SnippetPart(text=text, match=match) for text, match in found.snippet],
    )
