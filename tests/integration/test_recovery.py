"""Processes die, freeze and restart; accepted Tasks do not notice, apart from a new attempt."""

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from tests.running_server import RunningServer, descendants, is_running, wait_for

SLOW = "segments=6 delay=0.5"
DECODED = 13
"""The percentage at which the engine gets the audio."""


def test_a_killed_worker_is_replaced_and_its_task_runs_again(server: RunningServer, silence: Path) -> None:
    """SIGKILL to the worker: the Task is running again within seconds, and completes in its second attempt."""
    (task_id,) = server.submit(silence, initial_prompt=SLOW)
    server.wait_status(task_id, "processing")
    before = server.worker_pid()
    os.kill(before, signal.SIGKILL)
    task = server.finish(task_id)
    assert (task["status"], task["attempt"]) == ("completed", 2)
    assert server.worker_pid() != before
    assert task["result_text"].count("Segment number") == 6


def test_a_killed_server_leaves_its_worker_running(server: RunningServer, silence: Path) -> None:
    """SIGKILL to the server alone: the worker finishes the Task in the same attempt, then ends; the models stay warm."""
    (task_id,) = server.submit(silence, initial_prompt=SLOW)
    server.wait_status(task_id, "processing")
    worker = server.worker_pid()
    server.kill()
    server.start()
    task = server.finish(task_id)
    assert (task["status"], task["attempt"]) == ("completed", 1)
    wait_for(lambda: not is_running(worker), 10)


def test_a_watcher_catches_up_after_a_killed_server(server: RunningServer, silence: Path) -> None:
    """A client that comes back with `after` gets exactly what it missed: every number once, to the end."""
    (task_id,) = server.submit(silence, initial_prompt="segments=8 delay=0.4")
    seqs: list[int] = []
    with contextlib.suppress(ConnectionClosed), server.socket(f"/ws/tasks/{task_id}?after=0") as socket:
        while True:
            _note(seqs, socket.recv(15))
            if len(seqs) == 5:
                server.kill()
    assert len(seqs) >= 5
    server.start()
    with server.socket(f"/ws/tasks/{task_id}?after={seqs[-1]}") as socket:
        for message in socket:
            _note(seqs, message)
    assert seqs == list(range(1, server.task(task_id)["seq"] + 1))


def test_everything_killed_and_restarted(server: RunningServer, silence: Path) -> None:
    """SIGKILL to server and worker: after the restart every accepted Task completes, without waiting for the lease."""
    tasks = [server.submit(silence, initial_prompt="segments=2 delay=0.3")[0] for _ in range(4)]
    server.wait_status(tasks[0], "processing", "completed")
    server.kill_all()
    server.start()
    begun = time.monotonic()
    for task_id in tasks:
        assert server.finish(task_id)["status"] == "completed"
    assert time.monotonic() - begun < 20


def test_a_frozen_worker_is_replaced_and_cannot_write_when_it_wakes(
    serve: Callable[..., RunningServer], silence: Path
) -> None:
    """SIGSTOP to a worker of its own: its lease runs out, another takes the Task, and the woken one writes nothing."""
    server = serve(lease_seconds=2).start()
    os.kill(server.worker_pid(), signal.SIGSTOP)
    frozen = server.worker_pid()
    (task_id,) = server.submit(silence, initial_prompt="segments=3 delay=0.3")
    task = server.finish(task_id)
    assert task["status"] == "completed"
    assert server.worker_pid() != frozen


def test_a_machine_that_sleeps_costs_no_attempt(serve: Callable[..., RunningServer], silence: Path) -> None:
    """Server and worker frozen for longer than lease and heartbeat, as by a closed lid: the same worker goes on."""
    server = serve(lease_seconds=6).start()
    (task_id,) = server.submit(silence, initial_prompt="segments=12 delay=0.25")
    server.wait_status(task_id, "processing")
    worker = server.worker_pid()
    for pid in (server.pid, worker):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(8)
    for pid in (worker, server.pid):
        os.kill(pid, signal.SIGCONT)
    task = server.finish(task_id)
    assert (task["status"], task["attempt"], server.worker_pid()) == ("completed", 1, worker)


