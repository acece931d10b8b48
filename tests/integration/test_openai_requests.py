"""The life of a request to OpenAI's audio API: a Task like any other, which ends when nobody waits for it any more."""

import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from openai.types.audio import TranscriptionTextDeltaEvent

from tests.official_client import MODEL, TWO, begin, client_of, newest_task, refusal
from tests.running_server import RunningServer, wait_for


def test_a_request_is_a_task_like_any_other(server: RunningServer, silence: Path) -> None:
    """While it runs it is in /tasks with its name; cancelled there, it ends the request, which is not repeated."""
    with client_of(server, max_retries=2) as client, ThreadPoolExecutor() as pool:
        answer = pool.submit(
            client.audio.transcriptions.create, file=("talk.wav", silence.read_bytes()), model=MODEL, prompt="delay=20"
        )
        wait_for(lambda: server.http.get("/tasks").json()["total"] == 1, 10)
        task = newest_task(server)
        assert task["filename"] == "talk.wav"
        server.wait_status(task["id"], "processing")
        server.http.post(f"/tasks/{task['id']}/cancel")
        problem = answer.exception(10)
    assert isinstance(problem, openai.ConflictError)
    assert refusal(problem)["code"] == "task_cancelled"
    assert server.http.get("/tasks").json()["total"] == 1


def test_without_room_nothing_is_taken_in(serve: Callable[..., RunningServer], silence: Path) -> None:
    """A server with no room for one more who waits says so before the recording has arrived, and has room again afterwards."""
    server = serve(max_connections=1).start()
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    with server.socket("/ws"), socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall(head.encode())
        answer = b""
        while b'"code":"connection_limit"' not in answer:
            answer += peer.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 429 ")
    wait_for(lambda: server.http.get("/health").json()["connections"] == 0, 5)
    with client_of(server) as client:
        for _ in range(2):
            with pytest.raises(openai.BadRequestError):
                client.audio.transcriptions.create(file=("notes.txt", b"hello"), model=MODEL)
        assert client.audio.transcriptions.create(file=silence, model=MODEL, prompt="segments=2").text == TWO


def test_a_deleted_task_ends_its_request(server: RunningServer, silence: Path) -> None:
    """Somebody deletes the Task: the request ends with 404."""
    with client_of(server) as client, ThreadPoolExecutor() as pool:
        answer = pool.submit(client.audio.transcriptions.create, file=silence, model=MODEL, prompt="delay=20")
        wait_for(lambda: server.http.get("/tasks").json()["total"] == 1, 10)
        server.http.delete(f"/tasks/{newest_task(server)['id']}")
        problem = answer.exception(10)
    assert isinstance(problem, openai.NotFoundError)
    assert refusal(problem)["code"] == "task_not_found"


@pytest.mark.parametrize("stream", ["false", "true"])
def test_hanging_up_cancels(server: RunningServer, silence: Path, stream: str) -> None:
    """A client that goes away takes its Task with it, running or streaming, within two seconds; nobody stays counted as connected."""
    peer = begin(server, silence, prompt="delay=20", stream=stream)
    task_id = newest_task(server)["id"]
    server.wait_status(task_id, "processing")
    peer.close()
    server.wait_status(task_id, "cancelled", seconds=2)
    wait_for(lambda: server.http.get("/health").json()["connections"] == 0, 5)
    assert "task_of_lost_client_cancelled" in server.log
    (next_one,) = server.submit(silence)
    assert server.finish(next_one, seconds=10)["status"] == "completed"


@pytest.mark.parametrize("headers", [{"X-Cesar-Keep": "1"}, {"Idempotency-Key": "only-once"}])
def test_hanging_up_keeps_what_shall_be_kept(server: RunningServer, silence: Path, headers: dict[str, str]) -> None:
    """With X-Cesar-Keep or an Idempotency-Key the Task goes on without its client."""
    begin(server, silence, headers, prompt="segments=3 delay=0.5").close()
    assert server.finish(newest_task(server)["id"])["status"] == "completed"


def test_a_key_finds_its_answer_again(server: RunningServer, silence: Path) -> None:
    """The same Idempotency-Key after a lost connection waits for the same Task, and finds it when it is finished too."""
    begin(server, silence, {"Idempotency-Key": "once"}, prompt="segments=2 delay=0.5").close()
    with client_of(server) as client:
        for _ in range(2):
            answer = client.audio.transcriptions.create(
                file=("a.wav", silence.read_bytes()),
                model=MODEL,
                prompt="segments=2 delay=0.5",
                extra_headers={"Idempotency-Key": "once"},
            )
            assert answer.text == TWO
    assert server.http.get("/tasks").json()["total"] == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_stops_says_so(server: RunningServer, silence: Path, stream: bool) -> None:
    """A shutdown ends requests that wait with 503, or the stream with an error, at once; their Tasks do not run on for nobody."""
    with client_of(server) as client, ThreadPoolExecutor() as pool:

        def ask() -> None:
            answer = client.audio.transcriptions.create(
                file=silence, model=MODEL, prompt="segments=9 delay=3", stream=stream
            )
            if stream:
                list(answer)

        answer = pool.submit(ask)
        wait_for(lambda: server.http.get("/tasks").json()["total"] == 1, 10)
        task_id = newest_task(server)["id"]
        server.wait_status(task_id, "processing")
        server.stop()
        problem = answer.exception(10)
    assert isinstance(problem, openai.APIError)
    assert problem.code == "server_going_away"
    assert stream or (isinstance(problem, openai.InternalServerError) and problem.status_code == 503)
    server.start()
    assert server.task(task_id)["status"] == "cancelled"


def test_no_hint_is_needed(serve: Callable[..., RunningServer], silence: Path) -> None:
    """A worker that cannot tell the server anything but through the database is heard all the same."""
    server = serve(embedded_worker="false").start()
    server.start_worker()
    with client_of(server) as client:
        stream = client.audio.transcriptions.create(file=silence, model=MODEL, prompt="delay=0.3", stream=True)
        assert sum(isinstance(event, TranscriptionTextDeltaEvent) for event in stream) == 3


def test_a_new_attempt_repeats_nothing(serve: Callable[..., RunningServer], silence: Path) -> None:
    """The worker dies in mid-run: the stream goes on where it was, without saying anything twice."""
    server = serve(lease_seconds=3).start()
    with client_of(server) as client:
        stream = client.audio.transcriptions.create(
            file=silence, model=MODEL, prompt="segments=6 delay=0.4", stream=True
        )
        told = [next(stream), next(stream)]
        os.kill(server.worker_pid(), signal.SIGKILL)
        told += list(stream)
    assert newest_task(server)["attempt"] == 2
    *deltas, done = told
    assert "".join(event.delta for event in deltas) == done.text  # type: ignore[union-attr]
    assert done.text.endswith("Segment number 5.")  # type: ignore[union-attr]


def test_twenty_at_once(server: RunningServer, silence: Path) -> None:
    """Twenty requests wait side by side, and each gets its own answer."""
    with client_of(server) as client, ThreadPoolExecutor(20) as pool:

        def ask(number: int) -> str:
            prompt = f"segments={number % 4 + 1} delay=0.02"
            return client.audio.transcriptions.create(file=silence, model=MODEL, prompt=prompt).text

        answers = list(pool.map(ask, range(20)))
    assert [answer.count("Segment") for answer in answers] == [number % 4 + 1 for number in range(20)]
