"""Owns the `status` filter of lists."""

from app.domain.errors import CesarError
from app.domain.lifecycle import JobStatus


def parse_status(value: str | None) -> JobStatus | None:
    """A status filter; old names are accepted. Raises `CesarError("bad_value")`."""
    if value is None:
        return None
    try:
        return JobStatus(value)
    except ValueError:
        raise CesarError("bad_value", f"status must be one of {', '.join(JobStatus)}") from None
