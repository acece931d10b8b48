"""Uploads in pieces, by the tus protocol, on a real server."""

import base64
import hashlib
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.running_server import RunningServer, wait_for
from tests.tus_client import PIECE, VERSION, TusClient, metadata, wav_head
from tests.workbench import write_wav


@pytest.fixture
def tus(shared_server: RunningServer) -> TusClient:
    """A client of the shared server."""
    return TusClient(shared_server)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of nothing, 64 044 bytes."""
    return write_wav(tmp_path_factory.mktemp("media") / "two.wav", 2.0).read_bytes()


def test_one_story_from_the_first_request_to_the_transcript(
    shared_server: RunningServer, tus: TusClient, recording: bytes
) -> None:
    """Whoever watches sees the recording coming on the Task that is transcribed later; polling and sockets tell the same."""
    begun = tus.begin(len(recording), "tälk.wav", language="en", diarize="false")
    job = begun.json()
    (task,) = job["tasks"]
    assert (begun.headers["x-cesar-task"], begun.headers["x-cesar-job"]) == (task["id"], job["id"])
    assert (job["status"], task["status"], task["message"], task["queue_position"]) == (
        "queued",
        "queued",
        "Uploading",
        None,
    )
    assert (task["filename"], task["options"]["language"], task["options"]["diarize"]) == ("tälk.wav", "en", False)
    with shared_server.socket(f"/ws/tasks/{task['id']}?after=0") as socket:
        assert tus.send(task["id"], 0, recording[:32022]).headers["upload-offset"] == "32022"
        wait_for(lambda: shared_server.task(task["id"])["stage_percentage"] == 50, 15)
        polled = shared_server.http.get(f"/tasks/{task['id']}/progress").json()
        assert (polled["status"], polled["queue_position"], polled["message"]) == ("queued", None, "Uploading")
        assert tus.send(task["id"], 32022, recording[32022:]).status_code == 204
        heard = [orjson.loads(message) for message in socket]
    events = [event for event in heard if "seq" in event and event["type"] != "subscribed"]
    assert shared_server.task(task["id"])["status"] == "completed"
    numbers = [0, *(event["seq"] for event in events)]
    assert [event["seq"] - 1 - event.get("skipped", 0) for event in events] == numbers[:-1]
    assert {"queued", "processing", "completed"} == {event["status"] for event in events if event["type"] == "status"}
    uploading = [event["stage_percentage"] for event in events if event.get("message") == "Uploading"]
    assert uploading[0] == 0
    assert 50 in uploading


def test_what_the_server_can_do_is_told(shared_server: RunningServer) -> None:
    """OPTIONS names version, extensions, checksums and the largest size, at both addresses."""
    for path in ("/uploads", "/uploads/any"):
        answer = shared_server.http.options(path)
        assert answer.status_code == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-extension"] == "creation,creation-with-upload,termination,expiration,checksum"
        assert answer.headers["tus-max-size"] == str(100 * 1024 * 1024)


def test_where_it_stands_is_never_stored_by_caches(tus: TusClient, recording: bytes) -> None:
    """HEAD tells offset, length, metadata and the end of patience, also when all of it is here."""
    upload_id = tus.new(len(recording))
    tus.send(upload_id, 0, recording[:100])
    look = tus.look(upload_id)
    assert (look.status_code, look.content, look.headers["cache-control"]) == (200, b"", "no-store")
    assert (look.headers["upload-offset"], look.headers["upload-length"]) == ("100", str(len(recording)))
    assert look.headers["upload-metadata"] == metadata(filename="talk.wav")
    assert look.headers["upload-expires"].endswith("GMT")
    tus.send(upload_id, 100, recording[100:])
    look = tus.look(upload_id)
    assert look.headers["upload-offset"] == look.headers["upload-length"] == str(len(recording))
    assert "upload-expires" not in look.headers
    assert tus.send(upload_id, len(recording), b"").status_code == 204


def test_the_first_piece_may_come_with_the_announcement(shared_server: RunningServer, recording: bytes) -> None:
    """creation-with-upload: the whole recording in one request."""
    headers = VERSION | {"Upload-Length": str(len(recording)), "Upload-Metadata": metadata(filename="a.wav")}
    answer = shared_server.http.post("/uploads", headers=headers | {"Content-Type": PIECE}, content=recording)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(recording)))
    assert shared_server.finish(answer.headers["x-cesar-task"])["status"] == "completed"


def test_the_same_key_leads_to_the_same_upload(tus: TusClient, recording: bytes) -> None:
    """An announcement whose answer was lost can be repeated."""
    first = tus.begin(len(recording), key="once")
    tus.send(first.headers["x-cesar-task"], 0, recording[:10])
    again = tus.begin(len(recording), key="once")
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["upload-offset"] == "10"
    assert tus.begin(5, key="once").json()["error"]["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "upload_version"),
        ({"Tus-Resumable": ""}, 412, "upload_version"),
        ({"Upload-Length": "-1"}, 400, "bad_value"),
        ({"Upload-Length": "1e3"}, 400, "bad_value"),
        ({"Upload-Length": "9" * 30}, 400, "bad_value"),
        ({"Upload-Length": str(200 * 1024 * 1024)}, 413, "too_large"),
        ({"Upload-Defer-Length": "1"}, 400, "bad_value"),
        ({"Upload-Concat": "partial"}, 400, "bad_value"),
        ({"Upload-Metadata": "filename !"}, 400, "bad_value"),
        ({"Upload-Metadata": metadata(filename="a.exe")}, 415, "unsupported_extension"),
        ({"Upload-Metadata": metadata(surprise="1")}, 422, "malformed"),
        ({"Upload-Metadata": metadata(model="enormous")}, 400, "bad_value"),
        ({"Upload-Metadata": metadata(modified="soon")}, 400, "bad_value"),
        ({"Idempotency-Key": "x" * 300}, 400, "bad_value"),
        ({"Origin": "https://elsewhere.example"}, 403, "origin_refused"),
    ],
)
def test_announcements_that_cannot_be_are_refused(
    shared_server: RunningServer, headers: dict[str, str], status: int, code: str
) -> None:
    """At once, in the one shape, with the version of the protocol; nothing is made."""
    before = shared_server.http.get("/tasks").json()["total"]
    answer = shared_server.http.post("/uploads", headers=VERSION | {"Upload-Length": "10"} | headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if status != 403:
        assert answer.headers["tus-resumable"] == "1.0.0"
    assert ("tus-max-size" in answer.headers) == (status == 413)
    assert shared_server.http.get("/tasks").json()["total"] == before


@pytest.mark.parametrize(
    ("headers", "status"), [({"Upload-Checksum": "crc32 AAAA"}, 400), ({"Upload-Length": "4"}, 413)]
)
def test_a_first_piece_that_cannot_be_makes_no_upload(
    shared_server: RunningServer, headers: dict[str, str], status: int
) -> None:
    """What its headers tell is checked before there is a Task that nobody would know of."""
    before = shared_server.http.get("/tasks").json()["total"]
    announced = VERSION | {"Upload-Length": "5", "Content-Type": PIECE} | headers
    assert shared_server.http.post("/uploads", headers=announced, content=b"12345").status_code == status
    assert shared_server.http.get("/tasks").json()["total"] == before


def test_pieces_that_cannot_be_are_refused(shared_server: RunningServer, tus: TusClient) -> None:
    """Elsewhere, beyond the end, of another type, without an offset, of no upload: what is there stays."""
    upload_id = tus.new(10)
    tus.send(upload_id, 0, b"1234")
    refused = {
        409: tus.send(upload_id, 3, b"4567"),
        413: tus.send(upload_id, 4, b"1234567"),
        415: tus.send(upload_id, 4, b"5", Content_Type="text/plain"),
        400: tus.send(upload_id, 4, b"5", Upload_Offset="four"),
        404: tus.send("0" * 32, 0, b"1"),
        405: shared_server.http.post(f"/uploads/{upload_id}", headers=VERSION),
        412: shared_server.http.patch(f"/uploads/{upload_id}", headers={"Tus-Resumable": "2"}),
    }
    assert {status: answer.status_code for status, answer in refused.items()} == {status: status for status in refused}
    assert all(answer.headers["tus-resumable"] == "1.0.0" for answer in refused.values())
    assert tus.offset(upload_id) == 4
    chunked = tus.send(upload_id, 4, iter([b"5678", b"9012"]))
    assert chunked.status_code == 413
    assert tus.offset(upload_id) in (4, 8)  # what came in time is kept, and the network decides what that is
    assert (
        shared_server.http.patch(
            f"/uploads/{upload_id}", headers=VERSION | {"Origin": "https://elsewhere.example"}
        ).status_code
        == 403
    )


def test_the_own_page_may_do_everything(shared_server: RunningServer, tus: TusClient) -> None:
    """PATCH, HEAD and DELETE with the server's own Origin pass the gate."""
    upload_id = tus.new(10)
    origin = VERSION | {"Origin": f"http://127.0.0.1:{shared_server.port}", "Sec-Fetch-Site": "same-origin"}
    assert tus.send(upload_id, 0, b"1", Origin=origin["Origin"]).status_code == 204
    assert shared_server.http.head(f"/uploads/{upload_id}", headers=origin).status_code == 200
    assert shared_server.http.delete(f"/uploads/{upload_id}", headers=origin).status_code == 204


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_damaged_piece_is_refused(tus: TusClient, algorithm: str) -> None:
    """460, and the piece does not count; sent again it does. An algorithm that nobody offered is 400."""

    def checksum(data: bytes, name: str = algorithm) -> str:
        return f"{name} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"

    upload_id = tus.new(10)
    damaged = tus.send(upload_id, 0, b"12e45", Upload_Checksum=checksum(b"12345"))
    assert (damaged.status_code, damaged.json()["error"]["code"]) == (460, "checksum_mismatch")
    assert tus.offset(upload_id) == 0
    assert tus.send(upload_id, 0, b"12345", Upload_Checksum=checksum(b"12345", "crc32")).status_code == 400
    assert tus.send(upload_id, 0, b"12345", Upload_Checksum=checksum(b"12345")).status_code == 204
    assert tus.offset(upload_id) == 5


