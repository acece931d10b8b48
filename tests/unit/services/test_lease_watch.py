"""When a lease counts as lost."""

from datetime import datetime, timedelta

from app.core.clock import utc_now
from app.models.work import Task
from app.services.lease_watch import LeaseWatch

NOON = utc_now()


class Watched:
    """A watch with a clock of its own, and the dead that it knows."""

    def __init__(self) -> None:
        self.running_time = 0.0
        self.dead: set[str] = set()
        self.watch = LeaseWatch(self.dead.__contains__, 30, lambda: self.running_time)

    def lost(self, task: Task, now: datetime) -> bool:
        """Whether this Task's lease is lost."""
        return self.watch.lost([task], now) == [task]


def leased(expires: datetime) -> Task:
    """A Task that a worker holds."""
    return Task(uuid="task", attempt=1, lease_owner="worker", lease_expires_at=expires)


def test_a_dead_owner_loses_its_lease_at_once() -> None:
    """What is certain needs no patience."""
    watched = Watched()
    watched.dead.add("worker")
    assert watched.lost(leased(NOON + timedelta(seconds=30)), NOON)


def test_a_lease_that_stays_run_out_is_lost() -> None:
    """The owner had the time in which it would have renewed it."""
    watched, task = Watched(), leased(NOON - timedelta(seconds=1))
    assert not watched.lost(task, NOON)
    watched.running_time = 9.9
    assert not watched.lost(task, NOON)
    watched.running_time = 10.0
    assert watched.lost(task, NOON)


def test_a_machine_that_slept_takes_nobodys_lease() -> None:
    """Hours later by the wall, a moment later by the running time: the worker wakes too and renews."""
    watched = Watched()
    assert not watched.lost(leased(NOON), NOON - timedelta(seconds=5))
    watched.running_time = 2.0
    morning = NOON + timedelta(hours=8)
    assert not watched.lost(leased(NOON), morning)
    watched.running_time = 8.0
    renewed = leased(morning + timedelta(seconds=30))
    assert not watched.lost(renewed, morning)
    watched.running_time = 13.0
    assert not watched.lost(renewed, morning)


def test_a_renewed_lease_is_another_one() -> None:
    """What was seen of the old expiry does not count for the next."""
    watched = Watched()
    assert not watched.lost(leased(NOON), NOON + timedelta(seconds=1))
    watched.running_time = 11.0
    assert not watched.lost(leased(NOON + timedelta(seconds=30)), NOON + timedelta(seconds=31))
