"""`cesar transcribe` beside a running server: it is found, used, and survived."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.cesar_command import AUDIO, SMALL_ENGINE, Command
from tests.fakes.spoken import reference, word_error_rate
from tests.running_server import RunningServer, free_port, wait_for

SHORT, LONGER = AUDIO / "austen-0880.wav", AUDIO / "austen-0890.wav"
SLOW = ("--initial-prompt", "segments=8 delay=0.5")


def beside(server: RunningServer, **settings: object) -> Command:
    """The command with the settings that make it find this server; its own data folder stays unused."""
    return Command(server.folder / "client", port=server.port, **settings)


def only_task(server: RunningServer) -> dict[str, object]:
    tasks = server.http.get("/tasks").json()["tasks"]
    return dict(tasks[0]) if tasks else {}


def is_processing(server: RunningServer) -> bool:
    return only_task(server).get("status") == "processing"


def test_a_running_server_is_used(serve: Callable[..., RunningServer]) -> None:
    """The words come from the server that listens where the settings say, and the command makes no library of its own."""
    server = serve(engine=SMALL_ENGINE).start()
    result = beside(server).run("transcribe", SHORT)
    assert result.returncode == 0, result.stderr
    assert f"the server at http://127.0.0.1:{server.port}" in result.stderr
    assert word_error_rate(reference("audio/austen-0880"), result.stdout) <= 0.7
    assert result.stdout.strip() == only_task(server)["result_text"]
    assert not (server.folder / "client").exists()


def test_two_files_are_uploaded_as_one_job(shared_server: RunningServer) -> None:
    """Options travel, and the transcripts come in the order of the arguments, as lines of JSON."""
    result = beside(shared_server).run(
        "transcribe", LONGER, SHORT, "--no-diarize", "--format", "json", "--language", "en"
    )
    assert result.returncode == 0, result.stderr
    job = shared_server.http.get("/jobs").json()["jobs"][0]
    assert [task["filename"] for task in job["tasks"]] == [LONGER.name, SHORT.name]
    assert (job["diarize"], job["language"]) == (False, "en")
    spoken = [json.loads(line)["task_id"] for line in result.stdout.splitlines()]
    assert spoken == [task["id"] for task in job["tasks"]]


def test_a_named_server_wins(shared_server: RunningServer, tmp_path: Path) -> None:
    """--server takes the address as given, also without a scheme."""
    command = Command(tmp_path, port=free_port())
    result = command.run(
        "transcribe", SHORT, "--server", f"127.0.0.1:{shared_server.port}", "--output", tmp_path / "a.vtt"
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "a.vtt").read_text().startswith("WEBVTT")


def test_a_server_can_be_left_alone(shared_server: RunningServer, tmp_path: Path) -> None:
    """--no-server works alone although a server runs."""
    before = shared_server.http.get("/tasks").json()["total"]
    command = Command(tmp_path, port=shared_server.port)
    result = command.run("transcribe", SHORT, "--no-server")
    assert result.returncode == 0, result.stderr
    assert "this machine" in result.stderr
    assert shared_server.http.get("/tasks").json()["total"] == before


def test_what_the_server_refuses_is_told_with_its_remedy(shared_server: RunningServer, tmp_path: Path) -> None:
    """The catalogue's sentence and remedy, exit status 1."""
    (tmp_path / "letter.wav").write_text("Dear reader, this is no recording.")
    result = beside(shared_server).run("transcribe", tmp_path / "letter.wav", "--quiet")
    assert (result.returncode, result.stdout) == (1, "")
    assert "letter.wav: failed. This file holds no audio" in result.stderr
    assert "→ Check that the file plays" in result.stderr


def test_an_address_that_may_not_be_fetched_fails_with_its_remedy(shared_server: RunningServer) -> None:
    """A URL becomes a Job of its own; what the worker refuses comes back as its sentence."""
    result = beside(shared_server).run("transcribe", "http://127.0.0.1:9/talk.mp3")
    assert result.returncode == 1
    assert "talk.mp3: failed. This address may not be fetched." in result.stderr


def test_ctrl_c_leaves_the_task_running_and_says_how_to_cancel_it(server: RunningServer) -> None:
    """SIGINT: exit status 130, the Task's id, and a command that really cancels it."""
    command = beside(server)
    with command.started("transcribe", SHORT, *SLOW) as process:
        # The server may be at work a moment before the command has its answer.
        result = command.interrupt(process, lambda: is_processing(server) and "transcribing" in command.told)
    task = only_task(server)
    assert result.returncode == 130
    assert str(task["id"]) in result.stderr
    assert task["status"] == "processing"
    address = result.stderr.split("curl -X POST ")[1].split()[0]
    assert httpx2.post(address).status_code == 200
    assert server.finish(str(task["id"]))["status"] == "cancelled"


@pytest.mark.parametrize("everything", [False, True])
def test_a_server_that_dies_and_comes_back_is_survived(server: RunningServer, everything: bool) -> None:
    """SIGKILL to the server, or to it and its worker, and a restart: the command goes on and delivers the whole text."""
    command = beside(server)
    with command.started("transcribe", SHORT, *SLOW) as process:
        wait_for(lambda: is_processing(server), 60)
        server.kill_all() if everything else server.kill()
        server.start()
        out, _ = process.communicate(timeout=90)
    assert process.returncode == 0, command.told
    task = only_task(server)
    assert task["attempt"] == (2 if everything else 1)
    assert out.count("Segment number") == 8
    assert "Traceback" not in command.told
