"""Owns the reading of the event log: the tail that follows it, and the pages with which a late watcher catches up."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from app.core.logging import logger
from app.domain.events import StoredEvent
from app.domain.lifecycle import FINISHED
from app.domain.ports import EventLog
from app.infrastructure.websocket.message import Message

TICK_SECONDS: Final = 0.05
"""How often the log is asked whether it changed: what a lost announcement costs at most."""

BREATH_SECONDS: Final = 0.025
"""Between two readings in quick succession: a burst of events is read in portions, a single one at once."""

PROGRESS_PERIOD_SECONDS: Final = 0.058
"""Between the beginnings of two readings after nothing but progress: only the newest is passed on, so more often would be work
for nothing; and nobody shall be more than 100 ms behind, of which the rest of the way takes its part."""

TAIL_EVENTS: Final = 200
PAGE_EVENTS: Final = 200
LONGEST_BACKOFF_SECONDS: Final = 2.0


class LogTail:
    """One daemon thread that follows the log of all Tasks and hands over every new event, in order, exactly once.

    It reads only while somebody watches, and survives whatever the database does. `changes` is another number after anything,
    not only an event, was committed; it counts while the tail reads.

    Args:
        log: where the events are.
        is_watched: whether anybody listens; asked from the tail's thread.
        deliver: takes events from the tail's thread and returns when they are passed on, so that a busy
            event loop gets larger portions and not a longer queue.
    """

    def __init__(
        self, log: EventLog, is_watched: Callable[[], bool], deliver: Callable[[list[StoredEvent]], None]
    ) -> None:
        self._log = log
        self._is_watched = is_watched
        self._deliver = deliver
        self.changes = 0
        self._row: int | None = None
        self._aiming = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._unread = False
        self._failures = 0
        self._next_read = 0.0
        self._thread = threading.Thread(target=self._run, name="event-log-tail", daemon=True)

    @property
    def is_healthy(self) -> bool:
        """Whether the tail runs and its last look at the log succeeded."""
        return self._thread.is_alive() and self._failures == 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread, waiting at most `timeout` seconds for it."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout)

    def wake(self) -> None:
        """The log grew. From any thread; never blocks."""
        self._wake.set()

    def aim(self) -> None:
        """Make sure that everything committed from now on will be delivered. Blocking; to be called after registering."""
        with self._aiming:
            if self._row is None:
                self._row = self._log.head()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
                self._failures = 0
            except Exception as problem:  # whatever the database does, the sockets must not fall silent for ever
                self._back_off(problem)

    def _back_off(self, problem: Exception) -> None:
        self._unread = True
        self._failures += 1
        if self._failures == 1:
            logger.warning("event_log_unreadable", error=type(problem).__name__)
        self._stopping.wait(min(LONGEST_BACKOFF_SECONDS, TICK_SECONDS * 2**self._failures))

    def _step(self) -> None:
        woken = self._wake.wait(TICK_SECONDS if self._row is not None else None)
        self._wake.clear()
        with self._aiming:
            if not self._is_watched():
                self._row, self._unread = None, False
                return
        if self._row is not None and (woken or self._unread or self._log.changed()):
            self.changes += 1
            self._read(self._row)

    def _read(self, row: int) -> None:
        self._unread = True
        self._stopping.wait(max(0.0, self._next_read - time.monotonic()))
        begun, only_progress = time.monotonic(), False
        while not self._stopping.is_set():
            events = self._log.tail(row, TAIL_EVENTS)
            if events:
                only_progress = all(event.type == "progress" for event in events)
                self._deliver(events)
                self._row = row = events[-1].row
            if len(events) < TAIL_EVENTS:
                break
        self._unread = False
        period = PROGRESS_PERIOD_SECONDS if only_progress else 0.0
        self._next_read = max(begun + period, time.monotonic() + BREATH_SECONDS)


@dataclass(frozen=True, slots=True)
class Page:
    """What a watcher is missing, or a part of it.

    `epoch` and `seq` are the log's; `recovered` says that `messages` are the missed events and not a snapshot.
    `is_last`: nothing more was in the log when this was read; `is_finished`: nor will there be, unless somebody retries.
    """

    epoch: str
    seq: int
    recovered: bool
    messages: tuple[Message, ...]
    is_last: bool
    is_finished: bool


def first_page(log: EventLog, task_id: str, after: int | None, epoch: str | None) -> Page | None:
    """What a new watcher gets first; None for an unknown Task. Blocking.

    With `after` (and `epoch` unchanged, if given) the events that follow it, as far as the log reaches back; else a snapshot.
    """
    if after is not None:
        position = log.position(task_id)
        if position is None:
            return None
        if epoch in (None, position.epoch) and position.first_seq - 1 <= after <= position.seq:
            page = next_page(log, task_id, after)
            if page is not None and page.epoch == position.epoch:
                return page
    return snapshot_page(log, task_id)


def next_page(log: EventLog, task_id: str, after: int) -> Page | None:
    """The events after a number; None if some of them are gone. Blocking."""
    events = log.since(task_id, after, PAGE_EVENTS)
    if any(event.seq != after + place for place, event in enumerate(events, 1)):
        return None
    position = log.position(task_id)
    if position is None or (not events and position.first_seq > after + 1):
        return None
    is_last = len(events) < PAGE_EVENTS
    return Page(
        epoch=position.epoch,
        seq=position.seq,
        recovered=True,
        messages=tuple(Message.of(event, conflates=False) for event in events),
        is_last=is_last,
        is_finished=is_last and position.status in FINISHED,
    )


def snapshot_page(log: EventLog, task_id: str) -> Page | None:
    """The Task as it is now; None for an unknown Task. Blocking."""
    snapshot = log.snapshot(task_id)
    if snapshot is None:
        return None
    position = snapshot.position
    messages = tuple(
        Message(payload, task_id=task_id, seq=orjson.loads(payload)["seq"]) for payload in snapshot.payloads
    )
    return Page(position.epoch, position.seq, False, messages, True, position.status in FINISHED)
