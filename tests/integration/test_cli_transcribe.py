"""`cesar transcribe` without a server: the whole pipeline in one command, in the same library, losing nothing."""

import json
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.cesar_command import AUDIO, Command, ended
from tests.fakes.spoken import reference, word_error_rate
from tests.running_server import SCRIPTED, RunningServer, descendants, free_port, wait_for

SHORT, LONGER = AUDIO / "austen-0880.wav", AUDIO / "austen-0890.wav"
SLOW = ("--initial-prompt", "segments=20 delay=0.5")


@pytest.fixture
def alone(tmp_path: Path) -> Command:
    """The command on a machine without a server."""
    return Command(tmp_path, port=free_port())


def rows(command: Command, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{command.folder}/data/cesar.db?mode=ro", uri=True) as library:
        return library.execute(query).fetchall()


def has_status(command: Command, status: str) -> bool:
    try:
        return rows(command, "SELECT status FROM tasks") == [(status,)]
    except sqlite3.OperationalError:
        return False


def test_words_go_to_stdout_and_everything_else_to_stderr(alone: Command) -> None:
    """A pipe gets the transcript and nothing else; stderr tells the stages, the engine, and how to get a better one."""
    result = alone.run("transcribe", SHORT)
    assert result.returncode == 0, result.stderr
    assert word_error_rate(reference("audio/austen-0880"), result.stdout) <= 0.7
    assert "austen-0880.wav: transcribing" in result.stderr
    assert "done with pocketsphinx" in result.stderr
    assert "cesar doctor" in result.stderr
    assert result.stdout.strip() not in result.stderr


def test_two_files_become_one_job_and_two_transcripts(alone: Command, tmp_path: Path) -> None:
    """The folder gets a file for each recording; the library has one completed Job with both."""
    result = alone.run("transcribe", SHORT, LONGER, "--no-diarize", "--format", "srt", "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["austen-0880.srt", "austen-0890.srt"]
    assert " --> " in (tmp_path / "out" / "austen-0890.srt").read_text()
    assert rows(alone, "SELECT status, progress_total, diarize FROM jobs") == [("completed", 2, 0)]


def test_a_bad_file_fails_alone(alone: Command, tmp_path: Path) -> None:
    """A file that holds no audio is named with its remedy and exit status 1; the other's transcript is there."""
    (tmp_path / "noise.wav").write_bytes(b"this is no recording " * 100)
    result = alone.run("transcribe", tmp_path / "noise.wav", SHORT, "--quiet", "--format", "json")
    assert result.returncode == 1
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["engine"] == "pocketsphinx"
    assert "noise.wav: failed. This file holds no audio" in result.stderr
    assert "→ Check that the file plays" in result.stderr
    assert "austen" not in result.stderr


def test_a_failing_run_tells_what_to_do(alone: Command) -> None:
    """A Task that fails in the worker ends the command with 1, the sentence and the remedy."""
    result = alone.run("transcribe", SHORT, "--language", "de", "--quiet")
    assert (result.returncode, result.stdout) == (1, "")
    assert "The engine does not know this language." in result.stderr
    assert "→ Leave the language out" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nowhere.wav",), "nowhere.wav cannot be read"),
        ((str(SHORT), "--format", "exe"), "--format must be one of"),
        ((str(SHORT), "--min-speakers", "3", "--max-speakers", "2"), "min_speakers must not be greater"),
        ((str(SHORT), "--server", "http://127.0.0.1:1"), "No Cesar answers at http://127.0.0.1:1"),
        ((str(SHORT), "--server", "http://127.0.0.1:1", "--no-server"), "contradict"),
        ((), "Missing argument"),
    ],
)
def test_bad_usage_ends_with_2_before_any_work(alone: Command, arguments: tuple[str, ...], reason: str) -> None:
    """One sentence, exit status 2, and no library is made."""
    result = alone.run("transcribe", *arguments)
    assert result.returncode == 2
    assert reason in result.stderr
    assert not (alone.folder / "data").exists()


def test_settings_that_cannot_work_end_with_2(tmp_path: Path) -> None:
    """A data folder that cannot be made is said in one sentence."""
    (tmp_path / "data").write_text("a file")
    result = Command(tmp_path, port=0).run("transcribe", SHORT)
    assert (result.returncode, result.stdout) == (2, "")
    assert "The data folder" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_reader_that_has_enough_is_no_crash(alone: Command) -> None:
    """When the reader of the pipe is gone the command ends without a traceback."""
    with alone.started("transcribe", SHORT, "--quiet") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait(60)
        assert (process.returncode, alone.told) == (1, "")


def test_ctrl_c_cancels_and_keeps_the_recording(tmp_path: Path) -> None:
    """SIGINT in the middle: exit status 130, the Task is cancelled in the library, and no process is left."""
    command = Command(tmp_path, port=0, engine=SCRIPTED)
    with command.started("transcribe", SHORT, *SLOW) as process:
        wait_for(lambda: has_status(command, "processing"), 60)
        family = descendants(process.pid)
        assert family
        result = command.interrupt(process, lambda: True)
    assert result.returncode == 130
    assert "Cancelled task" in result.stderr
    assert "Traceback" not in result.stderr
    assert rows(command, "SELECT status FROM tasks") == [("cancelled",)]
    wait_for(lambda: ended(family), 20)


def test_a_killed_command_loses_nothing(tmp_path: Path) -> None:
    """SIGKILL to the command: its worker finishes the Task, which a server then finds in the same library, and ends."""
    command = Command(tmp_path, port=0, engine=SCRIPTED)
    with command.started("transcribe", SHORT, "--initial-prompt", "segments=4 delay=0.5") as process:
        wait_for(lambda: has_status(command, "processing"), 60)
        family = descendants(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_for(lambda: has_status(command, "completed"), 60)
    wait_for(lambda: ended(family), 20)
    server = RunningServer(tmp_path).start()
    try:
        (task,) = server.http.get("/tasks").json()["tasks"]
        assert (task["filename"], task["attempt"]) == (SHORT.name, 1)
    finally:
        server.close()
