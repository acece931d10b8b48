"""Owns the judgement that a lease is lost: its worker is dead, or had time to renew it and did not."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

PATIENCE = 1 / 3
"""Of a lease's length: as long as a living worker takes at most until it renews it."""


class Leased(Protocol):
    """What a worker may hold: a Task, or a Job that is an errand."""

    uuid: str
    attempt: int
    lease_owner: str | None
    lease_expires_at: datetime | None


T = TypeVar("T", bound=Leased)
_Key = tuple[str, int, str | None, datetime | None]
"""Public id, attempt, owner, expiry: a renewed lease is another one."""


class LeaseWatch:
    """Looks at leases again and again. `is_dead` tells for certain that an owner no longer runs (False when unsure).

    Expiry is a time of the wall, which goes on while a laptop sleeps; its worker wakes with a lease that ran out and has
    done nothing wrong. So a lease of `lease_seconds` is lost only when it was seen run out for `PATIENCE` of that in this
    process's own running time, in which a living worker renews it.
    """

    def __init__(
        self,
        is_dead: Callable[[str], bool],
        lease_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_dead = is_dead
        self._patience_seconds = lease_seconds * PATIENCE
        self._clock = clock
        self._run_out_since: dict[_Key, float] = {}

    def lost(self, leased: Sequence[T], now: datetime) -> list[T]:
        """Those of all that workers hold which they hold no longer."""
        seen = self._clock()
        run_out = {_key(one) for one in leased if one.lease_expires_at is not None and one.lease_expires_at < now}
        self._run_out_since = {key: self._run_out_since.get(key, seen) for key in run_out}
        late = {key for key, since in self._run_out_since.items() if seen - since >= self._patience_seconds}
        return [one for one in leased if _key(one) in late or self._is_dead(one.lease_owner or "")]


def _key(one: Leased) -> _Key:
    return one.uuid, one.attempt, one.lease_owner, one.lease_expires_at