def test_a_woken_worker_cannot_write(serve: Callable[..., RunningServer], silence: Path) -> None:
    """A standalone worker is stopped in mid-run and woken later: the Task's history is one clean line of attempts."""
    server = serve(lease_seconds=2, embedded_worker="false").start()
    (task_id,) = server.submit(silence, initial_prompt="segments=12 delay=0.25")
    first = server.start_worker()
    server.wait_status(task_id, "processing")
    time.sleep(0.6)
    _freeze_outside_a_transaction(first.pid, server)
    second = server.start_worker()
    try:
        wait_for(
            lambda: server.task(task_id)["attempt"] == 2 and server.task(task_id)["status"] == "processing",
            15,
            lambda: server.log[-4000:],
        )
        first.send_signal(signal.SIGCONT)
        task = server.finish(task_id)
        assert (task["status"], task["attempt"]) == ("completed", 2)
        history = server.history(task_id)
        assert [event["seq"] for event in history] == list(range(1, len(history) + 1))
        second_attempt = history[[event.get("attempt") for event in history].index(2) :]
        indexes = [event["index"] for event in second_attempt if event["type"] == "segment"]
        assert indexes == list(range(12))
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_a_graceful_stop_waits_then_puts_back(server: RunningServer, silence: Path) -> None:
    """SIGTERM with a long Task: the server ends within its limit, the Task is queued, and runs after the restart."""
    (task_id,) = server.submit(silence, initial_prompt="segments=40 delay=0.25")
    server.wait_status(task_id, "processing")
    begun = time.monotonic()
    assert server.stop() in (0, -signal.SIGTERM)
    assert time.monotonic() - begun < 15
    server.start()
    assert server.task(task_id)["status"] in ("queued", "processing")
    assert server.http.post(f"/tasks/{task_id}/cancel").status_code == 200


def test_a_short_task_ends_before_the_stop(server: RunningServer, silence: Path) -> None:
    """SIGTERM with a Task that needs one more second: it completes in its first attempt."""
    (task_id,) = server.submit(silence, initial_prompt="segments=4 delay=0.3")
    server.wait_status(task_id, "processing")
    server.stop()
    server.start()
    task = server.finish(task_id)
    assert (task["status"], task["attempt"]) == ("completed", 1)


def test_a_run_that_cannot_be_interrupted_costs_the_worker(server: RunningServer, silence: Path) -> None:
    """Cancelling a run stuck in native code: the Task is cancelled at once, the worker is replaced, the next one runs."""
    (stuck,) = server.submit(silence, initial_prompt="hang")
    wait_for(lambda: server.task(stuck)["progress_percentage"] >= DECODED, 30)
    worker = server.worker_pid()
    assert server.http.post(f"/tasks/{stuck}/cancel").json()["status"] == "cancelled"
    (following,) = server.submit(silence)
    assert server.finish(following, seconds=40)["status"] == "completed"
    assert server.worker_pid() != worker


def test_two_servers_and_a_worker_share_a_database(serve: Callable[..., RunningServer], silence: Path) -> None:
    """Two server processes with a worker each and one more worker: every Task runs once, every watcher sees all of it."""
    server = serve(arguments=("--workers", "2"), lease_seconds=5).start()
    extra = server.start_worker()
    try:
        tasks = [server.submit(silence, initial_prompt="segments=3 delay=0.05")[0] for _ in range(12)]
        for task_id in tasks:
            with server.socket(f"/ws/tasks/{task_id}?after=0") as socket:
                seqs: list[int] = []
                for message in socket:
                    _note(seqs, message)
            assert seqs == list(range(1, len(seqs) + 1))
            task = server.task(task_id)
            assert (task["status"], task["attempt"]) == ("completed", 1)
            assert server.history(task_id)[-1]["status"] == "completed"
    finally:
        extra.terminate()
        assert extra.wait(20) == 0


def test_nothing_outlives_a_stopped_server(server: RunningServer) -> None:
    """After SIGTERM no process of it is left."""
    family = [server.pid, *descendants(server.pid)]
    assert len(family) > 1
    server.stop()
    wait_for(lambda: not any(is_running(pid) for pid in family), 5)
    with pytest.raises(httpx2.TransportError):
        server.http.get("/health/live")


def _note(seqs: list[int], message: str | bytes) -> None:
    """Remember an event's number, and those that it stands for."""
    event = orjson.loads(message)
    if "seq" in event and event["type"] != "subscribed":
        seqs.extend(range(event["seq"] - event.get("skipped", 0), event["seq"] + 1))


def _freeze_outside_a_transaction(pid: int, server: RunningServer) -> None:
    """SIGSTOP; a process that is stopped while it writes keeps everybody from the database, which is another story."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        connection = sqlite3.connect(server.database, timeout=1, isolation_level=None)
        with contextlib.closing(connection), contextlib.suppress(sqlite3.OperationalError):
            connection.execute("BEGIN IMMEDIATE").connection.rollback()
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)
