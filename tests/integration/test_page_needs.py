"""What a page with many Tasks asks for, on a real server: small lists, uploads of whole folders, news of edits."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.running_server import RunningServer
from tests.tus_client import TusClient
from tests.workbench import write_wav


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Half a second of nothing."""
    return write_wav(tmp_path_factory.mktemp("media") / "half.wav", 0.5).read_bytes()


def announce(server: RunningServer, key: str | None = None, **body: object) -> Any:
    """POST /jobs with uploads."""
    return server.http.post("/jobs", json=body, headers={"Idempotency-Key": key} if key else {})


def test_many_uploads_are_announced_in_one_job(shared_server: RunningServer, recording: bytes) -> None:
    """Each Task has its own upload, which any tus client goes on with; repeating the request makes nothing new."""
    uploads = [
        {
            "filename": "äpfel.wav",
            "size_bytes": len(recording),
            "modified": 1715005401000,
            "relative_path": "x/äpfel.wav",
        },
        {"filename": "b.wav", "size_bytes": len(recording)},
    ]
    begun = announce(shared_server, "folder", job_type="process", uploads=uploads, language="en", diarize=False)
    assert begun.status_code == 202, begun.text
    job = begun.json()
    assert announce(shared_server, "folder", uploads=uploads, language="en", diarize=False).json()["id"] == job["id"]
    assert announce(shared_server, "folder", uploads=uploads[:1], language="en").status_code == 409
    assert [task["filename"] for task in job["tasks"]] == ["äpfel.wav", "b.wav"]
    tus = TusClient(shared_server)
    for task in job["tasks"]:
        assert (task["uploading"], task["links"]["upload"]) == (True, f"/uploads/{task['id']}")
        assert shared_server.http.get(f"/tasks/{task['id']}/progress").json()["uploading"] is True
        assert tus.offset(task["id"]) == 0
        assert tus.send(task["id"], 0, recording).status_code == 204
        done = shared_server.finish(task["id"])
        assert (done["status"], done["uploading"], done["links"]["upload"]) == ("completed", False, None)
    assert shared_server.http.get(f"/jobs/{job['id']}").json()["status"] == "completed"
    file = shared_server.http.get(f"/files/{job['tasks'][0]['file_id']}").json()
    assert any(candidate["source"] == "filesystem" for candidate in file["timestamp_candidates"]), file


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"uploads": []}, (422, "malformed")),
        ({"uploads": [{"filename": "a.wav", "size_bytes": 1}], "files": ["x"]}, (422, "malformed")),
        ({"uploads": [{"filename": "a.wav", "size_bytes": 1, "modified": "yesterday"}]}, (400, "bad_value")),
        ({"uploads": [{"filename": "a.wav", "size_bytes": 1 << 40}]}, (413, "too_large")),
        ({"uploads": [{"filename": "a.wav", "size_bytes": 1}, {"filename": "a.exe", "size_bytes": 1}]}, (415, "unsupported_extension")),
    ],
)  # fmt: skip
def test_an_announcement_that_cannot_be_makes_nothing(
    shared_server: RunningServer, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    """Neither a Job nor a Task, not even for those that could have come."""
    before = shared_server.http.get("/tasks").json()["total"]
    answer = announce(shared_server, **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == refusal
    assert shared_server.http.get("/tasks").json()["total"] == before


def test_lists_are_filtered_sorted_and_small(shared_server: RunningServer, silence: Path, tmp_path: Path) -> None:
    """Several statuses, a part of the name, an order, without results; what cannot be is refused."""
    named = tmp_path / "Find 100%.wav"
    named.write_bytes(silence.read_bytes())
    (task_id,) = shared_server.submit(named, initial_prompt="segments=2 words=1", diarize="false")
    shared_server.finish(task_id)
    asked = {"q": "100%", "status": ["completed,partial", "failed"], "sort": "-duration", "text": "false"}
    (listed,) = shared_server.http.get("/tasks", params=asked).json()["tasks"]
    whole = shared_server.task(task_id)
    assert (listed["id"], listed["result_text"], listed["beginning"]) == (task_id, None, whole["result_text"])
    (job,) = shared_server.http.get("/jobs", params=asked | {"sort": "status"}).json()["jobs"]
    assert (job["id"], job["result_text"], job["tasks"]) == (whole["job_id"], None, [listed])
    assert shared_server.http.get("/tasks", params=asked | {"status": "queued,"}).status_code == 400
    assert shared_server.http.get("/tasks", params={"sort": "size"}).status_code == 422


def test_whoever_shows_a_transcript_hears_that_somebody_changed_it(shared_server: RunningServer, silence: Path) -> None:
    """On a socket that subscribed to the finished Task, and on one that subscribed to all; then the new one is read."""
    (task_id,) = shared_server.submit(silence, initial_prompt="segments=2 words=1", diarize="false")
    seq = shared_server.finish(task_id)["seq"]
    short = shared_server.http.get(f"/tasks/{task_id}/transcript", params={"words": "false"})
    segment = short.json()["segments"][0]
    with shared_server.socket("/ws") as one, shared_server.socket("/ws") as every:
        for socket, what in ((one, {"task_id": task_id, "after": seq}), (every, {"all": True})):
            socket.send(orjson.dumps({"type": "subscribe", "id": 1} | what).decode())
            while orjson.loads(socket.recv(timeout=10))["type"] not in ("subscribed", "ok"):
                pass
        changed = shared_server.http.patch(
            f"/tasks/{task_id}/segments/{segment['id']}",
            json={"text": "Anew."},
            headers={"If-Match": short.headers["etag"]},
        )
        assert changed.status_code == 200, changed.text
        for socket in (one, every):
            heard = orjson.loads(socket.recv(timeout=10))
            assert (heard["type"], heard["task_id"], heard["seq"]) == ("transcript_changed", task_id, seq + 1)
            assert heard["version"] == changed.json()["version"]
            assert "Anew." not in str(heard)
    again = shared_server.http.get(f"/tasks/{task_id}/transcript", params={"words": "false"}).json()
    assert (again["segments"][0]["text"], again["segments"][0]["words"]) == ("Anew.", [])
    with shared_server.socket(f"/ws/tasks/{task_id}?after={seq}") as late:
        told = [orjson.loads(message)["type"] for message in late]
    assert told == ["subscribed", "transcript_changed"]
