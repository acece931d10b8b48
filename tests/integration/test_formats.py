"""Every format of a transcript over HTTP, from a task whose words have times and speakers, in any state of the task."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import webvtt
from docx import Document
from openai.types.audio import TranscriptionDiarized, TranscriptionVerbose

from app.services.export_service import MEDIA_TYPES
from tests.cesar_command import Command
from tests.running_server import RunningServer, wait_for
from tests.workbench import write_wav

WHOLE = {
    "engine": "tests.fakes.scripted_engine:create_whole",
    "align_model": "tests.fakes.scripted_aligner:create",
    "diarize_model": "tests.fakes.scripted_diarizer:create",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose scripted stages give words, times and speakers."""
    server = RunningServer(tmp_path_factory.mktemp("formats"), **WHOLE).start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds, so that a segment of three has time to be read."""
    return write_wav(tmp_path_factory.mktemp("media") / "my talk ü.wav", seconds=9)


@pytest.fixture(scope="module")
def done(whole: RunningServer, recording: Path) -> str:
    """A finished task of three segments by two speakers."""
    (task_id,) = whole.submit(recording)
    assert whole.finish(task_id)["status"] == "completed"
    return task_id


def answer(server: RunningServer, task_id: str, wanted: str, **query: object) -> bytes:
    """The transcript in a format."""
    got = server.http.get(f"/tasks/{task_id}/transcript", params={"format": wanted, **query})
    assert got.status_code == 200, got.text
    assert got.headers["content-type"] == MEDIA_TYPES[wanted]
    return got.content


def test_subtitles(whole: RunningServer, done: str) -> None:
    """srt and vtt have a cue for each segment, with its speaker, in time with its words."""
    voiced = list(webvtt.from_string(answer(whole, done, "vtt").decode(), strict=True))
    assert [(cue.start, cue.voice, cue.text) for cue in voiced] == [
        ("00:00:00.000", "SPEAKER_00", "Segment number 0."),
        ("00:00:03.000", "SPEAKER_01", "Segment number 1."),
        ("00:00:06.000", "SPEAKER_00", "Segment number 2."),
    ]
    assert voiced[-1].end == "00:00:09.000"
    named = webvtt.from_buffer(io.StringIO(answer(whole, done, "srt").decode()), format="srt")
    assert named[1].text == "SPEAKER_01: Segment number 1."


def test_subtitles_as_asked_for(whole: RunningServer, done: str) -> None:
    """Line length, lines and labels are options of the request."""
    text = answer(whole, done, "srt", max_line_length=10, max_lines=1, speakers="off").decode()
    cues = webvtt.from_buffer(io.StringIO(text), format="srt")
    assert [cue.text for cue in cues][:3] == ["Segment", "number 0.", "Segment"]
    assert "SPEAKER" not in text


def test_documents(whole: RunningServer, done: str) -> None:
    """txt, md and docx can be read, and say who speaks when."""
    assert answer(whole, done, "txt").decode().splitlines()[1] == "SPEAKER_01: Segment number 1."
    timed = answer(whole, done, "txt", timestamps=1).decode().splitlines()
    assert timed[1] == "[00:00:03] SPEAKER_01: Segment number 1."
    assert r"**SPEAKER\_01** `00:00:03`" in answer(whole, done, "md").decode()
    document = Document(io.BytesIO(answer(whole, done, "docx")))
    assert document.paragraphs[0].text == "my talk ü.wav"
    assert document.paragraphs[-1].text == "SPEAKER_00 00:00:06\nSegment number 2."


def test_tables(whole: RunningServer, done: str) -> None:
    """csv and tsv have a row for each segment."""
    rows = list(csv.DictReader(io.StringIO(answer(whole, done, "csv").decode("utf-8-sig"), newline="")))
    assert rows[1] == {"start": "3.000", "end": "6.000", "speaker": "SPEAKER_01", "text": "Segment number 1."}
    assert answer(whole, done, "tsv").decode().splitlines()[2] == "3000\t6000\tSegment number 1."


def test_json(whole: RunningServer, done: str) -> None:
    """OpenAI's shapes are those of its client; our own has everything."""
    verbose = TranscriptionVerbose.model_validate_json(answer(whole, done, "verbose_json"))
    assert [word.word for word in verbose.words or []][:3] == ["Segment", "number", "0."]
    assert (verbose.language, verbose.duration) == ("en", 9.0)
    diarized = TranscriptionDiarized.model_validate_json(answer(whole, done, "diarized_json"))
    assert [segment.speaker for segment in diarized.segments] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    own = whole.http.get(f"/tasks/{done}/transcript").json()
    assert own["segments"][1]["words"][0]["speaker"] == "SPEAKER_01"


