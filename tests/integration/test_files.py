"""The library's routes, on a real server with real recordings."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest

from tests.fakes.media_files import KINDS, make
from tests.running_server import RunningServer

M4A = next(kind for kind in KINDS if kind.ending == "m4a")
TAGS = {"creation_time": "2024-05-06T12:33:21Z"}


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and writes nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadingHTTPServer]:
    """Another server of this machine, which has one recording."""
    folder = tmp_path_factory.mktemp("elsewhere")
    make(folder / "20240506_143321.m4a", M4A, seconds=0.5, tags=TAGS)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def berlin(tmp_path_factory: pytest.TempPathFactory, elsewhere: ThreadingHTTPServer) -> Iterator[RunningServer]:
    """A server whose recordings are made in Berlin."""
    allowed = f"127.0.0.1:{elsewhere.server_port}"
    server = RunningServer(
        tmp_path_factory.mktemp("berlin"), time_zone="Europe/Berlin", download_allow_private=allowed
    ).start()
    yield server
    server.close()


def send(server: RunningServer, path: Path, **fields: str) -> dict[str, Any]:
    """Upload; the File."""
    answer = server.http.post("/transcribe", files={"file": (path.name, path.read_bytes())}, data=fields)
    assert answer.status_code == 202, answer.text
    return file_of(server, answer.json()["tasks"][0]["file_id"])


def file_of(server: RunningServer, file_id: str) -> dict[str, Any]:
    """GET /files/{id}."""
    answer = server.http.get(f"/files/{file_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def decide(server: RunningServer, file_id: str, kind: str, value: object = None) -> dict[str, Any]:
    """POST a decision."""
    body = {"decision_type": kind, "decision_value": value}
    answer = server.http.post(f"/files/{file_id}/decisions", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def names(server: RunningServer, **query: object) -> list[str]:
    """The names that a list shows."""
    return [file["filename"] for file in server.http.get("/files", params=query).json()["files"]]


def test_an_upload_is_dated(berlin: RunningServer, tmp_path: Path) -> None:
    """Tags in UTC, a name in the zone of the settings and the file's time agree: confidence is high."""
    source = make(tmp_path / "2024-05-06 14.33.25.m4a", M4A, seconds=0.5, tags=TAGS)
    file = send(berlin, source, modified="1714998802000")
    assert file["effective_timestamp"] == {
        "value": "2024-05-06T12:33:21Z", "source": "exif", "confidence": "high", "precision": "second",
    }  # fmt: skip
    assert {each["source"] for each in file["timestamp_candidates"]} == {"exif", "filename", "filesystem"}
    assert {each["value"][:17] for each in file["timestamp_candidates"]} == {"2024-05-06T12:33:"}
    assert [each["chosen"] for each in file["timestamp_candidates"]].count(True) == 1
    assert file["streams"] == [
        {"type": "audio", "codec": "aac", "language": None, "sample_rate": 44_100, "channels": 2}
    ]
    assert (file["mime_type"], file["file_size_bytes"]) == ("audio/mp4", source.stat().st_size)
    assert str(berlin.folder) not in str(file)


def test_a_download_is_dated_when_its_bytes_arrive(berlin: RunningServer, elsewhere: ThreadingHTTPServer) -> None:
    """The worker writes down what an upload would have told."""
    url = f"http://127.0.0.1:{elsewhere.server_port}/20240506_143321.m4a"
    task = berlin.http.post("/transcribe/url", json={"url": url}).json()["tasks"][0]
    assert berlin.finish(task["id"])["status"] in ("completed", "partial")
    file = file_of(berlin, task["file_id"])
    assert (file["effective_timestamp"]["value"], file["confidence"]) == ("2024-05-06T12:33:21Z", "high")
    assert (file["streams"][0]["codec"], len(file["file_hash_sha256"])) == ("aac", 64)
    assert (file["tasks"][0]["id"], file["source_url"]) == (task["id"], url)


