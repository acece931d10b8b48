"""Owns the reading of a submission's fields, wherever in a request they stand, and of its key."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from starlette.requests import Request

from app.domain.errors import CesarError
from app.schemas.jobs import SubmissionRequest

IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key returns the same Job, so that a repeated request does no harm.",
    "schema": {"type": "string", "maxLength": 255},
}
"""What `idempotency_key` reads, as OpenAPI tells it."""


def parse_fields(given: Mapping[str, str]) -> SubmissionRequest:
    """Fields that came as text. Raises `CesarError("malformed")`."""
    try:
        return SubmissionRequest.model_validate(dict(given), strict=False)
    except ValidationError as problem:
        raise CesarError("malformed", describe(problem)) from None


def describe(problem: ValidationError) -> str:
    """What is wrong with which field."""
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors())


def idempotency_key(request: Request) -> str | None:
    """The request's key. Raises `CesarError("bad_value")` for one that is too long."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= 255:
        raise CesarError("bad_value", "Idempotency-Key must have 1 to 255 characters")
    return key