@pytest.mark.parametrize("how", ["DELETE", "override", "cancel", "delete the job"])
def test_an_upload_can_be_ended(shared_server: RunningServer, tus: TusClient, how: str) -> None:
    """By the protocol, or through its Task or Job: 404 from then on, and its bytes are gone."""
    begun = tus.begin(1000)
    upload_id, job_id = begun.headers["x-cesar-task"], begun.headers["x-cesar-job"]
    tus.send(upload_id, 0, b"x" * 500)
    part = shared_server.folder / "data" / "media" / "uploads" / upload_id.replace("-", "")
    assert part.read_bytes() == b"x" * 500
    override = VERSION | {"X-HTTP-Method-Override": "DELETE"}
    ends: dict[str, Callable[[], httpx2.Response]] = {
        "DELETE": lambda: tus.end(upload_id),
        "override": lambda: shared_server.http.post(f"/uploads/{upload_id}", headers=override),
        "cancel": lambda: shared_server.http.post(f"/tasks/{upload_id}/cancel"),
        "delete the job": lambda: shared_server.http.delete(f"/jobs/{job_id}"),
    }
    assert ends[how]().status_code in (200, 202, 204)
    assert tus.look(upload_id).status_code == 404
    assert tus.send(upload_id, 500, b"x").status_code == 404
    assert tus.end(upload_id).status_code == 404
    wait_for(lambda: not part.exists(), 15)
    if how != "delete the job":
        assert shared_server.task(upload_id)["status"] == "cancelled"
        assert shared_server.http.post(f"/tasks/{upload_id}/retry").json()["error"]["code"] == "media_gone"


