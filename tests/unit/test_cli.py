"""The command line without a server: what it refuses, how it names what it writes, what it makes of events."""

import io
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from app import __version__
from app.cli import cli
from app.client.destination import choose_destination, choose_format, names_of
from app.client.display import TerminalDisplay, describe_end
from app.client.follow import Follower
from app.client.recordings import Recording, UsageError, find_recordings
from app.client.server import address_of
from app.client.service import GONE, Event, Outcome
from app.client.story import Story
from app.client.transcribe import read_options, read_rendering
from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.lifecycle import JobStatus
from app.domain.options import TranscriptionOptions

ROOT = Path(__file__).resolve().parents[2]


def recordings(*names: str) -> list[Recording]:
    return [Recording(name=name, path=Path(name)) for name in names]


def test_version() -> None:
    """`cesar --version` says which release this is, and nothing else."""
    result = CliRunner().invoke(cli, ["--version"])
    assert (result.exit_code, result.output) == (0, f"cesar {__version__}\n")


def test_the_module_imports_next_to_nothing() -> None:
    """Importing the command brings no web server, no database, no client and no engine."""
    heavy = "{'uvicorn', 'starlette', 'sqlalchemy', 'httpx2', 'websockets', 'rich.live', 'av', 'torch', 'numpy'}"
    code = f"import app.cli, sys; print(*({heavy} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "\n")


def test_every_option_of_a_transcription_is_an_option_of_the_command() -> None:
    """What a submission may ask for, `cesar transcribe` may ask for; docs/cli.md names each."""
    offered = {
        name
        for parameter in _command("transcribe")
        for name in (*parameter.opts, *parameter.secondary_opts)
        if "-" in name
    }
    wanted = {f"--{field.name.replace('_', '-')}" for field in fields(TranscriptionOptions)}
    assert wanted <= offered
    page = (ROOT / "docs" / "cli.md").read_text()
    assert [
        name for name in offered if f"`{name}`" not in page and f"`{name} " not in page and f" {name}`" not in page
    ] == []


def test_whether_speakers_are_told_apart_is_left_to_the_setting() -> None:
    """The default of --diarize is the default of a submission: the server's setting counts."""
    (diarize,) = [parameter for parameter in _command("transcribe") if parameter.name == "diarize"]
    assert diarize.default is TranscriptionOptions().diarize is None


@pytest.mark.parametrize(
    ("argument", "reason"),
    [("nowhere.wav", "No such file"), ("{folder}", "is a folder"), ("{folder}/empty.wav", "is empty")],
)
def test_what_cannot_be_read_is_refused_before_any_work(tmp_path: Path, argument: str, reason: str) -> None:
    """A file that is missing, empty, or a folder ends the command with a sentence that names it."""
    (tmp_path / "empty.wav").touch()
    with pytest.raises(UsageError, match=reason):
        find_recordings([argument.format(folder=tmp_path)])


def test_addresses_are_named_after_their_last_part() -> None:
    """An http address is a recording of that name, without its query."""
    (found,) = find_recordings(["https://example.org/a/Talk%20one.mp3?x=1"])
    assert (found.name, found.path, found.url) == ("Talk one.mp3", None, "https://example.org/a/Talk%20one.mp3?x=1")


def test_outputs_never_share_a_name() -> None:
    """Recordings with the same stem, or the same name in two folders, get files of their own."""
    names = names_of(recordings("talk.mp3", "talk.wav", "talk.wav", "TALK.mp3"), "txt")
    assert names[:2] == ["talk.txt", "talk.wav.txt"]
    assert len({name.casefold() for name in names}) == 4


@pytest.mark.parametrize(
    ("wanted", "output", "chosen"),
    [
        (None, None, "txt"),
        (None, "a.srt", "srt"),
        (None, "a.DOCX", "docx"),
        (None, "a.json", "json"),
        (None, "a.verbose.json", "verbose_json"),
        ("json", "a.srt", "json"),
        (None, "a.text", "txt"),
        (None, "-", "txt"),
    ],
)
def test_the_format_follows_the_output_file(wanted: str | None, output: str | None, chosen: str) -> None:
    """--format decides, else the ending of --output, else txt."""
    assert choose_format(wanted, output) == chosen


