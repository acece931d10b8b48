"""Owns the seam to the statements about what has been kept long enough."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.models import File, Job, Task


class Keeping(Protocol):
    """What may be forgotten. Nothing here touches a recording that an unfinished Task works on."""

    def expired_media(self, before: datetime, limit: int) -> list[File]:
        """Files with bytes whose last Task finished before that moment.

        Of those without a Task: the ones that only their Tasks had brought here, if they were last worked on before that moment.
        """

    def discarded_media(self, before: datetime, limit: int) -> list[File]:
        """Files with bytes that a person discarded before that moment, while another copy, not discarded, has its bytes."""

    def expired_tasks(self, before: datetime, limit: int) -> list[Task]:
        """Finished Tasks that finished before that moment, oldest first."""

    def expired_exports(self, before: datetime, limit: int) -> list[Job]:
        """Export Jobs that ended before that moment, oldest first."""

    def prune_events(self, before: datetime, limit: int) -> int:
        """Of Tasks that finished before that moment delete every event but the last; how many Tasks these were.

        At most `limit`, and as many as others can wait for; 0: there is nothing left to delete.
        """

    def tasks_of(self, file: File) -> list[Task]:
        """Every Task of a File."""

    def is_kept_for_nothing(self, file: File) -> bool:
        """Whether neither bytes nor Tasks are left of a File that only its Tasks had brought here, and no decision speaks of it."""

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Public ids of the Files that still say that their bytes are under one of these keys."""