def test_what_is_no_recording_fails_with_its_code(shared_server: RunningServer, tus: TusClient) -> None:
    """The Task says why, and nothing stays on the disk."""
    upload_id = tus.new(5000, "notes.mp3")
    assert tus.send(upload_id, 0, b"These are notes. " * 294 + b"..").status_code == 204
    failed = shared_server.finish(upload_id)
    assert (failed["status"], failed["error_code"]) == ("failed", "not_media")
    media = shared_server.folder / "data" / "media"
    wait_for(lambda: not list(media.rglob(f"{upload_id.replace('-', '')}*")), 15)


def test_a_recording_that_is_there_already_is_noticed_with_its_last_byte(
    shared_server: RunningServer, tus: TusClient
) -> None:
    """Refused, the Task fails as `duplicate_refused` and the bytes go; reused, it has the transcript without a run."""
    content = _noise(5)
    first = tus.new(len(content))
    tus.send(first, 0, content)
    text = shared_server.finish(first)["result_text"]
    refused = tus.new(len(content), on_duplicate="refuse")
    assert tus.send(refused, 0, content).status_code == 204
    assert shared_server.finish(refused)["error_code"] == "duplicate_refused"
    reused = tus.new(len(content), on_duplicate="reuse")
    tus.send(reused, 0, content)
    done = shared_server.finish(reused)
    assert (done["status"], done["reused_from"], done["result_text"]) == ("completed", first, text)
    kept = [path.name for path in (shared_server.folder / "data" / "media").rglob("*")]
    assert refused.replace("-", "") not in kept
    assert reused.replace("-", "") in kept


