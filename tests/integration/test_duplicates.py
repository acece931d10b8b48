"""The same recording again, on a real server and with the real command."""

import io
import wave
from pathlib import Path

import pytest

from benchmarks.transcoded import Samples, decoded, transcoded
from tests.cesar_command import AUDIO, Command
from tests.running_server import RunningServer, wait_for

SPEECH = AUDIO / "jfk.flac"


def send(server: RunningServer, name: str, content: bytes, **fields: str) -> dict[str, object]:
    """One file; the Task of the answer."""
    answer = server.http.post("/transcribe", files={"file": (name, content)}, data=fields)
    assert answer.status_code == 202, answer.text
    (task,) = answer.json()["tasks"]
    return dict(task)


def as_wav(samples: Samples) -> bytes:
    """The samples in a file."""
    target = io.BytesIO()
    with wave.open(target, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(samples.tobytes())
    return target.getvalue()


@pytest.fixture(scope="module")
def first(shared_server: RunningServer) -> dict[str, object]:
    """A finished Task about the speech."""
    task = send(shared_server, "speech.flac", SPEECH.read_bytes())
    assert task["duplicate_of"] is None
    return shared_server.finish(str(task["id"]))


def test_the_answer_says_what_is_there_and_reuses_it(shared_server: RunningServer, first: dict[str, object]) -> None:
    """The Task of the answer is completed, names the File and the Task that were there, and its transcript can be read at once."""
    task = send(shared_server, "again.flac", SPEECH.read_bytes(), on_duplicate="reuse")
    assert (task["status"], task["reused_from"]) == ("completed", first["id"])
    assert task["duplicate_of"] == {
        "file_id": first["file_id"],
        "score": 1.0,
        "task_id": first["id"],
        "transcript": f"/tasks/{first['id']}/transcript",
        "differs": [],
    }
    later = shared_server.http.get(f"/jobs/{task['job_id']}").json()["tasks"]
    assert [shared_server.task(str(task["id"])), *later] == [task, task]
    transcript = shared_server.http.get(f"/tasks/{task['id']}/transcript").json()
    assert transcript["text"] == first["result_text"]
    told = shared_server.history(str(task["id"]))
    assert [event["type"] for event in told] == ["status", "segments_revised", "progress", "status"]
    assert [event["seq"] for event in told] == [1, 2, 3, 4]


def test_what_differs_is_said(shared_server: RunningServer, first: dict[str, object]) -> None:
    """Other options: the recording is transcribed, and the answer names them."""
    task = send(shared_server, "other.flac", SPEECH.read_bytes(), on_duplicate="reuse", beam_size="2")
    assert task["duplicate_of"]["differs"] == ["beam_size"]  # type: ignore[index]
    assert shared_server.finish(str(task["id"]))["reused_from"] is None


def test_a_duplicate_can_be_refused(shared_server: RunningServer, first: dict[str, object]) -> None:
    """409 with the ids of what is there; a choice that there is not is malformed."""
    body = {"files": {"file": ("a.flac", SPEECH.read_bytes())}}
    answer = shared_server.http.post("/transcribe", **body, data={"on_duplicate": "refuse"})  # type: ignore[arg-type]
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "duplicate_refused"
    assert "task " in answer.json()["error"]["detail"]
    answer = shared_server.http.post("/transcribe", **body, data={"on_duplicate": "perhaps"})  # type: ignore[arg-type]
    assert answer.status_code == 422


def test_another_encoding_is_found_while_it_is_transcribed(
    shared_server: RunningServer, first: dict[str, object]
) -> None:
    """The worker hears that a smaller, shorter, quieter copy is the same recording; both routes show it, and a stranger in no group."""
    samples = decoded(str(SPEECH))
    copy = as_wav(transcoded(samples[16_000:] // 2, "ogg", "libopus", 48_000, bit_rate=24_000))
    stranger = send(shared_server, "stranger.wav", (AUDIO / "austen-0870.wav").read_bytes())
    task = send(shared_server, "copy.wav", copy)
    assert task["duplicate_of"] is None
    for each in (stranger, task):
        shared_server.finish(str(each["id"]))
    pairs = shared_server.http.get(f"/files/{task['file_id']}/duplicates").json()
    mine = [pair for pair in pairs if pair["duplicate_of_id"] == first["file_id"]]
    assert [pair["match_type"] for pair in mine] == ["perceptual"]
    assert mine[0]["similarity_score"] >= 0.9
    groups = shared_server.http.get("/duplicates").json()
    assert groups["total"] == 1
    (group,) = groups["groups"]
    assert group["files"][0]["id"] == first["file_id"]
    assert task["file_id"] in [file["id"] for file in group["files"]]
    assert stranger["file_id"] not in [file["id"] for file in group["files"]]
    assert shared_server.http.get("/files/nobody/duplicates").status_code == 404


def test_imported_recordings_are_heard_by_an_idle_worker(shared_server: RunningServer) -> None:
    """Two encodings that were taken in without transcribing them are found to be one recording, a while later."""
    samples = decoded(str(AUDIO / "austen-0890.wav"))
    copy = as_wav(transcoded(samples, "mp3", "libmp3lame", 44_100, bit_rate=64_000))
    files = [("files", ("one.wav", as_wav(samples))), ("files", ("other.wav", copy))]
    answer = shared_server.http.post("/jobs", files=files, data={"job_type": "import"})
    assert answer.status_code == 202, answer.text
    older, newer = (file["id"] for file in answer.json()["files"])

    def are_found() -> bool:
        pairs = shared_server.http.get(f"/files/{newer}/duplicates").json()
        return [(pair["match_type"], pair["duplicate_of_id"]) for pair in pairs] == [("perceptual", older)]

    wait_for(are_found, 60)


def test_a_decision_shows_in_the_group(shared_server: RunningServer, first: dict[str, object]) -> None:
    """Kept and discarded copies are marked; the others are not."""
    send(shared_server, "again.flac", SPEECH.read_bytes(), on_duplicate="reuse")
    file_id = first["file_id"]
    for kind, shown in (("discard_duplicate", "discard"), ("keep_duplicate", "keep")):
        body = {"decision_type": kind}
        answer = shared_server.http.post(f"/files/{file_id}/decisions", json=body)
        assert answer.status_code in (200, 201), answer.text
        groups = shared_server.http.get("/duplicates").json()["groups"]
        assert [file["decision"] for group in groups for file in group["files"] if file["id"] == file_id] == [shown]


def test_the_choice_is_documented(shared_server: RunningServer) -> None:
    """OpenAPI names the field of the form and of the JSON, the routes, and what the answer tells."""
    described = shared_server.http.get("/openapi.json").json()
    assert {"/duplicates", "/files/{file_id}/duplicates"} <= described["paths"].keys()
    content = described["paths"]["/transcribe"]["post"]["requestBody"]["content"]
    for kind in ("multipart/form-data", "application/json"):
        assert "reuse" in str(content[kind]["schema"]["properties"]["on_duplicate"])
    assert {"file_id", "score", "task_id", "transcript", "differs"} == set(
        described["components"]["schemas"]["DuplicateOf"]["properties"]
    )


def test_the_command_reuses_and_refuses(tmp_path: Path) -> None:
    """The second time the same words come without an engine; refusing ends with 1 and says what is there."""
    command = Command(tmp_path)
    recording = AUDIO / "austen-0880.wav"
    once = command.run("transcribe", recording, "--no-server", "--no-diarize")
    again = command.run("transcribe", recording, "--no-server", "--no-diarize", "--on-duplicate", "reuse")
    assert (once.returncode, again.returncode) == (0, 0), again.stderr
    assert again.stdout == once.stdout
    assert "transcribing" not in again.stderr
    refused = command.run("transcribe", recording, "--no-server", "--on-duplicate", "refuse")
    assert refused.returncode == 1
    assert "This recording was transcribed before." in refused.stderr
    bad = command.run("transcribe", recording, "--no-server", "--on-duplicate", "perhaps")
    assert bad.returncode == 2
    assert "--on-duplicate" in bad.stderr
