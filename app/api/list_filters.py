"""Owns what lists of Tasks and Jobs have in common: the filters by status and by name, and whether results come along."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from app.domain.errors import CesarError
from app.domain.lifecycle import JobStatus

Statuses = Annotated[
    list[str] | None,
    Query(description="Only those with this status; several with commas between, or one parameter each."),
]

Named = Annotated[str, Query(description="Only those with this in the name of a recording.", max_length=255)]
WithText = Annotated[bool, Query(description="Without it every `result_text` is null, and the answer is small.")]


def parse_statuses(values: Sequence[str] | None) -> tuple[JobStatus, ...]:
    """The statuses that are wanted, each once; old names are accepted. Raises `CesarError("bad_value")`."""
    named = [name.strip() for value in values or () for name in value.split(",")]
    try:
        return tuple(dict.fromkeys(map(JobStatus, named)))
    except ValueError:
        raise CesarError("bad_value", f"status must be one of {', '.join(JobStatus)}") from None
