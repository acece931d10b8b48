"""Owns the part of the seam to the database that uploads in pieces need."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.models import Task, Upload


class Uploads(Protocol):
    """Uploads that are not complete. The Task of each waits in no queue until its upload has ended."""

    def add_all(self, uploads: Sequence[Upload]) -> None:
        """Store new ones."""

    def find(self, uuid: str) -> Upload | None:
        """The upload with this public id; None if it is complete, has ended, or never was."""

    def advance(self, uuid: str, before: int, after: int, expires_at: datetime) -> bool:
        """Say how far it is; False if it has ended, or stands elsewhere than at `before`."""

    def end(self, task: Task) -> bool:
        """Forget the upload of this Task; whether there was one."""

    def complete(self) -> list[str]:
        """Public ids of those of which every byte is here."""

    def expired(self, now: datetime) -> list[str]:
        """Public ids of those of which nothing came for too long."""

    def untold(self) -> list[str]:
        """Public ids of those of which more is here than was told, by a whole percent."""

    def storage_names(self) -> set[str]:
        """Under which names their bytes wait."""

    def was_told_since(self, task: Task, moment: datetime) -> bool:
        """Whether the newest event of this Task is younger."""
