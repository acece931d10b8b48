"""Owns the time of day: UTC with offset, everywhere."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, timezone-aware in UTC."""
    return datetime.now(UTC)