def test_a_file_can_be_saved_under_the_recordings_name(whole: RunningServer, done: str) -> None:
    """`download` makes an attachment of it; without, a browser may show it."""
    address = f"/tasks/{done}/transcript"
    shown = whole.http.get(address, params={"format": "verbose_json"})
    saved = whole.http.get(address, params={"format": "docx", "download": 1})
    assert shown.headers["content-disposition"] == "inline; filename*=utf-8''my%20talk%20%C3%BC.verbose.json"
    assert saved.headers["content-disposition"] == "attachment; filename*=utf-8''my%20talk%20%C3%BC.docx"


def test_what_a_reader_has_is_not_sent_again(whole: RunningServer, done: str) -> None:
    """Each format and each choice of options has an ETag of its own, which answers 304."""
    address = f"/tasks/{done}/transcript"
    asked = [{"format": kind} for kind in MEDIA_TYPES] + [
        {"format": "srt", "max_lines": "1"},
        {"format": "txt", "speakers": "0"},
    ]
    tags = [whole.http.get(address, params=query).headers["etag"] for query in asked]
    assert len(set(tags)) == len(asked)
    for query, tag in zip(asked, tags, strict=True):
        for known in (tag, f'"other", {tag}', f"W/{tag.removeprefix('W/')}", "*"):
            again = whole.http.get(address, params=query, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        other = whole.http.get(address, params=query, headers={"If-None-Match": '"other"'})
        assert other.status_code == 200
    version = whole.http.get(address).json()["version"]
    assert whole.http.get(address).headers["etag"] == f'"{version}"'


def test_what_a_reader_has_is_not_made_again(whole: RunningServer, recording: Path) -> None:
    """A 304 reads no segment: it comes also of segments that cannot be read."""
    (task_id,) = whole.submit(recording)
    assert whole.finish(task_id)["status"] == "completed"
    address = f"/tasks/{task_id}"
    paths = [f"{address}/transcript?format={kind}" for kind in MEDIA_TYPES] + [f"{address}/speakers"]
    tags = [whole.http.get(path).headers["etag"] for path in paths]
    with closing(sqlite3.connect(whole.database, timeout=30)) as database, database:
        of_task = "task_id = (SELECT id FROM tasks WHERE uuid = ?)"
        database.execute(f"UPDATE segments SET words = 'unreadable' WHERE {of_task}", (task_id,))  # noqa: S608
    for path, tag in zip(paths, tags, strict=True):
        assert whole.http.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_the_head_of_a_file_can_be_asked_for(whole: RunningServer, done: str) -> None:
    """The same headers, and nothing behind them."""
    for kind in MEDIA_TYPES:
        body = whole.http.get(f"/tasks/{done}/transcript", params={"format": kind})
        head = whole.http.head(f"/tasks/{done}/transcript", params={"format": kind})
        assert (head.status_code, head.content) == (200, b"")
        for name in ("etag", "content-type", "content-disposition"):
            assert head.headers[name] == body.headers[name]
    assert whole.http.head("/tasks/nobody/transcript").status_code == 404


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ({"format": "exe"}, 400, "verbose_json"),
        ({"format": "srt", "max_line_length": "0"}, 400, "max_line_length must be from 8"),
        ({"format": "srt", "max_lines": "99"}, 400, "max_lines must be from 1"),
        ({"format": "srt", "max_cps": "nan"}, 400, "max_cps must be from 5"),
        ({"format": "srt", "max_lines": "two"}, 422, "max_lines"),
        ({"format": "srt", "speakers": "perhaps"}, 422, "speakers"),
    ],
)
def test_what_cannot_be_is_told(
    whole: RunningServer, done: str, query: dict[str, str], status: int, named: str
) -> None:
    """The detail names the option and what is allowed."""
    refused = whole.http.get(f"/tasks/{done}/transcript", params=query)
    assert refused.status_code == status
    assert named in refused.json()["error"]["detail"]


