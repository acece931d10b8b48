"""`cesar import` and `cesar watch`: folders go into the library, once, with a server and without."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from tests.cesar_command import Command
from tests.running_server import SCRIPTED, RunningServer, wait_for
from tests.workbench import write_wav


def recordings(folder: Path) -> Path:
    """Two recordings, one of them in a folder of its own, and a file that is none."""
    (folder / "deeper").mkdir(parents=True)
    write_wav(folder / "a.wav", 0.2)
    write_wav(folder / "deeper" / "b.wav", 0.3)
    (folder / "notes.txt").write_text("no recording")
    return folder


def names(server: RunningServer) -> list[str]:
    """Names of the Files in the library, oldest first."""
    return [file["filename"] for file in server.http.get("/files").json()["files"]][::-1]


def test_a_folder_is_imported_once(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """One Job takes in its recordings; the same command again finds them there, under whatever name."""
    server, folder = serve().start(), recordings(tmp_path / "in")
    cesar = Command(tmp_path / "client", port=server.port)
    first = cesar.run("import", folder)
    assert first.returncode == 0, first.stderr
    assert "2 are new, 0 were there already." in first.stderr
    assert names(server) == ["a.wav", "b.wav"]
    assert server.http.get("/tasks").json()["total"] == 0
    shutil.copyfile(folder / "a.wav", folder / "again.wav")
    again = cesar.run("import", folder)
    assert "0 are new, 3 were there already." in again.stderr
    assert len(names(server)) == 2
    assert server.http.get("/jobs?job_type=import").json()["total"] == 1


def test_what_cannot_be_taken_is_told(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """The others are taken, and the exit status says that something is missing; a folder that is none is bad usage."""
    server, folder = serve(max_upload_mb=1).start(), recordings(tmp_path / "in")
    (folder / "bad.wav").write_bytes(b"no sound")
    write_wav(folder / "large.wav", 40)
    cesar = Command(tmp_path / "client", port=server.port)
    result = cesar.run("import", folder)
    assert result.returncode == 1
    assert "bad.wav: This file holds no audio" in result.stderr
    assert "large.wav: The file is larger" in result.stderr
    assert names(server) == ["a.wav", "b.wav"]
    assert cesar.run("import", folder / "a.wav").returncode == 2


def test_what_is_imported_is_transcribed_if_wished(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """One Job for all that is new; a second run has nothing left to do."""
    server, folder = serve().start(), recordings(tmp_path / "in")
    cesar = Command(tmp_path / "client", port=server.port)
    assert cesar.run("import", folder, "--transcribe", "--no-diarize").returncode == 0
    jobs = server.http.get("/jobs?job_type=process").json()
    assert (jobs["total"], jobs["jobs"][0]["progress_total"], jobs["jobs"][0]["diarize"]) == (1, 2, False)
    assert cesar.run("import", folder, "--transcribe").returncode == 0
    assert server.http.get("/jobs?job_type=process").json()["total"] == 1


def test_without_a_server_the_command_does_it_alone(tmp_path: Path) -> None:
    """The recordings are in the data folder, and transcribed before the command ends."""
    folder = recordings(tmp_path / "in")
    cesar = Command(tmp_path / "client", engine=SCRIPTED)
    result = cesar.run("import", folder, "--transcribe", "--no-server")
    assert result.returncode == 0, result.stderr
    with sqlite3.connect(tmp_path / "client" / "data" / "cesar.db") as database:
        assert database.execute("SELECT count(*) FROM files WHERE imported").fetchone() == (2,)
        assert database.execute("SELECT status, count(*) FROM tasks GROUP BY status").fetchall() == [("completed", 2)]
    database.close()


def test_a_watched_folder_is_taken_in_as_it_fills(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """What appears is imported and transcribed when it no longer grows; what is there already is not; Ctrl-C is a good end."""
    server, folder = serve().start(), recordings(tmp_path / "in")
    cesar = Command(tmp_path / "client", port=server.port)
    assert cesar.run("import", folder).returncode == 0
    whole = write_wav(tmp_path / "whole.wav", 0.5).read_bytes()
    with cesar.started("watch", folder, "--transcribe", "--every", "0.2", "--settle", "2") as process:
        wait_for(lambda: server.http.get("/tasks").json()["total"] == 2, 30)  # were imported, never transcribed
        growing = folder / "growing.wav"
        with growing.open("wb", buffering=0) as file:
            for start in range(0, len(whole), len(whole) // 8):
                file.write(whole[start : start + len(whole) // 8])
                time.sleep(0.5)
                assert "growing.wav" not in names(server)
        result = cesar.interrupt(process, lambda: "growing.wav" in names(server))
    assert result.returncode == 0, result.stderr
    assert names(server) == ["a.wav", "b.wav", "growing.wav"]
    (file,) = [one for one in server.http.get("/files").json()["files"] if one["filename"] == "growing.wav"]
    assert file["file_size_bytes"] == len(whole)
