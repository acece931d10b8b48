"""Owns the judgement that a lease is lost: its worker is dead, or had time to renew it and did not."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from app.models.work import Task

_Key = tuple[str, int, str | None, datetime | None]
"""Task, attempt, owner, expiry: a renewed lease is another one."""


class LeaseWatch:
    """Looks at leases again and again. `is_dead` tells for certain that an owner no longer runs (False when unsure).

    Expiry is a time of the wall, which goes on while a laptop sleeps; its worker wakes with a lease that ran out and has
    done nothing wrong. So a lease is lost only when it was seen run out for `patience_seconds` of this process's own
    running time, in which a living worker renews it.
    """

    def __init__(
        self,
        is_dead: Callable[[str], bool],
        patience_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_dead = is_dead
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._run_out_since: dict[_Key, float] = {}

    def lost(self, leased: Sequence[Task], now: datetime) -> list[Task]:
        """Those of all Tasks that a worker holds which it holds no longer."""
        seen = self._clock()
        run_out = {_key(task) for task in leased if task.lease_expires_at is not None and task.lease_expires_at < now}
        self._run_out_since = {key: self._run_out_since.get(key, seen) for key in run_out}
        late = {key for key, since in self._run_out_since.items() if seen - since >= self._patience_seconds}
        return [task for task in leased if _key(task) in late or self._is_dead(task.lease_owner or "")]


def _key(task: Task) -> _Key:
    return task.uuid, task.attempt, task.lease_owner, task.lease_expires_at