def test_an_unknown_format_is_refused() -> None:
    """The refusal lists the formats there are."""
    with pytest.raises(UsageError, match="docx, srt, vtt"):
        choose_format("exe", None)


def test_subtitles_of_several_recordings_need_a_folder() -> None:
    """Several srt files cannot follow each other in one stream."""
    with pytest.raises(UsageError, match="--output FOLDER"):
        choose_destination(None, "srt", recordings("a.wav", "b.wav"))


def test_a_file_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """The place of the output is checked before any work begins."""
    with pytest.raises(UsageError, match="There is no folder"):
        choose_destination(str(tmp_path / "missing" / "a.txt"), "txt", recordings("a.wav"))


def test_standard_output_keeps_the_order_of_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    """A transcript that is ready early waits; one that never comes is left out."""
    stream = choose_destination("-", "txt", recordings("a.wav", "b.wav", "c.wav"))
    stream.deliver(2, b"third\n")
    stream.deliver(0, b"first\n")
    assert capsys.readouterr().out == "==> a.wav <==\nfirst\n\n"
    stream.close()
    assert capsys.readouterr().out == "==> c.wav <==\nthird\n\n"


def test_a_binary_format_goes_into_a_pipe_as_it_is(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Not a byte is added to a docx; and one of several needs a folder, where its name ends right."""
    choose_destination("-", "docx", recordings("a.wav")).deliver(0, b"PK\x03\xff")
    assert capsysbinary.readouterr().out == b"PK\x03\xff"
    with pytest.raises(UsageError, match="--output FOLDER"):
        choose_destination(None, "docx", recordings("a.wav", "b.wav"))
    assert names_of(recordings("a.wav", "a.mp3"), "diarized_json") == ["a.diarized.json", "a.mp3.diarized.json"]


def test_a_docx_is_nothing_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before any work begins."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(UsageError, match="--output FILE"):
        choose_destination(None, "docx", recordings("a.wav"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"max_lines": 0}, "max_lines must be from 1 to 4"),
        ({"max_cps": float("nan")}, "max_cps must be from 5 to 100"),
    ],
)
def test_how_it_cannot_be_written_is_refused(given: dict[str, object], reason: str) -> None:
    """The same sentence as a server's."""
    with pytest.raises(UsageError, match=reason):
        read_rendering(given)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_speakers": 3, "max_speakers": 2}, "min_speakers must not be greater"),
        ({"beam_size": 0}, "--beam-size"),
        ({"engine": "os:system"}, "engine must be"),
        ({"model": "gigantic"}, "model must be"),
    ],
)
def test_bad_options_are_refused_with_their_name(options: dict[str, object], reason: str) -> None:
    """What a server would refuse is refused before anything is sent."""
    with pytest.raises(UsageError, match=reason):
        read_options(options)


def test_a_model_folder_is_sent_with_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's working directory is another one."""
    (tmp_path / "my" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert read_options({"model": "my/model"}).model == str(tmp_path / "my" / "model")


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 9, "http://127.0.0.1:9"),  # noqa: S104
        ("::", 9, "http://[::1]:9"),
        ("127.0.0.1", 0, None),
    ],
)
def test_where_this_machines_server_is_looked_for(host: str, port: int, address: str | None) -> None:
    """At the address of the settings; a port left open cannot be guessed."""
    assert address_of(Settings(host=host, port=port)) == address


