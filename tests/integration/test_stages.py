"""The whole chain of stages in a real worker: what watchers see of it, and what a failure, a death or a cancel leaves."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.domain.errors import CATALOGUE
from tests.running_server import RunningServer, is_running, wait_for

WHOLE = {
    "engine": "tests.fakes.scripted_engine:create_whole",
    "align_model": "tests.fakes.scripted_aligner:create",
    "diarize_model": "tests.fakes.scripted_diarizer:create",
}
TEXT = "Segment number 0. Segment number 1. Segment number 2."


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose scripted stages cover the whole chain."""
    server = RunningServer(tmp_path_factory.mktemp("whole"), **WHOLE).start()
    yield server
    server.close()


def text_of(server: RunningServer, task_id: str) -> str:
    """What can be read now."""
    answer = server.http.get(f"/tasks/{task_id}/transcript")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])


def retry(server: RunningServer, task_id: str, **body: object) -> dict[str, Any]:
    """Retry with a body."""
    answer = server.http.post(f"/tasks/{task_id}/retry", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_watcher_sees_every_stage(whole: RunningServer, silence: Path) -> None:
    """Percentages rise through all anchors, both revisions come over the socket, and the last is what can be read."""
    (task_id,) = whole.submit(silence, initial_prompt="delay=0.1 align_delay=0.3 diarize_delay=0.3", num_speakers=3)
    with whole.socket(f"/ws/tasks/{task_id}?after=0") as socket:
        events = [orjson.loads(message) for message in socket]
    percentages = [event["percentage"] for event in events if event["type"] == "progress"]
    assert percentages == sorted(percentages)
    stages = list(dict.fromkeys(event["stage"] for event in events if event["type"] == "progress"))
    assert stages[-5:] == ["transcribing", "aligning", "diarizing", "formatting", "complete"]
    aligned, diarized = [event["segments"] for event in events if event["type"] == "segments_revised"]
    assert all(word["start"] is not None for segment in aligned for word in segment["words"])
    assert [segment["speaker"] for segment in diarized] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]
    shown = whole.http.get(f"/tasks/{task_id}/transcript").json()["segments"]
    assert [(segment["text"], segment["speaker"]) for segment in shown] == [
        (segment["text"], segment["speaker"]) for segment in diarized
    ]
    task = whole.task(task_id)
    assert (task["status"], task["diarized"], task["speaker_count"]) == ("completed", True, 3)


@pytest.mark.parametrize("code", ["hf_token_required", "hf_token_invalid", "diarization_failed"])
def test_without_speakers_every_door_tells_the_same(whole: RunningServer, silence: Path, code: str) -> None:
    """Events, polling, Task and Job agree: partial, the code, what happened and what to do; the transcript is whole."""
    (task_id,) = whole.submit(silence, initial_prompt=f"diarize={code}")
    task = whole.finish(task_id)
    entry = CATALOGUE[code]
    assert (task["status"], task["diarized"]) == ("partial", False)
    assert (task["diarization_error"], task["diarization_error_code"]) == (entry.sentence, code)
    assert (task["progress_percentage"], task["progress_stage"], task["error"]) == (100, "complete", None)
    assert (task["remedy"], task["retryable"]) == (entry.remedy, entry.retryable)
    assert text_of(whole, task_id) == task["result_text"] == TEXT
    history = whole.history(task_id)
    (warning,) = [event for event in history if event["type"] == "warning"]
    assert (warning["code"], warning["user_message"]) == (code, f"{entry.sentence} {entry.remedy}")
    assert task["warnings"] == [warning["user_message"]]
    *_, complete, status = history
    assert (complete["stage"], complete["percentage"], status["status"]) == ("complete", 100, "partial")
    polled = whole.http.get(f"/tasks/{task_id}/progress").json()
    assert (polled["status"], polled["progress_percentage"], polled["seq"]) == ("partial", 100, status["seq"])
    job = whole.http.get(f"/jobs/{task['job_id']}").json()
    assert (job["status"], job["diarization_error_code"], job["diarized"]) == ("partial", code, False)