def _noise(seed: int) -> bytes:
    return wav_head(32_000) + random.Random(seed).randbytes(32_000)


def test_an_upload_that_is_left_alone_expires(serve: Callable[..., RunningServer]) -> None:
    """Its Task fails as `upload_expired`, asking answers 410, and its bytes go; while bytes come it lives on."""
    server = serve(upload_expire_hours=3 / 3600, embedded_worker=False).start()
    tus = TusClient(server)
    upload_id = tus.new(10)
    for at in range(5):
        assert tus.send(upload_id, at, b"x").status_code == 204
        time.sleep(1)
    assert server.task(upload_id)["status"] == "queued"
    failed = server.finish(upload_id)
    assert (failed["status"], failed["error_code"]) == ("failed", "upload_expired")
    assert tus.look(upload_id).status_code == 410
    assert tus.send(upload_id, 5, b"x").json()["error"]["code"] == "upload_expired"
    wait_for(lambda: not list((server.folder / "data" / "media" / "uploads").iterdir()), 15)


def test_nothing_flows_of_what_is_too_large(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """Refused by its announced length before a byte of it is read, and by the limit of its piece."""
    server = serve(max_upload_mb=1, embedded_worker=False).start()
    tus = TusClient(server)
    assert tus.begin(1024 * 1024 + 1).status_code == 413
    assert server.http.get("/tasks").json()["total"] == 0
    upload_id = tus.new(1024 * 1024)
    piece = tus.connect(upload_id, 0, 1 << 40)
    assert piece.status() == 413
    piece.finish()


def test_a_large_upload_leaves_memory_as_it_was(serve: Callable[..., RunningServer]) -> None:
    """256 MiB through one request: the server grows by less than 32 MiB, lists are answered meanwhile, every byte arrives."""
    server = serve(max_upload_mb=300, embedded_worker=False).start()
    tus = TusClient(server)
    block = hashlib.sha256(b"x").digest() * 32768
    upload_id = tus.new(256 * len(block))
    tus.offset(upload_id)
    before, peak, slowest = _resident(server.pid), 0, 0.0
    with httpx2.Client(base_url=server.http.base_url, timeout=120) as sender:
        headers = VERSION | {"Upload-Offset": "0", "Content-Type": PIECE, "Content-Length": str(256 * len(block))}
        sending = threading.Thread(
            target=lambda: sender.patch(f"/uploads/{upload_id}", headers=headers, content=(block for _ in range(256)))
        )
        sending.start()
        while sending.is_alive():
            began = time.monotonic()
            assert server.http.get("/tasks").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
            peak = max(peak, _resident(server.pid))
            time.sleep(0.02)
        sending.join()
    assert tus.offset(upload_id) == 256 * len(block)
    assert peak - before < 32 * 1024, f"{(peak - before) / 1024:.0f} MiB"
    assert slowest < 5


def _resident(pid: int) -> int:
    """Memory of a process in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_one_of_two_racing_writers_wins(shared_server: RunningServer, tus: TusClient, recording: bytes) -> None:
    """Many pieces for the same place at once: exactly one is taken, the others are told to ask again, no byte is mixed."""
    for _ in range(5):
        upload_id = tus.new(len(recording))
        statuses: list[int] = []

        def race(upload_id: str = upload_id, statuses: list[int] = statuses) -> None:
            with httpx2.Client(base_url=shared_server.http.base_url, timeout=60) as client:
                headers = VERSION | {"Upload-Offset": "0", "Content-Type": PIECE}
                statuses.append(client.patch(f"/uploads/{upload_id}", headers=headers, content=recording).status_code)

        racers = [threading.Thread(target=race) for _ in range(6)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert statuses.count(204) == 1
        assert set(statuses) <= {204, 409, 423, 413}
        assert shared_server.finish(upload_id)["status"] == "completed"


def test_a_writer_who_still_sends_is_not_pushed_aside(tus: TusClient) -> None:
    """A second connection hears 423 while the first one's bytes come; of a silent one it takes over within seconds."""
    upload_id = tus.new(100_000)
    first = tus.connect(upload_id, 0, 100_000)
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.1):
            first.send(b"x" * 10)

    dripping = threading.Thread(target=drip)
    dripping.start()
    wait_for(lambda: tus.offset(upload_id) > 0, 15)
    assert tus.send(upload_id, 0, b"y" * 10).status_code in (409, 423)
    assert tus.send(upload_id, tus.offset(upload_id), b"y" * 10).status_code in (409, 423)
    stop.set()
    dripping.join()
    time.sleep(1.5)
    stands = tus.offset(upload_id)
    assert tus.send(upload_id, stands, b"y" * 10).status_code == 204
    assert first.status() == 423
    first.finish()
    assert tus.offset(upload_id) == stands + 10


