"""Jobs over many recordings, on a real server: import, process, export, and what happens to them when things break."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running_server import RunningServer, wait_for
from tests.workbench import write_wav

FINISHED = ("completed", "partial", "failed", "cancelled")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """An allowed folder with three recordings, one of them in a folder of its own, and things that are none."""
    folder = tmp_path / "recordings"
    (folder / "older").mkdir(parents=True)
    write_wav(folder / "a.wav", 0.2)
    write_wav(folder / "b.wav", 0.3)
    write_wav(folder / "older" / "a.wav", 0.4)
    (folder / "notes.txt").write_text("no recording")
    (folder / ".hidden.wav").write_bytes((folder / "a.wav").read_bytes())
    return folder


@pytest.fixture
def library(serve: Callable[..., RunningServer], recordings: Path) -> RunningServer:
    """A server that may import that folder, and one that cannot even be looked at."""
    return serve(import_folders=f"{recordings},/{'x' * 300}", lease_seconds=3, shutdown_seconds=2).start()


def post(server: RunningServer, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """POST /jobs; the Job."""
    answer = server.http.post("/jobs", json=body, headers={"idempotency-key": key} if key else {})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/jobs/{answer.json()['id']}"
    return dict(answer.json())


def refusal(server: RunningServer, body: dict[str, Any]) -> tuple[int, str]:
    """POST /jobs; status and code of the refusal."""
    answer = server.http.post("/jobs", json=body)
    return answer.status_code, answer.json()["error"]["code"]


def finished(server: RunningServer, job_id: str, seconds: float = 60) -> dict[str, Any]:
    """The Job when it is finished."""
    seen: dict[str, Any] = {}

    def is_finished() -> bool:
        seen.update(server.http.get(f"/jobs/{job_id}").json())
        return seen["status"] in FINISHED

    wait_for(is_finished, seconds, lambda: f"{seen}\n{server.log[-3000:]}")
    return seen


def imported(server: RunningServer, folder: Path) -> dict[str, Any]:
    """An import Job of this folder, finished."""
    return finished(server, post(server, {"job_type": "import", "folder": str(folder)})["id"])


@pytest.mark.parametrize("nanoseconds", [-(2**61), 2**62, 2**63 + 2**62])
def test_a_time_that_cannot_be_keeps_nothing_out(library: RunningServer, recordings: Path, nanoseconds: int) -> None:
    """A disk that made up when a file changed: it is imported with the others, and that time is not believed."""
    os.utime(recordings / "a.wav", ns=(0, nanoseconds))
    taken = imported(library, recordings)
    assert (taken["status"], len(taken["files"])) == ("completed", 3)
    file = library.http.get(f"/files/{taken['files'][0]['id']}").json()
    assert file["effective_timestamp"]["value"] is None
    again = imported(library, recordings)
    assert {file["id"] for file in again["files"]} == {file["id"] for file in taken["files"]}


def test_a_folder_is_imported_and_transcribed_and_exported(library: RunningServer, recordings: Path) -> None:
    """Its recordings become Files, one Job transcribes them, one archive holds their transcripts under names of their own."""
    taken = imported(library, recordings)
    assert (taken["status"], taken["progress_current"], taken["progress_total"], taken["progress"]) == (
        "completed",
        3,
        3,
        100,
    )
    assert [file["filename"] for file in taken["files"]] == ["a.wav", "b.wav", "a.wav"]
    assert taken["tasks"] == []
    assert library.http.get("/import-folders").json() == {"folders": [str(recordings)]}
    assert taken["asked"]["folder"] == str(recordings)

    ids = [file["id"] for file in taken["files"]]
    job = finished(library, post(library, {"files": [*ids, ids[0]]})["id"])
    assert (job["job_type"], job["status"], job["progress_total"], job["asked"]) == ("process", "completed", 3, None)
    assert [task["file_id"] for task in job["tasks"]] == ids

    for selection in ({"files": ids}, {"jobs": [taken["id"]]}, {"tasks": [task["id"] for task in job["tasks"]]}):
        export = finished(library, post(library, {"job_type": "export", "formats": ["txt", "srt"], **selection})["id"])
        assert (export["status"], export["progress_total"]) == ("completed", 3)
        counted = {kind: len(selection.get(kind, ())) for kind in ("files", "tasks", "jobs")}
        assert export["asked"] == {"folder": None, "formats": ["txt", "srt"], "tag": None, **counted}
        archive = library.http.get(export["links"]["archive"])
        assert archive.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
            assert packed.testzip() is None
            assert sorted(packed.namelist()) == ["a-2.srt", "a-2.txt", "a.srt", "a.txt", "b.srt", "b.txt"]
            first = library.http.get(f"/tasks/{job['tasks'][1]['id']}/transcript?format=txt").content
            assert packed.read("b.txt") == first


def test_what_was_imported_is_not_taken_twice(library: RunningServer, recordings: Path) -> None:
    """Neither an unchanged file nor the same bytes under another name; a changed file is a new recording."""
    first = {file["id"] for file in imported(library, recordings)["files"]}
    shutil.copyfile(recordings / "a.wav", recordings / "copy.wav")
    write_wav(recordings / "b.wav", 0.5)
    again = imported(library, recordings)
    assert again["progress_total"] == 4
    ids = {file["id"] for file in again["files"]}
    assert len(ids) == 3
    assert len(ids - first) == 1
    assert len(list((library.folder / "data" / "media").glob("??/*"))) == 4


def test_one_bad_file_stops_no_other(library: RunningServer, recordings: Path) -> None:
    """What cannot be taken in is named; the rest is there. A retry takes what has been mended."""
    (recordings / "b.wav").write_bytes(b"no sound at all")
    taken = imported(library, recordings)
    assert (taken["status"], len(taken["files"])) == ("partial", 2)
    assert "b.wav: This file holds no audio" in taken["error_message"]
    assert str(recordings) not in taken["error_message"]
    write_wav(recordings / "b.wav", 0.3)
    retried = library.http.post(f"/jobs/{taken['id']}/retry").json()
    assert retried["retry_count"] == 1
    mended = finished(library, taken["id"])
    assert (mended["status"], len(mended["files"]), mended["error_message"]) == ("completed", 3, None)


def test_nothing_leads_out_of_the_allowed_folders(library: RunningServer, recordings: Path, tmp_path: Path) -> None:
    """Neither `..`, nor a link to a folder, nor a link to a file; and what is there elsewhere is not told."""
    outside = tmp_path / "outside"
    outside.mkdir()
    write_wav(outside / "secret.wav")
    (recordings / "way-out").symlink_to(outside)
    (recordings / "secret.wav").symlink_to(outside / "secret.wav")
    os.mkfifo(recordings / "pipe.wav")
    for folder in (
        outside,
        recordings / ".." / "outside",
        recordings / "way-out",
        tmp_path / "absent",
        "recordings",
        "/",
    ):
        assert refusal(library, {"job_type": "import", "folder": str(folder)}) == (403, "folder_refused")
    taken = imported(library, recordings)
    assert (taken["status"], len(taken["files"])) == ("completed", 3)


def test_without_allowed_folders_none_is_imported(shared_server: RunningServer, tmp_path: Path) -> None:
    """Nobody gets at the server's disk unless the admin said so."""
    assert refusal(shared_server, {"job_type": "import", "folder": str(tmp_path)}) == (403, "folder_refused")


