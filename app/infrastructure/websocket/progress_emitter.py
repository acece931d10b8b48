"""Owns the way of an event into the log: from any thread of any process, at once, and never raising into the pipeline."""

import asyncio
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

import orjson

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.errors import CATALOGUE
from app.domain.events import ErrorEvent, Event, ProgressEvent
from app.domain.ports import EventLog
from app.domain.progress import TaskProgressStage
from app.infrastructure.websocket.connection_manager import connection_manager
from app.schemas.events import encode_event

GROUP_EVENTS: Final = 500
"""Most events stored in one transaction."""

BREATH_SECONDS: Final = 0.002
"""Between two transactions in quick succession: a burst of events is stored in groups, a single one at once."""

PROGRESS_HINT_SECONDS: Final = 0.03
"""Groups of nothing but progress are announced at most this often: a watcher's server reads them less often than that."""

RETRY_SECONDS: Final = (0.05, 0.5)
"""How long to wait before storing a group again that failed as a whole."""

Draft = tuple[str, Event]


class Announcements(Protocol):
    """What the emitter needs of the connection manager."""

    def announce(self, task_id: str) -> None:
        """The Task's log grew."""

    async def send_to_task(self, task_id: str, message: dict[str, Any]) -> None:
        """Send a message that is not in the log."""


@dataclass(frozen=True, slots=True)
class _Flush:
    reached: threading.Event


class _Stop:
    pass


class ProgressEmitter:
    """Stores and announces events about Tasks. Every call only appends to a queue; one daemon thread does the rest.

    The order of each thread's calls is kept. Without an event log, messages go to the sockets unnumbered and are not kept.
    What goes wrong is one warning in the log, with the Task's id.
    """

    def __init__(self, connection_manager: Announcements, event_log: EventLog | None = None) -> None:
        self._announcements = connection_manager
        self._log = event_log
        self._queue: SimpleQueue[Draft | _Flush | _Stop] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._next_hint = 0.0

    def attach(self, event_log: EventLog | None) -> None:
        """Store events in this log from now on; called by the composition root."""
        self._log = event_log

    def emit_progress(
        self,
        task_id: str,
        stage: TaskProgressStage | str,
        percentage: int,
        message: str = "",
        *,
        stage_percentage: int = 0,
        eta_seconds: float | None = None,
        stalled: bool = False,
    ) -> None:
        """Tell how far a Task is. Percentages are brought into 0..100; `eta_seconds` in seconds."""
        try:
            event = ProgressEvent(
                stage=TaskProgressStage(stage),
                percentage=_percent(percentage),
                message=message,
                stage_percentage=_percent(stage_percentage),
                eta_seconds=None if eta_seconds is None else float(eta_seconds),
                stalled=stalled,
            )
        except Exception as problem:  # a pipeline must not fail because its progress could not be told
            _warn(task_id, problem)
        else:
            self.emit(task_id, event)

    def emit_error(self, task_id: str, error_code: str, user_message: str, technical_detail: str | None = None) -> None:
        """Tell that a Task failed; what can be done about it is taken from the catalogue if it knows the code."""
        entry = CATALOGUE.get(error_code, CATALOGUE["PROCESSING_FAILED"])
        self.emit(task_id, ErrorEvent(error_code, user_message, technical_detail, entry.retryable, entry.remedy))

    def emit(self, task_id: str, event: Event) -> None:
        """Store and announce any event."""
        try:
            self._queue.put((task_id, event))
            self._ensure_thread()
        except Exception as problem:  # no thread can be started any more
            _warn(task_id, problem)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything emitted before is stored and announced; False if that takes longer than `timeout` seconds."""
        marker = _Flush(threading.Event())
        self._queue.put(marker)
        self._ensure_thread()
        return marker.reached.wait(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Store what waits and end the thread; a later emit starts it again."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._queue.put(_Stop())
            thread.join(timeout)

    def _ensure_thread(self) -> None:
        # In a forked child the parent's thread counts as dead, so the child gets its own.
        thread = self._thread
        if thread is not None and thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="progress-emitter", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        passed_on = 0.0
        with asyncio.Runner() as runner:
            while True:
                drafts, ending = self._next_group(passed_on + BREATH_SECONDS)
                if drafts:
                    self._pass_on(drafts, runner)
                    passed_on = time.monotonic()
                if isinstance(ending, _Flush):
                    ending.reached.set()
                if isinstance(ending, _Stop):
                    return

    def _next_group(self, not_before: float) -> tuple[list[Draft], _Flush | _Stop | None]:
        """What waits, up to the next mark; blocks until there is something, and until the breath is over."""
        drafts: list[Draft] = []
        item: Draft | _Flush | _Stop = self._queue.get()
        time.sleep(max(0.0, not_before - time.monotonic()))
        try:
            while isinstance(item, tuple):
                drafts.append(item)
                if len(drafts) == GROUP_EVENTS:
                    return drafts, None
                item = self._queue.get_nowait()
        except Empty:
            return drafts, None
        return drafts, item

    def _pass_on(self, drafts: list[Draft], runner: asyncio.Runner) -> None:
        log = self._log
        if log is None:
            runner.run(self._send_unnumbered(drafts))
            return
        grown = dict.fromkeys(_store(log, drafts))
        if time.monotonic() < self._next_hint and all(isinstance(event, ProgressEvent) for _, event in drafts):
            return  # if nothing follows, the watchers' tail finds it with its next tick
        self._next_hint = time.monotonic() + PROGRESS_HINT_SECONDS
        for task_id in grown:
            try:
                self._announcements.announce(task_id)
            except Exception as problem:  # the watchers' tail finds the events by itself
                _warn(task_id, problem)

    async def _send_unnumbered(self, drafts: list[Draft]) -> None:
        for task_id, event in drafts:
            try:
                await self._announcements.send_to_task(task_id, _unnumbered(task_id, event))
            except Exception as problem:  # whatever a socket does, the next message gets its chance
                _warn(task_id, problem)


def _store(log: EventLog, drafts: list[Draft]) -> list[str]:
    """Store all in one transaction, or, if that keeps failing, each on its own; the Tasks whose logs grew."""
    for wait in RETRY_SECONDS:
        try:
            return [stored.task_id for stored in log.append(drafts)]
        except Exception:  # the cause is told below, for each event that is really lost
            time.sleep(wait)
    return [task_id for draft in drafts for task_id in _store_alone(log, draft)]


def _store_alone(log: EventLog, draft: Draft) -> list[str]:
    try:
        return [stored.task_id for stored in log.append([draft])]
    except Exception as problem:  # one event lost; the run goes on
        _warn(draft[0], problem)
        return []


def _unnumbered(task_id: str, event: Event) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(encode_event(event, task_id=task_id, seq=0, timestamp=utc_now()))
    del message["seq"]
    return message


def _percent(value: float) -> int:
    return min(100, max(0, int(value)))


def _warn(task_id: str, problem: Exception) -> None:
    # Only the first line: what follows in a database's complaint quotes the values, and they may be somebody's words.
    detail = str(problem).partition("\n")[0]
    logger.warning("event_not_emitted", task_id=task_id, error=type(problem).__name__, detail=detail)


progress_emitter = ProgressEmitter(connection_manager)
"""The emitter of this process; without a log until the composition root attaches one."""


def get_progress_emitter() -> ProgressEmitter:
    """The emitter of this process."""
    return progress_emitter
