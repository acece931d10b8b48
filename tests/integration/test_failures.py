"""Whatever goes wrong in a run, its Task ends in a typed failure with an error event, and the next one gets its turn."""

from pathlib import Path

import pytest

from tests.running_server import RunningServer, wait_for


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A server with short leases that the failures share."""
    server = RunningServer(tmp_path_factory.mktemp("hasty"), lease_seconds=3).start()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("OSError", "PROCESSING_FAILED"),
        ("TypeError", "PROCESSING_FAILED"),
        ("ValueError", "PROCESSING_FAILED"),
        ("RecursionError", "PROCESSING_FAILED"),
        ("SystemExit", "PROCESSING_FAILED"),
        ("KeyboardInterrupt", "PROCESSING_FAILED"),
        ("GeneratorExit", "PROCESSING_FAILED"),
        ("MemoryError", "out_of_memory"),
        ("language_unsupported", "language_unsupported"),
    ],
)
def test_every_exception_ends_in_a_typed_failure(hasty: RunningServer, silence: Path, raised: str, code: str) -> None:
    """The Task is `failed`, the error event has a sentence, the exception's text and a remedy, and comes before the end."""
    (task_id,) = hasty.submit(silence, initial_prompt=f"segments=2 after=1 raise={raised}")
    task = hasty.finish(task_id)
    assert (task["status"], task["error_code"]) == ("failed", code)
    assert "the script says so" in task["technical_detail"]
    *_, error, status = hasty.history(task_id)
    assert (error["type"], error["error_code"]) == ("error", code)
    assert error["user_message"] == task["error"]
    assert error["remedy"]
    assert (status["type"], status["status"]) == ("status", "failed")
    progress = hasty.http.get(f"/tasks/{task_id}/progress").json()
    assert (progress["status"], progress["error"], progress["error_code"]) == ("failed", task["error"], code)


@pytest.mark.parametrize("death", ["segfault", "exit"])
def test_a_native_crash_costs_the_task_and_nobody_else(hasty: RunningServer, silence: Path, death: str) -> None:
    """A run that kills its worker is tried three times, then fails as `worker_lost`; the next Task completes."""
    (poison,) = hasty.submit(silence, initial_prompt=death)
    (other,) = hasty.submit(silence)
    task = hasty.finish(poison, seconds=60)
    assert (task["status"], task["error_code"], task["attempt"]) == ("failed", "worker_lost", 3)
    assert hasty.history(poison)[-2]["type"] == "error"
    assert hasty.finish(other)["status"] == "completed"
    # The new worker's first sign of life may come after the Task's end.
    wait_for(lambda: hasty.http.get("/health").json()["status"] == "ok", 20, lambda: hasty.log[-3000:])


def test_a_crash_before_the_end_keeps_percentages_of_an_attempt_rising(hasty: RunningServer, silence: Path) -> None:
    """Within an attempt percentages never fall; a new attempt starts at 0 with the next number."""
    (task_id,) = hasty.submit(silence, initial_prompt="segments=3 after=2 delay=0.2 segfault")
    hasty.finish(task_id, seconds=60)
    attempt, shown, attempts = 0, 0, []
    for event in hasty.history(task_id):
        if event["type"] == "status" and event["attempt"] != attempt:
            attempt, shown = event["attempt"], 0
            attempts.append(attempt)
        if event["type"] == "progress":
            assert event["percentage"] >= shown
            shown = event["percentage"]
    assert attempts == [1, 2, 3]


def test_a_media_file_that_lies_fails_well(hasty: RunningServer, tmp_path: Path) -> None:
    """A recording whose header is fine and whose body is torn ends completed or as bad media, never stuck."""
    whole = (Path(__file__).parent.parent / "fixtures" / "audio" / "jfk.flac").read_bytes()
    torn = tmp_path / "torn.flac"
    torn.write_bytes(whole[:200_000] + bytes(50_000) + whole[250_000:300_000])
    (task_id,) = hasty.submit(torn)
    task = hasty.finish(task_id)
    assert task["status"] == "completed" or task["error_code"] == "bad_media"


def test_cancelling_a_waiting_and_a_running_task(hasty: RunningServer, silence: Path) -> None:
    """Both end as cancelled at once, the worker stops, and what was decoded is kept."""
    (running,) = hasty.submit(silence, initial_prompt="segments=100 delay=0.2")
    (waiting,) = hasty.submit(silence)
    hasty.wait_status(running, "processing")
    with hasty.socket(f"/ws/tasks/{running}") as socket:
        while b'"segment"' not in _bytes(socket.recv(10)):
            pass
        for task_id in (waiting, running):
            answer = hasty.http.post(f"/tasks/{task_id}/cancel")
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        events = [_bytes(message) for message in socket]
    assert b'"cancelled"' in events[-1]
    assert hasty.http.get(f"/tasks/{running}/transcript").json()["segments"]
    (following,) = hasty.submit(silence)
    assert hasty.finish(following)["status"] == "completed"
    assert hasty.http.post(f"/tasks/{running}/cancel").status_code == 409


def test_a_failed_task_can_be_retried(hasty: RunningServer, silence: Path) -> None:
    """A retry runs the same recording again as a new attempt."""
    (task_id,) = hasty.submit(silence, initial_prompt="raise=OSError")
    hasty.finish(task_id)
    assert hasty.http.post(f"/tasks/{task_id}/retry").json()["attempt"] == 2
    task = hasty.finish(task_id)
    assert (task["status"], task["attempt"]) == ("failed", 2)
    done = hasty.submit(silence)[0]
    hasty.finish(done)
    assert hasty.http.post(f"/tasks/{done}/retry").json()["error"]["code"] == "illegal_move"


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
