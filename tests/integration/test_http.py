"""The routes, on a real server."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running_server import RunningServer

SHAPE = {"code", "message", "detail", "retryable", "remedy", "request_id"}


def test_a_file_becomes_a_job_and_a_transcript(shared_server: RunningServer, silence: Path) -> None:
    """POST /transcribe answers 202 with a Job at once; the result appears on Job and Task, flat for one Task."""
    answer = shared_server.http.post("/transcribe", files={"file": ("talk.wav", silence.read_bytes())})
    assert answer.status_code == 202
    job = answer.json()
    assert job["id"] == job["job_id"]
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert job["status"] in ("queued", "processing")
    (task,) = job["tasks"]
    assert shared_server.finish(task["id"])["result_text"].startswith("Segment number 0.")
    done = shared_server.http.get(f"/jobs/{job['id']}").json()
    assert (done["status"], done["progress"], done["progress_current"]) == ("completed", 100, 1)
    assert done["result_text"] == shared_server.task(task["id"])["result_text"]
    assert done["detected_language"] == "en"
    assert done["diarize"] is True


def test_several_files_are_one_job(shared_server: RunningServer, silence: Path) -> None:
    """Each file is a Task, in order."""
    files = [("files", (f"{n}.wav", silence.read_bytes())) for n in range(3)]
    job = shared_server.http.post("/transcribe", files=files).json()
    assert [task["filename"] for task in job["tasks"]] == ["0.wav", "1.wav", "2.wav"]
    for task in job["tasks"]:
        shared_server.finish(task["id"])
    assert shared_server.http.get(f"/jobs/{job['id']}").json()["status"] == "completed"


def test_options_arrive(shared_server: RunningServer, silence: Path) -> None:
    """Form fields are read as their types; old and new names work; they are shown on the Job."""
    fields = {"model_size": "tiny", "language": "de", "diarize": "false", "beam_size": "2", "temperature": "0.5"}
    files = {"file": ("a.wav", silence.read_bytes())}
    job = shared_server.http.post("/transcribe", files=files, data=fields).json()
    assert (job["model_size"], job["language"], job["diarize"]) == ("tiny", "de", False)
    assert job["tasks"][0]["options"] == {
        "model": "tiny", "language": "de", "diarize": False, "beam_size": 2, "temperature": 0.5, "task": "transcribe",
    }  # fmt: skip


def test_diarize_may_be_an_object(shared_server: RunningServer) -> None:
    """POST /transcribe/url takes speakers as an object; POST /transcribe takes the same JSON."""
    body = {"url": "http://127.0.0.1:1/a.wav", "diarize": {"enabled": True, "min_speakers": 2, "max_speakers": 4}}
    for path in ("/transcribe/url", "/transcribe"):
        job = shared_server.http.post(path, json=body).json()
        assert (job["min_speakers"], job["max_speakers"]) == (2, 4)
        assert shared_server.finish(job["tasks"][0]["id"])["error_code"] == "url_refused"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/transcribe/url", {"url": "ftp://example.org/a.wav"}, 400, "url_refused"),
        ("/transcribe/url", {"url": "http://"}, 400, "url_refused"),
        ("/transcribe/url", {}, 422, "malformed"),
        ("/transcribe/url", {"url": "http://example.org", "surprise": 1}, 422, "malformed"),
        ("/transcribe/url", {"url": "http://example.org", "diarize": 0}, 422, "malformed"),
        ("/transcribe/url", {"url": "http://example.org", "min_speakers": 3, "max_speakers": 2}, 422, "malformed"),
        ("/transcribe/url", {"url": "http://example.org", "model": "enormous"}, 400, "bad_value"),
        ("/transcribe/url", {"url": "http://example.org", "engine": "os:system"}, 400, "bad_value"),
        ("/transcribe", {"url": 5}, 422, "malformed"),
    ],
)
def test_bad_requests_are_told(
    shared_server: RunningServer, path: str, body: dict[str, object], status: int, code: str
) -> None:
    """A request that cannot be is answered at once, in the one shape."""
    answer = shared_server.http.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert set(answer.json()["error"]) == SHAPE


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("notes.txt", b"hello", 415, "unsupported_extension"),
        ("notes.wav", b"hello", 415, "not_media"),
        ("empty.mp3", b"", 415, "not_media"),
    ],
)
def test_what_is_not_media_is_refused(
    shared_server: RunningServer, name: str, content: bytes, status: int, code: str
) -> None:
    """The ending and then the content are looked at before a Job is made; nothing stays behind."""
    before = shared_server.http.get("/jobs").json()["total"]
    answer = shared_server.http.post("/transcribe", files={"file": (name, content)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert shared_server.http.get("/jobs").json()["total"] == before


def test_one_bad_file_refuses_all(shared_server: RunningServer, silence: Path) -> None:
    """A submission is all or nothing."""
    before = shared_server.http.get("/jobs").json()["total"]
    files = [("files", ("a.wav", silence.read_bytes())), ("files", ("b.wav", b"nothing"))]
    assert shared_server.http.post("/transcribe", files=files).status_code == 415
    assert shared_server.http.get("/jobs").json()["total"] == before


def test_a_repeated_submission_makes_no_second_job(shared_server: RunningServer, silence: Path) -> None:
    """The same Idempotency-Key returns the same Job; for another file it is a conflict."""
    headers = {"Idempotency-Key": "only-once"}
    files = {"file": ("a.wav", silence.read_bytes())}
    ids = {shared_server.http.post("/transcribe", files=files, headers=headers).json()["id"] for _ in range(3)}
    assert len(ids) == 1
    other = {"file": ("a.wav", silence.read_bytes() + b"\0\0")}
    answer = shared_server.http.post("/transcribe", files=other, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_conflict")


def test_lists_are_filtered_and_paged(shared_server: RunningServer, silence: Path) -> None:
    """Newest first; `?status=` takes old names too; a wrong one is told."""
    ids = [shared_server.submit(silence)[0] for _ in range(3)]
    for task_id in ids:
        shared_server.finish(task_id)
    page = shared_server.http.get("/tasks", params={"per_page": 2}).json()
    assert [task["id"] for task in page["tasks"]] == ids[:0:-1]
    assert page["total"] >= 3
    completed = shared_server.http.get("/jobs", params={"status": "completed", "per_page": 200}).json()
    assert {job["status"] for job in completed["jobs"]} == {"completed"}
    assert shared_server.http.get("/jobs", params={"status": "pending"}).json()["total"] == 0
    assert shared_server.http.get("/jobs", params={"status": "error"}).status_code == 200
    assert shared_server.http.get("/jobs", params={"status": "lost"}).status_code == 400
    assert shared_server.http.get("/tasks", params={"per_page": 1000}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/tasks/none", "task_not_found"), ("GET", "/tasks/none/progress", "task_not_found"),
        ("GET", "/tasks/none/events", "task_not_found"), ("GET", "/tasks/none/transcript", "task_not_found"),
        ("POST", "/tasks/none/cancel", "task_not_found"), ("POST", "/tasks/none/retry", "task_not_found"),
        ("DELETE", "/tasks/none", "task_not_found"), ("GET", "/jobs/none", "job_not_found"),
        ("POST", "/jobs/none/cancel", "job_not_found"), ("POST", "/jobs/none/retry", "job_not_found"),
        ("DELETE", "/jobs/none", "job_not_found"), ("GET", "/nowhere", "not_found"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_404(shared_server: RunningServer, method: str, path: str, code: str) -> None:
    """In the one shape, with a request id that the header repeats."""
    answer = shared_server.http.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


def test_a_finished_task_can_be_deleted(shared_server: RunningServer, silence: Path) -> None:
    """Task, Job and bytes are gone."""
    (task_id,) = shared_server.submit(silence)
    shared_server.finish(task_id)
    media = shared_server.folder / "data" / "media"
    before = sum(path.is_file() for path in media.rglob("*"))
    assert shared_server.http.delete(f"/tasks/{task_id}").status_code == 204
    assert shared_server.http.get(f"/tasks/{task_id}").status_code == 404
    assert sum(path.is_file() for path in media.rglob("*")) == before - 1


def test_the_transcript_comes_in_formats(shared_server: RunningServer, silence: Path) -> None:
    """json, txt, srt, vtt, tsv; an unknown one is told."""
    (task_id,) = shared_server.submit(silence, initial_prompt="segments=2 words=1")
    shared_server.finish(task_id)
    json = shared_server.http.get(f"/tasks/{task_id}/transcript").json()
    assert [segment["index"] for segment in json["segments"]] == [0, 1]
    assert [word["word"] for word in json["segments"][0]["words"]] == ["Segment", "number", "0."]
    for kind, head in {"txt": "Segment number 0.\n", "srt": "1\n", "vtt": "WEBVTT", "tsv": "start\t"}.items():
        answer = shared_server.http.get(f"/tasks/{task_id}/transcript", params={"format": kind})
        assert answer.text.startswith(head)
    assert shared_server.http.get(f"/tasks/{task_id}/transcript", params={"format": "exe"}).status_code == 400


def test_polling_knows_when_nothing_changed(shared_server: RunningServer, silence: Path) -> None:
    """The ETag of an unchanged Task answers 304; `wait` with `after` in the past answers at once."""
    (task_id,) = shared_server.submit(silence)
    shared_server.finish(task_id)
    first = shared_server.http.get(f"/tasks/{task_id}/progress")
    assert set(first.json()) >= {"identifier", "status", "progress_percentage", "progress_stage", "error", "seq"}
    assert (first.json()["identifier"], first.json()["progress_percentage"]) == (task_id, 100)
    again = shared_server.http.get(f"/tasks/{task_id}/progress", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    held = shared_server.http.get(f"/tasks/{task_id}/progress", params={"wait": 20, "after": 0})
    assert held.json()["status"] == "completed"
    assert shared_server.http.get(f"/tasks/{task_id}/progress", params={"wait": -1}).status_code == 400
    listed = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    assert shared_server.http.get(f"/tasks/{task_id}/progress", headers=listed).status_code == 304


def test_a_finished_task_is_not_waited_for(shared_server: RunningServer, silence: Path) -> None:
    """Nothing will happen any more, so the answer comes at once, with and without `after`."""
    (task_id,) = shared_server.submit(silence)
    seq = shared_server.finish(task_id)["seq"]
    begun = time.monotonic()
    for query in ({"wait": 20, "after": seq}, {"wait": 20}):
        answer = shared_server.http.get(f"/tasks/{task_id}/progress", params=query)
        assert answer.json()["seq"] == seq
    assert time.monotonic() - begun < 5


def test_a_waiting_poll_answers_when_something_happens(shared_server: RunningServer, silence: Path) -> None:
    """`wait` holds the answer until the next event, so that a script needs one request per change."""
    (task_id,) = shared_server.submit(silence, initial_prompt="segments=4 delay=0.3")
    seq, seen = 0, []
    while not seen or seen[-1]["status"] not in ("completed", "failed"):
        answer = shared_server.http.get(f"/tasks/{task_id}/progress", params={"wait": 20, "after": seq}).json()
        assert answer["seq"] > seq
        seq = answer["seq"]
        seen.append(answer)
    percentages = [answer["progress_percentage"] for answer in seen]
    assert percentages == sorted(percentages)
    assert len(set(percentages)) > 5


def test_health_tells_about_the_worker(shared_server: RunningServer) -> None:
    """/health has the worker's state; live and ready answer; engines are described."""
    health = shared_server.http.get("/health").json()
    assert (health["status"], health["worker"]["status"], health["database"]) == ("ok", "running", "ok")
    assert shared_server.http.get("/health/live").json() == {"status": "ok"}
    assert shared_server.http.get("/health/ready").json() == {"status": "ok"}
    engines = {engine["name"]: engine for engine in shared_server.http.get("/health/engines").json()["engines"]}
    assert engines["pocketsphinx"]["usable"]
    assert "whisperx" in engines


