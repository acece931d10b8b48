"""Owns the JSON of groups of Files that are the same recording."""

from datetime import datetime
from typing import Literal

from app.schemas.files import FileDuplicate
from app.schemas.tasks import WireModel


class GroupedFile(WireModel):
    """A File of a group, and whether somebody decided to keep or to discard it (null: nobody did)."""

    id: str
    filename: str
    file_size_bytes: int | None
    mime_type: str | None
    duration_seconds: float | None
    created_at: datetime
    has_media: bool
    """Whether the recording itself is here."""
    decision: Literal["keep", "discard"] | None


class DuplicateGroup(WireModel):
    """Files that are one recording: each is the same as another one of them."""

    files: list[GroupedFile]
    """Oldest first."""
    pairs: list[FileDuplicate]
    """What was found out about which two of them, and how alike they are."""


class DuplicatePage(WireModel):
    """One page of groups; the one with the newest File first."""

    groups: list[DuplicateGroup]
    total: int
    page: int
    per_page: int
