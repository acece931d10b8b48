"""Owns what a server does now and then: it forgets what was kept long enough, and removes what nobody points to."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from app.core.logging import logger
from app.services.keeping_service import KeepingService

LONGEST_PERIOD: Final = timedelta(hours=1)
SHORTEST_PERIOD: Final = timedelta(seconds=1)


class Housekeeping:
    """Sweeps. Blocking; several processes may do it at the same time.

    Args:
        chores: what else is done each time; each by itself, whatever becomes of the others.
    """

    def __init__(self, keeping: KeepingService, chores: Sequence[Callable[[], object]] = ()) -> None:
        self._keeping = keeping
        self._chores = chores

    @property
    def period_seconds(self) -> float:
        """Between two sweeps: an hour, less where something is kept for less than ten."""
        shortest = self._keeping.rules.shortest
        wanted = LONGEST_PERIOD if shortest is None else shortest / 10
        return max(SHORTEST_PERIOD, min(LONGEST_PERIOD, wanted)).total_seconds()

    def sweep(self) -> list[str]:
        """Do all of it, and what can be done of it if something fails; the ids of Tasks that are gone."""
        gone: list[str] = []
        for step in (
            lambda: gone.extend(self._keeping.forget_expired()),
            self._keeping.look_for_orphans,
            *self._chores,
        ):
            try:
                step()
            except Exception:  # a busy database, a folder that cannot be read: the next sweep tries again
                logger.exception("sweep_failed")
        return gone