def test_uploaded_files_are_imported_without_being_transcribed(shared_server: RunningServer, tmp_path: Path) -> None:
    """A form of files is a finished import Job at once; a bad file is named, and alone it is refused."""
    good, bad = write_wav(tmp_path / "good.wav", 0.7), tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")

    def send(*paths: Path) -> Any:
        files = [("files", (path.name, path.read_bytes())) for path in paths]
        return shared_server.http.post(
            "/jobs", files=files, data={"job_type": "import"}, headers={"idempotency-key": "form"}
        )

    job = send(good, bad).json()
    assert (job["status"], [file["filename"] for file in job["files"]]) == ("partial", ["good.wav"])
    assert job["error_message"].startswith("bad.wav: ")
    assert send(good, bad).json()["id"] == job["id"]
    assert send(good).json()["error"]["code"] == "idempotency_conflict"
    files = [("files", ("bad.wav", bad.read_bytes()))]
    alone = shared_server.http.post("/jobs", files=files, data={"job_type": "import"})
    assert (alone.status_code, alone.json()["error"]["code"]) == (415, "not_media")
    retry = shared_server.http.post(f"/jobs/{job['id']}/retry")
    assert (retry.status_code, retry.json()["error"]["code"]) == (409, "illegal_move")


def test_a_killed_import_goes_on_where_it_was(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """Every recording is there once, however often the worker dies."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        write_wav(folder / f"{number:02}.wav", 0.2 + number / 100)
    server = serve(import_folders=folder, lease_seconds=3).start()
    job = post(server, {"job_type": "import", "folder": str(folder)})
    for enough in (2, 5):
        wait_for(lambda enough=enough: len(server.http.get(f"/jobs/{job['id']}").json()["files"]) >= enough, 30)
        os.kill(server.worker_pid(), 9)
        wait_for(lambda: server.worker_pid_or_none() is not None, 20)
    done = finished(server, job["id"])
    assert (done["status"], done["progress_total"], len({file["id"] for file in done["files"]})) == (
        "completed",
        12,
        12,
    )
    assert len(list((server.folder / "data" / "media").glob("??/*"))) == 12


def test_an_import_can_be_cancelled(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """What was taken in stays, nothing more comes, and a retry takes the rest."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(20):
        write_wav(folder / f"{number:02}.wav", 0.2 + number / 100)
    server = serve(import_folders=folder).start()
    job = post(server, {"job_type": "import", "folder": str(folder)})
    wait_for(lambda: len(server.http.get(f"/jobs/{job['id']}").json()["files"]) >= 2, 30)
    assert server.http.post(f"/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    wait_for(lambda: "errand_stopped" in server.log, 10)
    some = server.http.get(f"/jobs/{job['id']}").json()
    assert (some["status"], 2 <= len(some["files"]) < 20) == ("cancelled", True)
    assert server.http.post(f"/jobs/{job['id']}/retry").status_code == 200
    assert len(finished(server, job["id"])["files"]) == 20


def test_exports_are_refused_and_fetched_at_the_right_time(shared_server: RunningServer, silence: Path) -> None:
    """What is unknown is refused; without a transcript there is no archive; of no other Job is there one."""
    assert refusal(shared_server, {"job_type": "export"}) == (400, "bad_value")
    assert refusal(shared_server, {"job_type": "export", "files": ["x"]}) == (404, "file_not_found")
    assert refusal(shared_server, {"job_type": "export", "tasks": ["x"]}) == (404, "task_not_found")
    assert refusal(shared_server, {"job_type": "export", "jobs": ["x"]}) == (404, "job_not_found")
    assert refusal(shared_server, {"job_type": "export", "jobs": ["x"], "formats": ["doc"]}) == (400, "bad_value")
    assert refusal(shared_server, {"job_type": "other"}) == (422, "malformed")
    files = [("files", ("quiet.wav", silence.read_bytes()))]
    kept = shared_server.http.post("/jobs", files=files, data={"job_type": "import"}).json()
    export = finished(shared_server, post(shared_server, {"job_type": "export", "jobs": [kept["id"]]})["id"])
    assert (export["status"], export["links"]["archive"]) == ("failed", None)
    assert export["error_message"] == "quiet.wav: There is no transcript yet."
    early = shared_server.http.get(f"/jobs/{export['id']}/archive")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "export_not_ready")
    other = shared_server.http.get(f"/jobs/{kept['id']}/archive")
    assert (other.status_code, other.json()["error"]["code"]) == (404, "not_found")


def test_the_archive_goes_with_its_job(shared_server: RunningServer, silence: Path) -> None:
    """Deleting an export removes its bytes and nothing else; a repeated key makes no second one."""
    (task,) = shared_server.submit(silence)
    shared_server.finish(task)
    media = shared_server.folder / "data" / "media"
    before = sorted(media.glob("??/*"))
    body = {"job_type": "export", "tasks": [task], "formats": ["docx", "json"]}
    export = finished(shared_server, post(shared_server, body, "once")["id"])
    assert post(shared_server, body, "once")["id"] == export["id"]
    part = shared_server.http.get(f"/jobs/{export['id']}/archive", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PK\x03\x04")
    assert len(list(media.glob("??/*"))) == len(before) + 1
    assert shared_server.http.delete(f"/jobs/{export['id']}").status_code == 204
    assert sorted(media.glob("??/*")) == before


def test_a_tag_is_exported_and_its_end_is_told(library: RunningServer, recordings: Path) -> None:
    """The recordings that have the tag, and no others; the Job says itself how far it is, over the socket."""
    taken = imported(library, recordings)
    ids = [file["id"] for file in taken["files"]]
    tagged = {"decision_type": "tag_assignment", "decision_value": ["Interviews"]}
    assert library.http.post(f"/files/{ids[1]}/decisions", json=tagged).status_code == 201
    finished(library, post(library, {"files": ids})["id"])
    export = post(library, {"job_type": "export", "tag": "Interviews", "formats": ["vtt"]})
    with library.socket("/ws") as socket:
        socket.send(json.dumps({"type": "subscribe", "job_id": export["id"]}))
        told: dict[str, Any] = {}
        while told.get("status") != "completed":
            heard = json.loads(socket.recv(timeout=30))
            told = heard if heard["type"] == "job" else told
    assert (told["job_type"], told["progress_current"], told["progress_total"]) == ("export", 1, 1)
    archive = library.http.get(f"/jobs/{export['id']}/archive")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
        assert packed.namelist() == ["b.vtt"]


def test_imported_recordings_outlive_every_job(library: RunningServer, recordings: Path) -> None:
    """Deleting the import and the Job that transcribed them keeps the Files; what came with a Job goes with it."""
    taken = imported(library, recordings)
    ids = [file["id"] for file in taken["files"]]
    job = post(library, {"files": ids})
    finished(library, job["id"])
    media = library.folder / "data" / "media"
    for one in (taken, job):
        assert library.http.delete(f"/jobs/{one['id']}").status_code == 204
        assert len(list(media.glob("??/*"))) == 3
    assert finished(library, post(library, {"files": ids[:1]})["id"])["status"] == "completed"
    (uploaded,) = library.submit(recordings / "a.wav")
    library.finish(uploaded)
    came = library.task(uploaded)
    over = post(library, {"files": [came["file_id"]]})
    finished(library, over["id"])
    assert library.http.delete(f"/jobs/{came['job_id']}").status_code == 204
    assert len(list(media.glob("??/*"))) == 4  # the second Job still holds it
    assert library.http.delete(f"/jobs/{over['id']}").status_code == 204
    assert len(list(media.glob("??/*"))) == 3
    assert refusal(library, {"files": [came["file_id"]]}) == (404, "file_not_found")
