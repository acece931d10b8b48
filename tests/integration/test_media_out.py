"""Recordings come out again: in ranges, under their own names, as outlines; and go with all that is about them."""

import hashlib
import math
import sqlite3
import struct
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.fakes.media_files import KINDS, make
from tests.running_server import RunningServer, stream_events, wait_for

HOSTILE = 'a"; filename="x.exe\r\nX: y\u202egpj.\u65e5\u672c.html'


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds: silence, a loud tone, a half as loud one."""
    path = tmp_path_factory.mktemp("media") / "three.wav"
    parts = [(0.0, 16_000), (0.9, 16_000), (0.45, 16_000)]
    samples = [round(loud * 32_767 * math.sin(n / 5)) for loud, count in parts for n in range(count)]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


@pytest.fixture(scope="module")
def kept(shared_server: RunningServer, recording: Path) -> tuple[RunningServer, str, bytes]:
    """A server, a File in it, and the File's bytes."""
    (task,) = shared_server.submit(recording)
    shared_server.finish(task)
    return shared_server, shared_server.task(task)["file_id"], recording.read_bytes()


Kept = tuple[RunningServer, str, bytes]


def test_the_whole_recording_comes_back_with_its_hash(kept: Kept) -> None:
    """Same bytes, its own type, the sha256 as ETag, for playing and not for guessing."""
    server, file, content = kept
    answer = server.http.get(f"/files/{file}/media")
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("inline;")
    for known in (answer.headers["etag"], f"W/{answer.headers['etag']}", f'"other", {answer.headers["etag"]}', "*"):
        assert server.http.get(f"/files/{file}/media", headers={"if-none-match": known}).status_code == 304
    assert server.http.get(f"/files/{file}/media", headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=96000-", 96_000, None), ("bytes=-44", -44, None)],
)
def test_one_range_is_answered_with_it(kept: Kept, asked: str, first: int, last: int | None) -> None:
    """206 with exactly these bytes and where they are."""
    server, file, content = kept
    answer = server.http.get(f"/files/{file}/media", headers={"range": asked})
    begin = first % len(content)
    end = len(content) - 1 if last is None else last
    assert (answer.status_code, answer.content) == (206, content[begin : end + 1])
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{len(content)}"
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-2", "bytes=a-b", "lines=0-1", "bytes=-", "bytes", "", "bytes=0-1,3-4", "bytes=" + "9" * 5000 + "-"],
)
def test_a_range_that_cannot_be_read_as_one_is_left_unread(kept: Kept, asked: str) -> None:
    """Then the answer is the whole recording."""
    server, file, content = kept
    answer = server.http.get(f"/files/{file}/media", headers={"range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(content))


@pytest.mark.parametrize("asked", ["bytes=96044-", "bytes=999999-1000000", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(kept: Kept, asked: str) -> None:
    """416 in the one shape of errors, with the true length."""
    server, file, content = kept
    answer = server.http.get(f"/files/{file}/media", headers={"range": asked})
    assert (answer.status_code, answer.json()["error"]["code"]) == (416, "range_unsatisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(content)}"


def test_if_range_holds_only_for_the_same_recording(kept: Kept) -> None:
    """With another tag the whole recording comes, even for a range beyond its end."""
    server, file, content = kept
    tag = server.http.head(f"/files/{file}/media").headers["etag"]
    for known, asked, status in [
        (tag, "bytes=0-9", 206),
        ('"other"', "bytes=0-9", 200),
        ('"other"', "bytes=999999-", 200),
    ]:
        answer = server.http.get(f"/files/{file}/media", headers={"range": asked, "if-range": known})
        assert (answer.status_code, len(answer.content)) == (status, 10 if status == 206 else len(content))


def test_an_archive_is_sent_in_ranges_like_a_recording(kept: Kept) -> None:
    """One range comes alone, what cannot be read as one is left unread, and a refusal has the one shape of errors."""
    server, file, _ = kept
    wanted = {"job_type": "export", "files": [file], "formats": ["txt"]}
    job = server.http.post("/jobs", json=wanted).json()["id"]
    wait_for(lambda: server.http.get(f"/jobs/{job}").json()["status"] == "completed", 30)
    whole = server.http.get(f"/jobs/{job}/archive").content
    for asked, status, content in [
        ("bytes=2-5", 206, whole[2:6]),
        ("bytes=-3", 206, whole[-3:]),
        ("bytes=5-2", 200, whole),
        ("bytes=x", 200, whole),
        ("bytes=0-1,4-5", 200, whole),
    ]:
        answer = server.http.get(f"/jobs/{job}/archive", headers={"range": asked})
        assert (answer.status_code, answer.content) == (status, content)
    beyond = server.http.get(f"/jobs/{job}/archive", headers={"range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.json()["error"]["code"]) == (416, "range_unsatisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"


def test_head_tells_the_length_and_sends_nothing(kept: Kept) -> None:
    """Also for a range."""
    server, file, content = kept
    whole = server.http.head(f"/files/{file}/media")
    part = server.http.head(f"/files/{file}/media", headers={"range": "bytes=10-19"})
    assert (whole.status_code, whole.headers["content-length"], whole.content) == (200, str(len(content)), b"")
    assert (part.status_code, part.headers["content-length"], part.content) == (206, "10", b"")


def test_the_original_downloads_under_its_own_name(shared_server: RunningServer, recording: Path) -> None:
    """A name with quotes, line ends and reversing characters is a name and nothing else."""
    files = [("files", (HOSTILE + ".wav", recording.read_bytes()))]
    task = shared_server.http.post("/transcribe", files=files).json()["tasks"][0]
    answer = shared_server.http.get(f"/files/{task['file_id']}/original")
    disposition = answer.headers["content-disposition"]
    assert answer.content == recording.read_bytes()
    assert disposition.startswith("attachment; filename=")
    assert "x" not in answer.headers
    assert disposition.count('"') == 2
    assert "%E6%97%A5%E6%9C%AC" in disposition
    assert "%E2%80%AE" not in disposition


def test_what_is_no_sound_or_picture_is_only_downloaded(server: RunningServer, recording: Path) -> None:
    """Whatever a row says its type is, nothing but audio and video is shown by a browser."""
    (task,) = server.submit(recording)
    file = server.task(task)["file_id"]
    for kind in ("text/html", "image/svg+xml", "audio/x\r\ny: z", None):
        with sqlite3.connect(server.database) as database:
            database.execute("UPDATE files SET mime_type = ?", (kind,))
        answer = server.http.get(f"/files/{file}/media")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment;")


def test_nothing_is_played_of_files_that_are_not_there(server: RunningServer, recording: Path) -> None:
    """404 for none, 410 for one whose bytes were removed, 409 for one on its way."""
    (task,) = server.submit(recording)
    server.finish(task)
    file = server.task(task)["file_id"]
    changes = (
        ("media_gone", 410, "UPDATE files SET storage_path = NULL, media_removed_at = '2026-01-01 00:00:00'"),
        ("media_not_ready", 409, "UPDATE files SET storage_path = NULL, media_removed_at = NULL"),
        ("media_gone", 410, "UPDATE files SET storage_path = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"),
        ("file_not_found", 404, "DELETE FROM files"),
    )
    for code, status, change in changes:
        with sqlite3.connect(server.database) as database:
            database.execute("PRAGMA foreign_keys=ON")
            database.execute(change)
        for part in ("media", "original", "peaks"):
            answer = server.http.get(f"/files/{file}/{part}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_recording_that_never_arrived_says_what_to_do(shared_server: RunningServer) -> None:
    """Its download failed: there is nothing to wait for, and the answer does not say so."""
    task = shared_server.http.post("/transcribe", json={"url": "http://127.0.0.1:1/a.wav?token=x"}).json()["tasks"][0]
    shared_server.wait_status(task["id"], "failed")
    error = shared_server.http.get(f"/files/{task['file_id']}/media").json()["error"]
    assert (error["code"], error["detail"]) == ("media_not_ready", "it never arrived; a retry of its task fetches it")


def outline(server: RunningServer, file: str, points: int) -> list[tuple[int, int]]:
    """The pairs of an outline, after a look at what is said about them."""
    answer = server.http.get(f"/files/{file}/peaks", params={"points": points})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["version"], body["channels"], body["bits"], body["sample_rate"]) == (2, 1, 8, 16_000)
    assert len(body["data"]) == 2 * body["length"]
    assert body["length"] <= points
    assert body["length"] == math.ceil(48_000 / body["samples_per_pixel"])
    return list(zip(body["data"][::2], body["data"][1::2], strict=True))


@pytest.mark.parametrize("points", [1, 3, 30, 300, 20_000])
def test_an_outline_shows_where_it_is_loud(kept: Kept, points: int) -> None:
    """Silence is flat, the loud second reaches 0.9 of full scale, the other one half of that; in any coarseness."""
    server, file, _ = kept
    pairs = outline(server, file, points)
    assert (min(pair[0] for pair in pairs), max(pair[1] for pair in pairs)) == (-115, 115)
    if points >= 3:
        third = len(pairs) // 3
        assert set(pairs[:third]) == {(0, 0)}
        assert {max(pairs[2 * third :])[1], -min(pairs[2 * third :])[0]} == {57}


@pytest.mark.parametrize("points", ["0", "20001", "many"])
def test_an_outline_of_impossible_size_is_refused(kept: Kept, points: str) -> None:
    """The number of points has bounds."""
    server, file, _ = kept
    assert server.http.get(f"/files/{file}/peaks", params={"points": points}).status_code == 422


def test_an_outline_is_made_once_for_all_who_ask(server: RunningServer, tmp_path: Path) -> None:
    """Twenty ask at the same time: one file is made, all get the same, and it is kept."""
    (task,) = server.submit(
        make(tmp_path / "tone.mp3", next(kind for kind in KINDS if kind.ending == "mp3"), seconds=60)
    )
    file = server.task(task)["file_id"]
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(server.http.get(f"/files/{file}/peaks").text)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = list((server.folder / "data" / "media" / "derived").rglob("*.*"))
    assert (len(answers), len(set(answers)), len(made)) == (20, 1, 1)
    written = made[0].stat().st_mtime_ns
    server.http.get(f"/files/{file}/peaks", params={"points": 7})
    assert made[0].stat().st_mtime_ns == written


def listen(socket: ClientConnection) -> None:
    """Until the socket is closed."""
    while True:
        socket.recv(timeout=10)


def test_a_deleted_file_is_gone_for_those_who_watch(server: RunningServer, recording: Path) -> None:
    """Its running Task's watcher is told, its bytes and its outline are removed, its Task and Job are unknown."""
    (task,) = server.submit(recording, initial_prompt="segments=200 delay=0.1")
    server.wait_status(task, "processing")
    file, job = server.task(task)["file_id"], server.task(task)["job_id"]
    assert server.http.get(f"/files/{file}/peaks").status_code == 200
    with server.socket(f"/ws/tasks/{task}") as socket:
        assert server.http.delete(f"/files/{file}").status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            listen(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4540
    for path in (f"/tasks/{task}", f"/jobs/{job}", f"/files/{file}/media"):
        assert server.http.get(path).status_code == 404
    assert [
        path for path in (server.folder / "data" / "media").rglob("*") if path.is_file() and "scratch" not in path.parts
    ] == []
    assert server.http.delete(f"/files/{file}").status_code == 404
    (other,) = server.submit(recording)
    assert server.finish(other)["status"] == "completed"


def test_retention_runs_by_itself_and_is_told_like_a_deletion(
    serve: Callable[..., RunningServer], recording: Path
) -> None:
    """A few seconds after its end a Task is gone, a socket that watches everything hears of it, the recording follows."""
    seconds = 1 / 24 / 3600
    server = serve(keep_transcripts_days=3 * seconds, keep_media_days=6 * seconds).start()
    with server.socket("/ws") as socket:
        socket.send('{"type":"subscribe","all":true}')
        (task,) = server.submit(recording)
        server.finish(task)
        deadline = time.monotonic() + 30
        while "task_not_found" not in (heard := str(socket.recv(timeout=20))):
            assert time.monotonic() < deadline
        assert task in heard
    assert server.http.get(f"/tasks/{task}").status_code == 404
    wait_for(lambda: not list(bytes_in(server)), 30)
    assert server.http.get("/health").status_code == 200


def test_who_comes_after_the_history_was_forgotten_is_told_so(
    serve: Callable[..., RunningServer], recording: Path
) -> None:
    """Socket and event stream say `recovered: false` and give a snapshot with the whole transcript."""
    server = serve(keep_events_days=2 / 24 / 3600).start()
    (task,) = server.submit(recording)
    server.finish(task)

    def is_pruned() -> bool:
        with sqlite3.connect(server.database) as database:
            return bool(database.execute("SELECT count(*) FROM task_events").fetchone()[0] == 1)

    wait_for(is_pruned, 30)
    with server.socket(f"/ws/tasks/{task}?after=1") as socket:
        messages = [orjson.loads(message) for message in socket]
    streamed = server.http.get(f"/tasks/{task}/events", headers={"last-event-id": "1"}).text
    heard = [list(stream_events(iter(streamed.splitlines()))), messages]
    for story in heard:
        assert (story[0]["type"], story[0]["recovered"]) == ("subscribed", False)
        revised = next(message for message in story if message["type"] == "segments_revised")
        assert len(revised["segments"]) == 3
        assert {message["seq"] for message in story} == {server.task(task)["seq"]}


def bytes_in(server: RunningServer) -> Iterator[Path]:
    """Recordings at rest."""
    return (path for path in (server.folder / "data" / "media").glob("??/*") if path.is_file())