class Ticks:
    """A clock that stands."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def story_after(*events: Event) -> Story:
    story = Story(Recording("a.wav"), 0, clock=Ticks())
    for event in events:
        story.apply(event)
    return story


def test_a_story_follows_the_events() -> None:
    """Stage, percentage, estimate, newest words and the place in the queue are those of the last event."""
    progress = {"type": "progress", "stage": "transcribing", "percentage": 25, "eta_seconds": 8.0, "stalled": True}
    assert story_after({"type": "status", "status": "queued", "queue_position": 3}).phase == "waiting, 2 ahead"
    story = story_after(
        {"type": "status", "status": "queued", "queue_position": 2},
        {"type": "status", "status": "processing", "queue_position": None},
        progress,
        {"type": "segment", "text": "first words"},
        {"type": "news of a later release"},
    )
    assert (story.phase, story.percentage, story.eta_seconds, story.stalled) == ("transcribing", 25, 8.0, True)
    assert story.text == "first words"


def test_a_new_attempt_begins_at_nothing() -> None:
    """A Task that went back to the queue shows neither the percentage nor the words of its first attempt."""
    story = story_after(
        {"type": "status", "status": "processing"},
        {"type": "progress", "stage": "transcribing", "percentage": 30},
        {"type": "segment", "text": "lost words"},
        {"type": "status", "status": "queued", "queue_position": 1},
    )
    assert (story.phase, story.percentage, story.text) == ("waiting, next", 0, "")


def test_an_estimate_counts_down() -> None:
    """Between two events the time left goes on falling, and stops at nothing."""
    ticks = Ticks()
    story = Story(Recording("a.wav"), 0, clock=ticks)
    story.apply({"type": "progress", "stage": "transcribing", "percentage": 30, "eta_seconds": 5.0})
    ticks.now += 3
    assert story.eta_seconds == 2.0
    ticks.now += 3
    assert story.eta_seconds == 0.0


def test_a_failure_is_told_with_its_remedy() -> None:
    """The sentence, the technical detail, and what to do."""
    story = story_after()
    story.finished(Outcome(JobStatus.FAILED, "a.wav", problem="Damaged.", detail="byte 7", remedy="Convert it."))
    assert describe_end(story, None) == ["a.wav: failed. Damaged. (byte 7)", "  → Convert it."]


def test_a_narrow_terminal_still_shows_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns the name gives way; percentage, stage, time left and engine are whole, and many recordings are counted."""
    monkeypatch.setenv("COLUMNS", "80")
    stories = [Story(Recording(f"a recording with a long name, number {n}.wav"), n, clock=Ticks()) for n in range(10)]
    stories[3].apply({"type": "status", "status": "processing"})
    stories[3].apply({"type": "progress", "stage": "transcribing", "percentage": 27, "eta_seconds": 75.0})
    stories[3].apply({"type": "segment", "text": "the newest words"})
    stories[3].engine = "pocketsphinx"
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(TerminalDisplay(stories).picture())
    first, *others = console.export_text().splitlines()
    assert all(shown in first for shown in ("27%", "transcribing", "1:15 left", "pocketsphinx"))
    assert others[-2:] == ["  the newest words", "… and 2 more"]


class BlockedServer:
    """A server behind something that lets no socket through: answers polls, one body after the other."""

    def __init__(self, *bodies: dict[str, object] | Exception) -> None:
        self._bodies = list(bodies)

    def progress(self, task_id: str) -> dict[str, object]:
        """The next body."""
        body = self._bodies.pop(0)
        if isinstance(body, Exception):
            raise body
        return body


def body(status: str, stage: str | None, percentage: int, seq: int) -> dict[str, object]:
    return {
        "status": status, "progress_stage": stage, "progress_percentage": percentage, "seq": seq, "queue_position": None,
    }  # fmt: skip


def test_polling_tells_the_story_where_sockets_are_blocked() -> None:
    """Without any socket, and with a poll that fails in between, the Task is followed to its end."""
    server = BlockedServer(
        body("processing", "transcribing", 20, 5), OSError("away"), body("completed", "complete", 100, 9)
    )
    events = list(Follower("ws://127.0.0.1:1/ws", server, proxy=False).follow(["one"]))
    assert [event["status"] for event in events if event["type"] == "status"] == ["processing", "completed"]
    assert [event["percentage"] for event in events if event["type"] == "progress"] == [20, 100]


def test_a_deleted_task_ends_the_waiting() -> None:
    """Somebody deletes the Task: the follower says so instead of waiting for ever."""
    server = BlockedServer(CesarError("task_not_found"))
    assert [e["type"] for e in Follower("ws://127.0.0.1:1/ws", server, proxy=False).follow(["one"])] == [GONE]


def _command(name: str) -> list:  # type: ignore[type-arg]
    from typer.main import get_command

    return get_command(cli).commands[name].params  # type: ignore[attr-defined,no-any-return]