def test_speakers_can_be_redone_over_http(whole: RunningServer, silence: Path) -> None:
    """A partial Task is mended by a retry with other bounds, a completed one repeated from a stage that is named."""
    (task_id,) = whole.submit(silence, initial_prompt="diarize=hf_token_required")
    whole.finish(task_id)
    assert retry(whole, task_id, num_speakers=9)["attempt"] == 2
    assert text_of(whole, task_id) == TEXT
    assert whole.finish(task_id)["status"] == "completed"
    assert whole.http.post(f"/tasks/{task_id}/retry").json()["error"]["code"] == "illegal_move"
    assert whole.http.post(f"/tasks/{task_id}/retry", json={"diarize": False}).status_code == 409
    retry(whole, task_id, **{"from": "diarizing", "diarize": {"enabled": True, "min_speakers": 9}})
    task = whole.finish(task_id)
    assert (task["status"], task["attempt"], task["options"]["min_speakers"]) == ("completed", 3, 9)
    assert "num_speakers" not in task["options"]
    job = whole.http.get(f"/jobs/{task['job_id']}").json()
    assert (job["diarize"], job["min_speakers"], job["max_speakers"]) == (True, 9, None)
    retry(whole, task_id, **{"from": "diarizing", "min_speakers": None, "num_speakers": 9})
    task = whole.finish(task_id)
    assert ("min_speakers" in task["options"], task["options"]["num_speakers"]) == (False, 9)
    history = whole.history(task_id)
    assert [event["seq"] for event in history] == list(range(1, len(history) + 1))
    assert len([event for event in history if event["type"] == "segment"]) == 3


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"from": "formatting"}, 422, "from"), ({"form": "diarizing"}, 422, "form"), ({"min_speakers": 0}, 422, "min_speakers"),
        ({"from": "diarizing", "min_speakers": 3, "max_speakers": 2}, 422, "min_speakers"),
        ({"from": "diarizing", "preset": "best"}, 400, "preset"), ({"from": "transcribing", "model": "enormous"}, 400, "model"),
        ({"from": "diarizing", "url": "http://example.org"}, 422, "url"),
        ({"from": "diarizing", "beam_size": 7}, 400, "beam_size"),
        ({"from": "diarizing", "num_speakers": 2, "max_speakers": 1}, 422, "num_speakers"),
        ({"from": "transcribing", "chunk_size": 31}, 422, "chunk_size"),
        ({"from": "transcribing", "compute_type": "x"}, 400, "compute_type"),
    ],
)  # fmt: skip
def test_a_retry_that_cannot_be_is_named(
    whole: RunningServer, silence: Path, body: dict[str, object], status: int, named: str
) -> None:
    """An unknown stage or field, or a value that cannot be, is refused and named; the Task stays as it is."""
    (task_id,) = whole.submit(silence)
    whole.finish(task_id)
    answer = whole.http.post(f"/tasks/{task_id}/retry", json=body)
    assert (answer.status_code, named in answer.text) == (status, True)
    assert whole.task(task_id)["status"] == "completed"


def test_a_worker_killed_during_a_redo_loses_nothing(whole: RunningServer, silence: Path) -> None:
    """SIGKILL in the middle: the transcript can be read all the time, and the redo itself is repeated."""
    (task_id,) = whole.submit(silence, initial_prompt="diarize_delay=1")
    whole.finish(task_id)
    retry(whole, task_id, **{"from": "diarizing"})
    whole.wait_status(task_id, "processing")
    os.kill(whole.worker_pid(), signal.SIGKILL)
    while (task := whole.task(task_id))["status"] not in ("completed", "partial", "failed"):
        assert text_of(whole, task_id) == TEXT
        time.sleep(0.05)
    assert (task["status"], task["attempt"], task["diarized"]) == ("completed", 3, True)
    assert len([event for event in whole.history(task_id) if event["type"] == "segment"]) == 3


def test_a_diarizer_that_crashes_costs_no_transcript(whole: RunningServer, silence: Path) -> None:
    """A first run whose diarizer kills every worker is transcribed once, and ends partial."""
    (task_id,) = whole.submit(silence, initial_prompt="diarize=segfault")
    task = whole.finish(task_id)
    assert (task["status"], task["diarization_error_code"], task["attempt"]) == ("partial", "diarization_failed", 3)
    assert text_of(whole, task_id) == task["result_text"] == TEXT
    assert len([event for event in whole.history(task_id) if event["type"] == "segment"]) == 3


