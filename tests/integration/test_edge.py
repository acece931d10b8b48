"""Who may talk to a real server, and what it says when it cannot answer or start."""

import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tests.cesar_command import Command
from tests.running_server import RunningServer, free_port, wait_for

POLL = "/tasks/unknown/progress"


def handshake(server: RunningServer, path: str = "/ws", **headers: str) -> int:
    """Open a socket with these headers: 101, or the status of the refusal."""
    given = {name: value for name, value in headers.items() if name != "host"}
    # The client makes its Host header from the address.
    name = headers.get("host", f"127.0.0.1:{server.port}")
    try:
        with connect(
            f"ws://{name}{path}", sock=socket.create_connection(("127.0.0.1", server.port)), additional_headers=given
        ):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_name_that_was_pointed_here_gets_nothing(shared_server: RunningServer) -> None:
    """DNS rebinding: pages, lists, polls, submissions and sockets are refused with 421 and a remedy; this machine's names work."""
    http = shared_server.http
    for method, path in (("GET", "/"), ("GET", "/tasks"), ("GET", POLL), ("POST", "/transcribe")):
        answer = http.request(method, path, headers={"host": f"evil.example:{shared_server.port}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (421, "host_refused"), path
        assert "CESAR_ALLOWED_HOSTS" in answer.json()["error"]["remedy"]
        assert answer.headers["x-request-id"] == answer.json()["error"]["request_id"]
    assert http.get(POLL, headers={"host": "localhost:1"}).status_code == 404
    assert http.get("/tasks", headers={"host": "[::1]"}).status_code == 200
    assert handshake(shared_server, host="evil.example") == 421
    assert handshake(shared_server, host="localhost") == 101
    assert handshake(shared_server, origin="http://none") == 403


def test_the_admin_names_hosts(serve: Callable[..., RunningServer]) -> None:
    """As a proxy passes them on."""
    server = serve(allowed_hosts="cesar.example", embedded_worker=False).start()
    assert server.http.get("/tasks", headers={"host": "cesar.example"}).status_code == 200
    assert server.http.get("/tasks", headers={"host": "evil.example"}).status_code == 421


def test_a_foreign_page_changes_nothing(shared_server: RunningServer, silence: Path) -> None:
    """A form that somebody else's page sends is refused before it is read; the server's own page and programs may."""
    (task_id,) = shared_server.submit(silence)
    shared_server.finish(task_id)
    http = shared_server.http
    form = {"file": ("a.wav", silence.read_bytes())}
    foreign = ({"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://none"})
    for headers in (*foreign, {"sec-fetch-site": "cross-site"}):
        answer = http.post("/transcribe", files=form, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_refused")
        assert http.delete(f"/tasks/{task_id}", headers=headers).status_code == 403
    own = {"origin": f"http://127.0.0.1:{shared_server.port}", "sec-fetch-site": "same-origin"}
    assert http.post("/transcribe", files=form, headers=own).status_code == 202
    assert http.delete(f"/tasks/{task_id}", headers=own).status_code == 204


def test_an_address_shows_no_key(shared_server: RunningServer) -> None:
    """What is behind the question mark may be a secret: neither Task, failure nor log shows it, and the fetcher still had it."""
    job = shared_server.http.post("/transcribe", json={"url": "http://127.0.0.1:1/talk.mp3?token=canary"}).json()
    shared_server.finish(job["tasks"][0]["id"])
    for path in ("/tasks", f"/jobs/{job['id']}", f"/tasks/{job['tasks'][0]['id']}/events?after=0"):
        assert "canary" not in shared_server.http.get(path).text
    assert shared_server.task(job["tasks"][0]["id"])["filename"] == "http://127.0.0.1:1/talk.mp3"
    assert job["tasks"][0]["id"] in shared_server.log
    assert "canary" not in shared_server.log
    with sqlite3.connect(shared_server.database) as database:
        (stored,) = database.execute("SELECT source_url FROM files WHERE source_url IS NOT NULL").fetchone()
    assert stored.endswith("?token=canary")


def test_a_poll_survives_a_database_that_fails(server: RunningServer, silence: Path) -> None:
    """503 with the catalogue's body and Retry-After while it cannot be read, and the answer afterwards."""
    (task_id,) = server.submit(silence)
    server.finish(task_id)
    path = f"/tasks/{task_id}/progress"
    before = server.http.get(path).json()
    with sqlite3.connect(server.database) as database:
        database.execute("ALTER TABLE tasks RENAME TO elsewhere")
        database.commit()
        answer = server.http.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers
        assert "x-request-id" in answer.headers
        database.execute("ALTER TABLE elsewhere RENAME TO tasks")
        database.commit()
    assert server.http.get(path).json() == before


@pytest.mark.parametrize("everything", [False, True])
def test_another_process_deletion_is_told(serve: Callable[..., RunningServer], silence: Path, everything: bool) -> None:
    """Two servers on one database: who watches at the one hears within seconds that the Task was deleted at the other."""
    one, other = serve(), serve(embedded_worker=False)
    one.start()
    other.start()
    (task_id,) = one.submit(silence, initial_prompt="segments=1000 delay=0.1")
    one.wait_status(task_id, "processing")
    with other.socket("/ws" if everything else f"/ws/tasks/{task_id}") as watcher:
        if everything:
            watcher.send('{"type": "subscribe", "all": true, "id": 1}')
        seen: list[dict[str, Any]] = []

        def read(until: Callable[[dict[str, Any]], bool]) -> None:
            while not (seen and until(seen[-1])):
                seen.append(orjson.loads(watcher.recv(timeout=20)))

        read(lambda event: event["type"] == "segment")
        assert one.http.delete(f"/tasks/{task_id}").status_code == 204
        read(lambda event: event["type"] == "error")
        assert (seen[-1]["error_code"], seen[-1]["task_id"]) == ("task_not_found", task_id)
        if not everything:
            with pytest.raises(ConnectionClosedError) as closed:
                watcher.recv(timeout=20)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4540


WORKERS = pytest.mark.parametrize("arguments", [(), ("--workers", "2")], ids=["alone", "two"])


@WORKERS
def test_a_port_that_is_taken_ends_the_start(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Exit status 2 and one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = Command(tmp_path, port=taken.getsockname()[1]).run("serve", *arguments)
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert result.stderr.strip().splitlines()[-1].startswith("cesar: Cannot listen on 127.0.0.1:")


@WORKERS
def test_a_data_folder_that_cannot_be_used_ends_the_start(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Exit status 2 and one sentence, also where several processes would be started."""
    (tmp_path / "data").write_text("a file")
    result = Command(tmp_path, port=free_port()).run("serve", *arguments)
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert result.stderr.strip().splitlines()[-1].startswith("cesar: The data folder ")


@WORKERS
def test_a_server_that_does_not_come_up_is_no_success(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Whatever else stops the start: an exit status that is not 0, and a sentence at the end that says so."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "media").write_text("in the way")
    result = Command(tmp_path, port=free_port()).run("serve", *arguments)
    assert result.returncode == 2
    assert "cesar: The server could not start; the lines above say why." in result.stderr


def test_uploads_do_not_slow_a_real_server_down(server: RunningServer, silence: Path) -> None:
    """Ninety files at once are probed two at a time, each in a process of its own; lists are read meanwhile."""
    content = silence.read_bytes()
    statuses: list[int] = []

    def upload() -> None:
        answer = httpx2.post(f"{server.http.base_url}/transcribe", files={"file": ("a.wav", content)}, timeout=120)
        statuses.append(answer.status_code)

    uploads = [threading.Thread(target=upload) for _ in range(90)]
    for one in uploads:
        one.start()
    wait_for(lambda: server.http.get("/tasks").json()["total"] > 0, 60)
    waiting = sum(one.is_alive() for one in uploads)
    assert server.http.get("/tasks").status_code == 200
    assert waiting > 40  # more than there are threads for requests
    for one in uploads:
        one.join()
    assert statuses == [202] * 90