def test_a_partial_task_has_all_formats(whole: RunningServer, recording: Path) -> None:
    """Speakers could not be told apart: everything else is there."""
    (task_id,) = whole.submit(recording, initial_prompt="diarize=hf_token_invalid")
    assert whole.finish(task_id)["status"] == "partial"
    for kind in MEDIA_TYPES:
        assert answer(whole, task_id, kind)
    assert answer(whole, task_id, "txt").decode().splitlines()[0] == "Segment number 0."


def test_a_running_and_a_cancelled_task_have_what_they_have(whole: RunningServer, recording: Path) -> None:
    """All formats go as far as the segments do, and the ETag changes as they grow."""
    (task_id,) = whole.submit(recording, initial_prompt="segments=40 delay=0.2")
    address = f"/tasks/{task_id}/transcript"
    wait_for(lambda: whole.http.get(address).status_code == 200, 30)
    first = whole.http.get(address, params={"format": "vtt"}).headers["etag"]
    wait_for(lambda: whole.http.get(address, params={"format": "vtt"}).headers["etag"] != first, 30)
    for kind in MEDIA_TYPES:
        assert answer(whole, task_id, kind)
    assert whole.http.post(f"/tasks/{task_id}/cancel").status_code == 200
    assert whole.finish(task_id)["status"] == "cancelled"
    assert b"Segment number 0." in answer(whole, task_id, "srt")


def test_nothing_said_yet_is_told(whole: RunningServer, recording: Path) -> None:
    """Before the first segment there is no transcript in any format."""
    (task_id,) = whole.submit(recording, initial_prompt="delay=20")
    for kind in MEDIA_TYPES:
        early = whole.http.get(f"/tasks/{task_id}/transcript", params={"format": kind}, headers={"If-None-Match": "*"})
        assert (early.status_code, early.json()["error"]["code"]) == (409, "transcript_not_ready")
    whole.http.post(f"/tasks/{task_id}/cancel")


def test_a_translation_is_one_in_every_shape(whole: RunningServer, recording: Path) -> None:
    """Not only in the answers of OpenAI's own addresses."""
    (task_id,) = whole.submit(recording, task="translate")
    assert whole.finish(task_id)["status"] == "completed"
    assert json.loads(answer(whole, task_id, "json"))["task"] == "translate"
    assert json.loads(answer(whole, task_id, "verbose_json"))["task"] == "translate"


def test_the_formats_are_documented(whole: RunningServer) -> None:
    """/openapi.json names every option and every media type."""
    route = whole.http.get("/openapi.json").json()["paths"]["/tasks/{task_id}/transcript"]["get"]
    names = {parameter["name"] for parameter in route["parameters"]}
    assert names >= {"format", "speakers", "timestamps", "max_line_length", "max_lines", "max_cps", "download"}
    assert set(route["responses"]["200"]["content"]) == {kind.partition(";")[0] for kind in MEDIA_TYPES.values()}


def test_the_command_writes_every_format(whole: RunningServer, recording: Path, tmp_path: Path) -> None:
    """`cesar transcribe` through a server: the ending of --output is enough, and options reach the server."""
    command = Command(tmp_path, port=whole.port)
    target = tmp_path / "talk.docx"
    result = command.run("transcribe", recording, "--output", target, "--no-timestamps", "--quiet")
    assert result.returncode == 0, result.stderr
    assert Document(str(target)).paragraphs[-1].text == "SPEAKER_00 \nSegment number 2."
    result = command.run(
        "transcribe", recording, "--format", "srt", "--no-speakers", "--max-line-length", "10", "--quiet"
    )
    assert result.returncode == 0, result.stderr
    assert "Segment\nnumber 0.\n" in result.stdout


def test_the_command_alone_writes_as_a_server_does(recording: Path, tmp_path: Path) -> None:
    """Without a server the same options have the same effect."""
    command = Command(tmp_path, port=0, **WHOLE)
    result = command.run("transcribe", recording, "--format", "txt", "--timestamps", "--quiet", "--no-server")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[1] == "[00:00:03] SPEAKER_01: Segment number 1."