@pytest.mark.parametrize("script", ["segments=50 delay=0.3", "align_delay=15", "diarize_delay=15"])
def test_cancel_ends_every_stage(whole: RunningServer, silence: Path, script: str) -> None:
    """The Task is cancelled at once, what was decoded is kept, and the same worker takes the next one soon."""
    (task_id,) = whole.submit(silence, initial_prompt=script)
    stage = {"seg": "transcribing", "ali": "aligning", "dia": "diarizing"}[script[:3]]
    wait_for(lambda: whole.task(task_id)["progress_stage"] == stage and _has_segments(whole, task_id), 20)
    worker = whole.worker_pid()
    assert whole.http.post(f"/tasks/{task_id}/cancel").json()["status"] == "cancelled"
    seconds = _until_next_runs(whole, silence)
    assert seconds < 3
    assert whole.worker_pid() == worker
    assert text_of(whole, task_id).startswith("Segment number 0.")
    assert whole.task(task_id)["status"] == "cancelled"


@pytest.mark.parametrize("script", ["after=1 hang", "align=hang", "diarize=hang"])
def test_what_cannot_be_stopped_costs_the_worker(whole: RunningServer, silence: Path, script: str) -> None:
    """A stage that hears nothing: within seconds of a cancel the worker is another one, and the next Task runs."""
    (task_id,) = whole.submit(silence, initial_prompt=script)
    stage = {"aft": "transcribing", "ali": "aligning", "dia": "diarizing"}[script[:3]]
    wait_for(lambda: whole.task(task_id)["progress_stage"] == stage and _has_segments(whole, task_id), 20)
    time.sleep(0.3)
    worker = whole.worker_pid()
    begun = time.monotonic()
    whole.http.post(f"/tasks/{task_id}/cancel")
    wait_for(lambda: not is_running(worker), 10)
    assert time.monotonic() - begun < 3
    assert _until_next_runs(whole, silence) < 15
    assert whole.task(task_id)["status"] == "cancelled"
    assert text_of(whole, task_id) == (TEXT if stage != "transcribing" else "Segment number 0.")


def test_a_worker_of_its_own_replaces_itself(serve: Callable[..., RunningServer], silence: Path) -> None:
    """A standalone worker that cannot stop a run begins anew under the same process id."""
    server = serve(embedded_worker="false", **WHOLE).start()
    worker = server.start_worker()
    (stuck,) = server.submit(silence, initial_prompt="diarize=hang")
    wait_for(lambda: server.task(stuck)["progress_stage"] == "diarizing", 30)
    server.http.post(f"/tasks/{stuck}/cancel")
    (following,) = server.submit(silence)
    task = server.finish(following)
    assert (task["status"], task["attempt"], worker.poll()) == ("completed", 1, None)
    worker.terminate()
    assert worker.wait(20) == 0


def test_presets_can_be_asked_for(whole: RunningServer, silence: Path) -> None:
    """The list names every preset; one of them fills in what a submission leaves open, an unknown one is refused."""
    listed = whole.http.get("/presets").json()
    assert (set(listed["presets"]), listed["default"]) == ({"fast", "balanced", "accurate"}, None)
    (task_id,) = whole.submit(silence, preset="fast", beam_size=2)
    options = whole.task(task_id)["options"]
    assert (options["model"], options["beam_size"], options["diarize"]) == (listed["presets"]["fast"]["model"], 2, True)
    refused = whole.http.post("/transcribe", files={"files": ("a.wav", silence.read_bytes())}, data={"preset": "best"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_value")
    assert "fast, balanced, accurate" in refused.json()["error"]["detail"]


def _has_segments(server: RunningServer, task_id: str) -> bool:
    return server.http.get(f"/tasks/{task_id}/transcript").status_code == 200


def _until_next_runs(server: RunningServer, recording: Path) -> float:
    """Seconds until a Task submitted now is completed."""
    begun = time.monotonic()
    (task_id,) = server.submit(recording, initial_prompt="segments=1")
    assert server.finish(task_id)["status"] == "completed"
    return time.monotonic() - begun