def test_times_must_be_as_many_as_files(berlin: RunningServer, silence: Path) -> None:
    """A form that says two times for one file is refused, and nothing of it stays."""
    before = berlin.http.get("/files", params={"hidden": True}).json()["total"]
    answer = berlin.http.post("/transcribe", files={"file": silence.read_bytes()}, data={"modified": "1,2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_value")
    assert berlin.http.get("/files", params={"hidden": True}).json()["total"] == before


def test_decisions_take_effect_and_are_undone(shared_server: RunningServer, silence: Path) -> None:
    """Time, tags and discarding: each is seen in the File and in lists, and each can be taken back."""
    file_id = send(shared_server, silence)["id"]
    shown = decide(shared_server, file_id, "timestamp_override", "2001-02-03T04:05:06+01:00")
    assert (shown["file_id"], shown["decision_value"]) == (file_id, "2001-02-03T03:05:06.000000+00:00")
    decide(shared_server, file_id, "tag_assignment", ["talk", "2001"])
    file = file_of(shared_server, file_id)
    assert (file["effective_timestamp"]["source"], file["tags"]) == ("user", ["talk", "2001"])
    assert names(shared_server, tag="talk") == [silence.name]
    assert decide(shared_server, file_id, "discard_duplicate", "a copy")["decision_value"] == "a copy"
    assert names(shared_server, tag="talk") == []
    assert names(shared_server, tag="talk", hidden=True) == [silence.name]
    decide(shared_server, file_id, "keep_duplicate")
    decide(shared_server, file_id, "tag_assignment", [])
    decide(shared_server, file_id, "timestamp_override")
    assert file_of(shared_server, file_id)["effective_timestamp"]["source"] != "user"
    assert names(shared_server, tag="talk") == []
    history = shared_server.http.get(f"/files/{file_id}/decisions").json()["decisions"]
    assert [one["decision_type"] for one in history] == [
        "timestamp_override", "tag_assignment", "discard_duplicate", "keep_duplicate", "tag_assignment", "timestamp_override",
    ]  # fmt: skip


def test_a_repeated_request_decides_once(shared_server: RunningServer, silence: Path) -> None:
    """The same Idempotency-Key is one decision; for another one it is a conflict."""
    file_id = send(shared_server, silence)["id"]
    key, path = {"Idempotency-Key": "once"}, f"/files/{file_id}/decisions"
    answers = [shared_server.http.post(path, json={"decision_type": "keep_duplicate"}, headers=key) for _ in range(3)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert len(shared_server.http.get(path).json()["decisions"]) == 1
    other = shared_server.http.post(path, json={"decision_type": "discard_duplicate"}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"decision_type": "rename"}, 400, "decision_type must be one of timestamp_override"),
        ({"decision_type": "timestamp_override", "decision_value": "now"}, 400, "with its offset"),
        ({"decision_type": "tag_assignment", "decision_value": {"a": 1}}, 400, "list of tags"),
        ({"decision_value": None}, 422, "decision_type"),
        ({"decision_type": "keep_duplicate", "surprise": 1}, 422, "surprise"),
    ],
)
def test_wrong_decisions_are_told(
    shared_server: RunningServer, silence: Path, body: dict[str, object], status: int, told: str
) -> None:
    """The answer says what is allowed, and nothing is appended."""
    file_id = send(shared_server, silence)["id"]
    answer = shared_server.http.post(f"/files/{file_id}/decisions", json=body)
    assert answer.status_code == status
    assert told in answer.json()["error"]["detail"]
    assert shared_server.http.get(f"/files/{file_id}/decisions").json()["decisions"] == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/files/unknown", 404, "file_not_found"),
        ("GET", "/files/unknown/decisions", 404, "file_not_found"),
        ("POST", "/files/unknown/decisions", 404, "file_not_found"),
        ("GET", "/files?sort=size", 422, "malformed"),
        ("GET", "/files?per_page=0", 422, "malformed"),
        ("GET", "/files?tag=", 400, "bad_value"),
    ],
)
def test_wrong_requests_are_told(shared_server: RunningServer, method: str, path: str, status: int, code: str) -> None:
    """Unknown Files and wrong questions have the answers that every route gives."""
    body = {"decision_type": "keep_duplicate"} if method == "POST" else None
    answer = shared_server.http.request(method, path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_lists_are_sorted_and_searched(shared_server: RunningServer, tmp_path: Path, silence: Path) -> None:
    """By arrival or by recording time, newest first either way; `q` looks into names."""
    for name in ("list 2024-05-07.wav", "list 2024-05-09.wav", "list 2024-05-08.wav"):
        path = tmp_path / name
        path.write_bytes(silence.read_bytes())
        send(shared_server, path)
    assert [name[13:15] for name in names(shared_server, q="list 2024")] == ["08", "09", "07"]
    assert [name[13:15] for name in names(shared_server, q="LIST 2024", sort="recorded")] == ["09", "08", "07"]
    page = shared_server.http.get("/files", params={"q": "list", "per_page": 2, "page": 2}).json()
    assert ([file["filename"] for file in page["files"]], page["total"]) == (["list 2024-05-07.wav"], 3)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/files/x/decisions"), ("PATCH", "/tasks/x/segments/x"), ("POST", "/tasks/x/retry"), ("POST", "/jobs")],
)
def test_no_body_fills_the_memory(berlin: RunningServer, method: str, path: str) -> None:
    """JSON of any size is refused before it is read, also when nobody says how large it is."""

    def endless() -> Iterator[bytes]:
        yield b'{"decision_type": "'
        for _ in range(64):
            yield b"x" * (1 << 20)

    before = peak_memory(berlin.pid)
    headers = {"content-type": "application/json", "if-match": '"1"'}
    try:
        answer = berlin.http.request(method, path, content=endless(), headers=headers)
    except httpx2.TransportError:  # refused while it was still being sent
        pass
    else:
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"
    assert peak_memory(berlin.pid) - before < 24 * 1024


def peak_memory(pid: int) -> int:
    """The most memory that a process ever had, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]
