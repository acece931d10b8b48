"""`cesar doctor`: the truth about this machine, for people and for machines, without a secret in it."""

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from socket import create_server
from typing import Any

from app import __version__
from tests.cesar_command import Command
from tests.running_server import ROOT, RunningServer, free_port

CANARY = "hf_canaryCANARYcanary"


def findings(command: Command, *, status: int = 0) -> dict[str, dict[str, Any]]:
    result = command.run("doctor", "--json")
    assert result.returncode == status, result.stdout + result.stderr
    report = json.loads(result.stdout)
    assert report["ready"] is (status == 0)
    return {finding["topic"]: finding for finding in report["findings"]}


def test_text_names_what_runs_and_what_is_missing(tmp_path: Path) -> None:
    """A line for each thing, remedies below, the verdict last; nothing is made by looking."""
    result = Command(tmp_path, port=free_port()).run("doctor")
    assert result.returncode == 0, result.stderr
    for words in (
        __version__,
        "data folder",
        "schema",
        "PyAV",
        "pocketsphinx 5.1.1",
        "engine whisperx",
        "sandbox",
        "is free",
    ):
        assert words in result.stdout
    assert "would run" in result.stdout
    assert result.stdout.endswith("A transcription can run.\n")
    assert not (tmp_path / "data").exists()


def test_json_says_the_same_to_machines(tmp_path: Path) -> None:
    """Each finding has a topic, a state, a sentence, a remedy or none, and facts."""
    found = findings(Command(tmp_path, port=0))
    assert all(set(one) == {"topic", "state", "says", "remedy", "facts"} for one in found.values())
    assert found["would run"]["facts"]["engine"] == "pocketsphinx"
    assert found["media"]["facts"]["libraries"]["libavformat"]
    assert found["data folder"]["facts"]["free_bytes"] > 0


def test_a_token_is_never_shown(tmp_path: Path) -> None:
    """That there is a token is said; the token is not, in either form."""
    command = Command(tmp_path, port=0, hf_token=CANARY)
    assert findings(command)["Hugging Face token"]["facts"] == {"configured": True}
    text, machine = command.run("doctor"), command.run("doctor", "--json")
    assert "configured" in text.stdout
    assert CANARY not in text.stdout + text.stderr + machine.stdout + machine.stderr


def test_a_running_cesar_is_recognised(tmp_path: Path) -> None:
    """The port is taken by a Cesar: its version is told, and the database's schema is the newest."""
    server = RunningServer(tmp_path).start()
    try:
        found = findings(Command(tmp_path, port=server.port))
    finally:
        server.close()
    assert found["server"]["facts"]["running"] is True
    assert __version__ in found["server"]["says"]
    assert found["database"]["facts"]["schema"] == found["database"]["facts"]["newest"]


def test_a_port_that_something_else_has_is_told(tmp_path: Path) -> None:
    """Not a Cesar: the remedy names another port, and a transcription can run all the same."""
    with create_server(("127.0.0.1", 0)) as other:
        found = findings(Command(tmp_path, port=other.getsockname()[1]))
    assert found["server"]["state"] == "note"
    assert "--port" in found["server"]["remedy"]


def test_an_engine_that_cannot_run_is_a_problem(tmp_path: Path) -> None:
    """The engine asked for by name cannot run: exit status 1, the reason, and a way out."""
    command = Command(tmp_path, port=0, engine="whisperx", model="organisation/absent", models_dir=tmp_path / "none")
    found = findings(command, status=1)
    assert found["would run"]["state"] == "problem"
    assert "CESAR_ENGINE=auto" in found["would run"]["remedy"]


def test_a_database_of_a_newer_release_is_a_problem(tmp_path: Path) -> None:
    """Its schema is named, and it is left as it is."""
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "cesar.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    found = findings(Command(tmp_path, port=0), status=1)
    assert "9999" in found["database"]["says"]
    assert found["database"]["remedy"]


def test_a_data_folder_that_cannot_be_is_a_problem(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "data").write_text("in the way")
    found = findings(Command(tmp_path, port=0), status=1)
    assert "CESAR_DATA_DIR" in found["data folder"]["remedy"]


def test_looking_imports_no_engine(tmp_path: Path) -> None:
    """Everything is found out without importing torch or an engine, in seconds even on a busy machine."""
    code = (
        "import sys; from app.core.config import Settings; from app.doctor import examine;"
        f"examine(Settings(data_dir={str(tmp_path)!r}, port=0, offline=True)).as_text();"
        "sys.exit(str({'torch', 'whisperx', 'ctranslate2', 'pocketsphinx', 'sqlalchemy'} & sys.modules.keys()))"
    )
    began = time.monotonic()
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stderr.strip() == "set()"
    assert time.monotonic() - began < 15
