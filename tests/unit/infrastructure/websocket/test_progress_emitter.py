"""Emitting: from many threads, at once, in order, and never into the pipeline's face."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.domain.events import WarningEvent
from app.domain.progress import TaskProgressStage
from app.infrastructure.websocket import (
    ConnectionManager,
    ProgressEmitter,
    connection_manager,
    get_progress_emitter,
    progress_emitter,
)
from tests.fakes.event_log import InMemoryEventLog


class Recorder:
    """Stands in for the connection manager."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.failing = False

    def announce(self, task_id: str) -> None:
        self.announced.append(task_id)
        if self.failing:
            raise OSError("nobody there")

    async def send_to_task(self, task_id: str, message: dict[str, Any]) -> None:
        if self.failing:
            raise OSError("nobody there")
        self.sent.append((task_id, message))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def log() -> InMemoryEventLog:
    return InMemoryEventLog("a", "b")


@pytest.fixture
def emitter(recorder: Recorder, log: InMemoryEventLog) -> Iterator[ProgressEmitter]:
    emitter = ProgressEmitter(recorder, log)
    yield emitter
    emitter.close()


def test_many_threads_lose_and_reorder_nothing(emitter: ProgressEmitter, log: InMemoryEventLog) -> None:
    """16 threads without an event loop: every event is stored, each thread's in its order."""

    def work(name: int) -> None:
        for number in range(200):
            emitter.emit("ab"[name % 2], WarningEvent("option_ignored", f"{name}/{number}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert emitter.flush()
    texts = [b"%d/%d" % (name, number) for name in range(16) for number in range(200)]
    payloads = b"".join(event.payload for event in log.tail(0, 10_000))
    places = [payloads.index(b'"' + text + b'"') for text in texts]
    assert all(places[n : n + 200] == sorted(places[n : n + 200]) for n in range(0, len(places), 200))


async def test_it_can_be_called_inside_an_event_loop(emitter: ProgressEmitter, log: InMemoryEventLog) -> None:
    """A coroutine emits like a thread does."""
    emitter.emit_progress("a", TaskProgressStage.TRANSCRIBING, 20)
    assert await asyncio.to_thread(emitter.flush)
    assert [event.type for event in log.since("a", 0)] == ["progress"]


def test_what_is_stored_is_announced(emitter: ProgressEmitter, recorder: Recorder) -> None:
    """Once for each Task of a group; a Task that does not exist is not announced."""
    for task_id in ("a", "a", "nobody"):
        emitter.emit_progress(task_id, "transcribing", 20)
    assert emitter.flush()
    assert set(recorder.announced) == {"a"}


@pytest.mark.parametrize(("stage", "percentage"), [("dancing", 10), ("aligning", "many"), ("aligning", float("inf"))])
def test_a_call_that_makes_no_sense_is_one_warning(emitter: ProgressEmitter, stage: str, percentage: Any) -> None:
    """Nothing is raised; the log names the Task."""
    with capture_logs() as logs:
        emitter.emit_progress("a", stage, percentage)
    assert [(line["event"], line["task_id"], line["log_level"]) for line in logs] == [
        ("event_not_emitted", "a", "warning")
    ]


def test_percentages_are_brought_into_range(emitter: ProgressEmitter, log: InMemoryEventLog) -> None:
    """Nobody ever sees 101 %."""
    emitter.emit_progress("a", "aligning", 140, stage_percentage=-3)
    assert emitter.flush()
    assert b'"percentage":100' in log.since("a", 0)[0].payload


def test_one_poisonous_event_takes_no_other_with_it(emitter: ProgressEmitter, log: InMemoryEventLog) -> None:
    """The group is stored without it, and one warning names its Task."""
    with capture_logs() as logs:
        emitter.emit("a", WarningEvent("option_ignored", "before"))
        emitter.emit("b", WarningEvent("option_ignored", "\ud800"))
        emitter.emit("a", WarningEvent("option_ignored", "after"))
        assert emitter.flush()
    assert len(log.since("a", 0)) == 2
    assert [line["task_id"] for line in logs] == ["b"]


def test_a_database_that_is_gone_is_one_warning_per_event(emitter: ProgressEmitter, log: InMemoryEventLog) -> None:
    """The pipeline goes on, and so does the emitter when the database is back."""
    log.failing = True
    with capture_logs() as logs:
        emitter.emit_progress("a", "aligning", 50)
        assert emitter.flush()
    assert [(line["event"], line["task_id"]) for line in logs] == [("event_not_emitted", "a")]
    log.failing = False
    emitter.emit_progress("a", "aligning", 51)
    assert emitter.flush()
    assert len(log.since("a", 0)) == 1


def test_errors_take_their_remedy_from_the_catalogue(emitter: ProgressEmitter, log: InMemoryEventLog) -> None:
    """A known code brings what can be done; an unknown one is told all the same."""
    emitter.emit_error("a", "hf_token_required", "No token.", "detail")
    emitter.emit_error("a", "odd", "Odd.")
    assert emitter.flush()
    known, unknown = (event.payload for event in log.since("a", 0))
    assert b"CESAR_HF_TOKEN" in known
    assert b'"error_code":"odd"' in unknown


def test_without_a_log_messages_are_sent_unnumbered(recorder: Recorder) -> None:
    """The fields of the protocol, in their order, without `seq`."""
    emitter = ProgressEmitter(recorder)
    emitter.emit_progress("a", TaskProgressStage.ALIGNING, 45, "words")
    emitter.emit_error("a", "PROCESSING_FAILED", "Sorry.", "why")
    assert emitter.flush()
    emitter.close()
    (_, progress), (_, error) = recorder.sent
    assert list(progress)[:6] == ["type", "task_id", "stage", "percentage", "message", "timestamp"]
    assert list(error)[:6] == ["type", "task_id", "error_code", "user_message", "technical_detail", "timestamp"]
    assert "seq" not in progress
    assert (progress["stage"], progress["percentage"]) == ("aligning", 45)


def test_a_delivery_that_fails_is_a_warning_with_the_task_id(recorder: Recorder) -> None:
    """Whatever a socket does, the background task does not notice."""
    recorder.failing = True
    emitter = ProgressEmitter(recorder)
    with capture_logs() as logs:
        emitter.emit_progress("a", "aligning", 45)
        assert emitter.flush()
    emitter.close()
    assert [(line["log_level"], line["task_id"]) for line in logs] == [("warning", "a")]


def test_a_call_returns_at_once_however_slow_the_database_is(recorder: Recorder) -> None:
    """While one transaction takes a second, a thousand calls take almost nothing."""

    class Slow(InMemoryEventLog):
        def append(self, drafts: Any) -> Any:
            time.sleep(1)
            return super().append(drafts)

    emitter = ProgressEmitter(recorder, Slow("a"))
    start = time.monotonic()
    for _ in range(1000):
        emitter.emit_progress("a", "aligning", 45)
    assert time.monotonic() - start < 0.5
    assert not emitter.flush(0.01)
    assert emitter.flush(10)
    emitter.close()


def test_closing_stores_what_waits_and_a_later_emit_starts_again(
    emitter: ProgressEmitter, log: InMemoryEventLog
) -> None:
    """Nothing emitted before `close` is lost."""
    emitter.emit_progress("a", "aligning", 45)
    emitter.close()
    assert len(log.since("a", 0)) == 1
    emitter.emit_progress("a", "aligning", 46)
    assert emitter.flush()
    assert len(log.since("a", 0)) == 2


def test_the_process_has_one_emitter_and_one_manager() -> None:
    """The names that other code imports are instances, and the accessor returns the same one each time."""
    assert get_progress_emitter() is progress_emitter
    assert isinstance(connection_manager, ConnectionManager)


def test_an_inert_manager_takes_announcements_and_messages() -> None:
    """Before anything is attached nothing happens, and nothing breaks."""
    manager = ConnectionManager()
    manager.announce("a")
    asyncio.run(manager.send_to_task("a", {"type": "progress"}))
    assert manager.counts.connections == 0