def test_two_server_processes_share_an_upload(serve: Callable[..., RunningServer], recording: bytes) -> None:
    """A silent connection at one server gives way to one at the other; both tell the same offset."""
    one = serve(embedded_worker=False).start()
    two = serve(embedded_worker=False).start()
    here, there = TusClient(one), TusClient(two)
    upload_id = here.new(len(recording))
    silent = here.connect(upload_id, 0, len(recording))
    silent.send(recording[:1000])
    wait_for(lambda: there.offset(upload_id) == 1000, 15)
    assert there.send(upload_id, 1000, recording[1000:]).status_code == 204
    silent.finish()
    with sqlite3.connect(one.database) as database:
        wait_for(lambda: database.execute("SELECT count(*) FROM uploads").fetchone()[0] == 0, 20)
    assert two.task(upload_id)["queue_position"] == 1


def test_a_full_disk_is_told_and_what_came_stays(tmp_path: Path, recording: bytes) -> None:
    """507; the offset is what is safe, and with room the upload goes on from there."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000)); "
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "from pathlib import Path; from app.infrastructure.storage.growing import LocalGrowingFiles\n"
        f"file = LocalGrowingFiles(Path({str(tmp_path)!r})).open('a' * 32)\n"
        "file.append(b'x' * 300_000)\n"
        "try: file.append(b'x' * 200_000)\n"
        "except Exception as problem: print(problem.code)\n"
        "file.cut(300_000); file.sync(); print(file.size)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert told == ["disk_full", "300000"]