def test_the_api_is_documented(shared_server: RunningServer) -> None:
    """/openapi.json has the polling route as agreed; /docs works without a foreign server."""
    schema = shared_server.http.get("/openapi.json").json()
    progress = schema["paths"]["/tasks/{task_id}/progress"]["get"]
    assert progress["tags"] == ["Tasks Management"]
    assert progress["summary"] == "Get task progress"
    assert "fallback when WebSocket is unavailable" in progress["description"]
    for path in ("/transcribe", "/transcribe/url", "/jobs", "/jobs/{job_id}", "/tasks", "/health"):
        assert path in schema["paths"]
    docs = shared_server.http.get("/docs")
    assert docs.status_code == 200
    assert "http" not in docs.text.replace("http-equiv", "")
    assert shared_server.http.get("/assets/vendor/swagger-ui/swagger-ui-bundle.js").status_code == 200


def test_every_answer_forbids_foreign_code(shared_server: RunningServer) -> None:
    """Pages and answers carry a strict policy, and are not sniffed."""
    for path in ("/", "/health", "/nowhere"):
        headers = shared_server.http.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_limit_is_kept_while_bytes_arrive(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """A file over the limit is 413, and nothing of it stays."""
    server = serve(max_upload_mb=1, embedded_worker="false").start()
    answer = server.http.post("/transcribe", files={"file": ("big.wav", bytes(3 * 1024 * 1024))})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert [path for path in (tmp_path / "data" / "media").rglob("*") if path.is_file()] == []
