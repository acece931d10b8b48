"""Owns the library as people see it: lists of Files, one File with its facts, and what is decided about it."""

from dataclasses import replace
from typing import Any, Final

import orjson

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.decisions import DecisionType, checked_value, clean_tag
from app.domain.errors import CesarError
from app.models import File, UserDecision
from app.schemas import files as wire
from app.services.file_views import decision_view, file_summary, file_view, stored_value
from app.services.library_store import FileFilter
from app.services.store import Store, Transaction

_TYPES: Final = ", ".join(DecisionType)

MOST_TAGS: Final = 1000
"""More than this many nobody chooses from."""


class FileService:
    """Reads Files, and appends decisions; a decision takes effect by being read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def files(self, wanted: FileFilter, page: int, per_page: int) -> wire.FilePage:
        """One page of Files. Raises `CesarError("bad_value")` for a tag that cannot be one."""
        wanted = replace(wanted, tag=clean_tag(wanted.tag) if wanted.tag is not None else None)
        with self._store.read() as tx:
            rows, total = tx.library.page(wanted, page, per_page)
            tasks, decisions = tx.library.tasks_of(rows), tx.library.standing(rows)
            shown = [file_summary(row, tasks.get(row.id, ()), decisions.get(row.id, ())) for row in rows]
            return wire.FilePage(files=shown, total=total, page=page, per_page=per_page)

    def file(self, file_id: str) -> wire.File:
        """All facts of a File. Raises `CesarError("file_not_found")`."""
        with self._store.read() as tx:
            file = tx.files.get(file_id)
            tasks, decisions = tx.library.tasks_of([file]), tx.library.standing([file])
            return file_view(file, tasks.get(file.id, ()), decisions.get(file.id, ()), tx.library.pairs_of(file))

    def tags(self) -> wire.Tags:
        """What Files are tagged with, the most used first."""
        with self._store.read() as tx:
            return wire.Tags(tags=[wire.TagCount(tag=tag, files=files) for tag, files in tx.library.tags(MOST_TAGS)])

    def decisions(self, file_id: str) -> wire.DecisionHistory:
        """All decisions about a File, oldest first. Raises `CesarError("file_not_found")`."""
        with self._store.read() as tx:
            file = tx.files.get(file_id)
            return wire.DecisionHistory(decisions=[decision_view(file, row) for row in tx.library.history(file)])

    def decide(
        self, file_id: str, decision_type: str, decision_value: object, idempotency_key: str | None = None
    ) -> wire.Decision:
        """Append a decision; with a key that was used before, the one that was appended then.

        Raises:
            CesarError: `file_not_found`, `bad_value`, `idempotency_conflict` if the key was used for another decision.
        """
        kind = _type(decision_type)
        value = stored_value(checked_value(kind, _as_given(kind, decision_value), utc_now()))
        with self._store.write(durable=True) as tx:
            file = tx.files.get(file_id)
            wanted = UserDecision(
                file_id=file.id, decision_type=kind.value, decision_value=value, idempotency_key=idempotency_key
            )
            row = _earlier(tx, file, wanted) or tx.library.decide(wanted)
            shown = decision_view(file, row)
        logger.info("file_decided", file_id=file_id, decision_type=kind.value)
        return shown


def _type(name: str) -> DecisionType:
    try:
        return DecisionType(name)
    except ValueError:
        raise CesarError("bad_value", f"decision_type must be one of {_TYPES}") from None


def _as_given(kind: DecisionType, value: object) -> Any:
    """Tags may come as a list, or as the text of one."""
    if kind is not DecisionType.TAG_ASSIGNMENT or not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _earlier(tx: Transaction, file: File, wanted: UserDecision) -> UserDecision | None:
    if wanted.idempotency_key is None:
        return None
    row = tx.library.decided_with(file, wanted.idempotency_key)
    if row is None:
        return None
    if (row.decision_type, row.decision_value) != (wanted.decision_type, wanted.decision_value):
        raise CesarError("idempotency_conflict")
    return row
