"""OpenAI's audio API, asked by OpenAI's own client, unchanged, on a real server."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionTextSegmentEvent,
    TranscriptionVerbose,
    Translation,
)

from tests.fakes.spoken import word_error_rate
from tests.official_client import MODEL, TWO, client_of, newest_task, refusal
from tests.running_server import RunningServer


@pytest.fixture(scope="module")
def client(shared_server: RunningServer) -> Iterator[openai.OpenAI]:
    """The official client of the shared server."""
    with client_of(shared_server) as client:
        yield client


def test_json_is_the_default(client: openai.OpenAI, silence: Path) -> None:
    """Without a format the answer is the text in one line, and the recording's length as usage."""
    answer = client.audio.transcriptions.create(file=silence, model=MODEL, prompt="segments=2")
    assert isinstance(answer, Transcription)
    assert answer.text == TWO
    assert answer.usage is not None
    assert (answer.usage.type, answer.usage.seconds) == ("duration", pytest.approx(0.2))


def test_text(client: openai.OpenAI, silence: Path) -> None:
    """`text` is the text in one line."""
    answer = client.audio.transcriptions.create(file=silence, model=MODEL, prompt="segments=2", response_format="text")
    assert answer == f"{TWO}\n"


@pytest.mark.parametrize(
    ("wanted", "first"), [("srt", "1\n00:00:00,000 --> 00:00:00,100\nSegment number 0.\n"), ("vtt", "WEBVTT\n\n")]
)
def test_subtitles(client: openai.OpenAI, silence: Path, wanted: Any, first: str) -> None:
    """`srt` and `vtt` are subtitles."""
    answer = client.audio.transcriptions.create(file=silence, model=MODEL, prompt="segments=2", response_format=wanted)
    assert answer.startswith(first)
    assert "Segment number 1." in answer


@pytest.mark.parametrize(
    ("granularities", "segments", "words"),
    [(None, 2, None), (["segment"], 2, None), (["word"], None, 6), (["word", "segment"], 2, 6)],
)
def test_granularities(
    client: openai.OpenAI, silence: Path, granularities: Any, segments: int | None, words: int | None
) -> None:
    """`verbose_json` holds the times that were asked for: of segments, of words, of both; of segments if nothing was said."""
    answer = client.audio.transcriptions.create(
        file=silence,
        model="gpt-4o-transcribe",
        prompt="segments=2 words=1",
        response_format="verbose_json",
        timestamp_granularities=granularities or openai.omit,
    )
    assert isinstance(answer, TranscriptionVerbose)
    TranscriptionVerbose.model_validate(answer.to_dict())
    assert (answer.text, answer.duration) == (TWO, pytest.approx(0.2))
    assert answer.language == "english"
    assert (answer.segments and len(answer.segments), answer.words and len(answer.words)) == (segments, words)
    if answer.words:
        assert [word.word for word in answer.words] == TWO.split()
        assert [word.start for word in answer.words] == sorted(word.start for word in answer.words)
    if answer.segments:
        assert [segment.text.strip() for segment in answer.segments] == ["Segment number 0.", "Segment number 1."]


def test_words_without_times(client: openai.OpenAI, shared_server: RunningServer, silence: Path) -> None:
    """Words alone of an engine that gives them no times: the reason, no repetition, and the Task that keeps the transcript."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(
            file=silence,
            model=MODEL,
            prompt="segments=2",
            response_format="verbose_json",
            timestamp_granularities=["word"],
        )
    assert refusal(caught.value)["code"] == "option_unsupported"
    assert caught.value.response.headers["x-should-retry"] == "false"
    task = newest_task(shared_server)
    assert task["id"] in caught.value.message
    assert shared_server.http.get(task["links"]["transcript"]).json()["text"] == TWO


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI will end its own translations in 2027
def test_translation(client: openai.OpenAI, shared_server: RunningServer, silence: Path) -> None:
    """A translation is a Task whose task is to translate; its answer holds the text alone."""
    answer = client.audio.translations.create(file=silence, model=MODEL, prompt="segments=2", temperature=0.2)
    assert isinstance(answer, Translation)
    assert answer.to_dict() == {"text": TWO}
    options = newest_task(shared_server)["options"]
    assert (options["task"], options["temperature"], options["diarize"]) == ("translate", 0.2, False)
    verbose = client.audio.translations.create(file=silence, model=MODEL, response_format="verbose_json")
    assert (verbose.language, verbose.duration) == ("english", pytest.approx(0.2))


def test_options_arrive(client: openai.OpenAI, shared_server: RunningServer, silence: Path) -> None:
    """OpenAI's fields become Cesar's options, Cesar's own may be added, and what has no meaning here is ignored."""
    client.audio.transcriptions.create(
        file=silence,
        model="tiny",
        language="de",
        prompt="segments=1",
        temperature=0.5,
        include=["logprobs"],
        keywords=["Cesar", "Rubicon"],
        chunking_strategy={"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 200},
        extra_body={"beam_size": 2, "diarize": True, "max_speakers": 3},
    )
    options = newest_task(shared_server)["options"]
    expected = {
        "model": "tiny", "language": "de", "initial_prompt": "segments=1", "temperature": 0.5, "hotwords": "Cesar, Rubicon",
        "vad_onset": 0.4, "beam_size": 2, "diarize": True, "max_speakers": 3, "task": "transcribe",
    }  # fmt: skip
    assert options == expected


def test_openais_models_stand_for_the_default(
    client: openai.OpenAI, shared_server: RunningServer, silence: Path
) -> None:
    """A request that names one of OpenAI's models names none of Cesar's; speakers are off."""
    client.audio.transcriptions.create(file=silence, model="gpt-4o-mini-transcribe", chunking_strategy="auto")
    options = newest_task(shared_server)["options"]
    assert "model" not in options
    assert options["diarize"] is False
    client.audio.transcriptions.create(file=silence, model="gpt-4o-transcribe-diarize", response_format="text")
    assert newest_task(shared_server)["options"]["diarize"] is True


@pytest.fixture(scope="module")
def speakers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose engine tells speakers apart."""
    server = RunningServer(
        tmp_path_factory.mktemp("speakers"),
        engine="tests.fakes.scripted_engine:create_whole",
        align_model="tests.fakes.scripted_aligner:create",
        diarize_model="tests.fakes.scripted_diarizer:create",
    ).start()
    yield server
    server.close()


def test_diarized_json(speakers: RunningServer, silence: Path) -> None:
    """Segments carry their speakers, without anything else being asked for."""
    with client_of(speakers) as client:
        answer = client.audio.transcriptions.create(
            file=silence, model="gpt-4o-transcribe-diarize", prompt="segments=4", response_format="diarized_json"
        )
    assert isinstance(answer, TranscriptionDiarized)
    TranscriptionDiarized.model_validate(answer.to_dict())
    assert [segment.speaker for segment in answer.segments] == ["SPEAKER_00", "SPEAKER_01"] * 2
    assert answer.text == " ".join(segment.text for segment in answer.segments)
    assert answer.duration == pytest.approx(0.2)


def test_speakers_stream_behind_the_text(speakers: RunningServer, silence: Path) -> None:
    """A diarized stream tells the text as it grows, then the segments with their speakers, then the whole text."""
    with client_of(speakers) as client:
        stream = client.audio.transcriptions.create(
            file=silence,
            model="gpt-4o-transcribe-diarize",
            prompt="segments=3 diarize_delay=0.5",
            response_format="diarized_json",
            stream=True,
        )
        told = list(stream)
    kinds = [TranscriptionTextDeltaEvent] * 3 + [TranscriptionTextSegmentEvent] * 3 + [TranscriptionTextDoneEvent]
    assert [type(event) for event in told] == kinds
    for event in told:
        type(event).model_validate(event.to_dict())
    assert [segment.speaker for segment in told[3:6]] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]  # type: ignore[union-attr]
    assert "".join(event.delta for event in told[:3]) == told[-1].text  # type: ignore[union-attr]


def test_a_transcript_without_its_speakers(speakers: RunningServer, silence: Path) -> None:
    """Where speakers fail, formats that show none have the transcript; the one that shows them has the reason, and no repetition."""
    script = "segments=2 diarize=hf_token_invalid"
    model = "gpt-4o-transcribe-diarize"
    with client_of(speakers) as client:
        assert client.audio.transcriptions.create(file=silence, model=model, prompt=script).text == TWO
        assert newest_task(speakers)["status"] == "partial"
        with pytest.raises(openai.InternalServerError) as caught:
            client.audio.transcriptions.create(
                file=silence, model=model, prompt=script, response_format="diarized_json"
            )
        assert refusal(caught.value)["code"] == "hf_token_invalid"
        assert caught.value.response.headers["x-should-retry"] == "false"
        task = newest_task(speakers)
        assert task["id"] in caught.value.message
        assert speakers.http.get(task["links"]["transcript"]).json()["text"] == TWO
        stream = client.audio.transcriptions.create(
            file=silence, model=model, prompt=script, response_format="diarized_json", stream=True
        )
        assert isinstance(next(stream), TranscriptionTextDeltaEvent)
        with pytest.raises(openai.APIError, match="token"):
            list(stream)


def test_an_engine_without_speakers(client: openai.OpenAI, silence: Path) -> None:
    """Segments without speakers are not shown as diarized where the engine cannot tell them apart either."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(
            file=silence, model="gpt-4o-transcribe-diarize", response_format="diarized_json"
        )
    assert refusal(caught.value)["code"] == "option_unsupported"


def test_models(client: openai.OpenAI, shared_server: RunningServer) -> None:
    """The list holds OpenAI's names and Cesar's own; each can be looked up, others cannot."""
    ids = [model.id for model in client.models.list()]
    assert len(ids) == len(set(ids))
    assert {"whisper-1", "gpt-4o-transcribe-diarize", "small", "large-v3"} <= set(ids)
    assert client.models.retrieve("large-v3").object == "model"
    for path in ("/v1/models", "/v1/models/large-v3"):
        head = shared_server.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == "application/json"
        assert int(head.headers["content-length"]) > 0
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-5")
    assert refusal(caught.value)["code"] == "model_not_found"


def test_text_streams_while_it_grows(client: openai.OpenAI, silence: Path) -> None:
    """Deltas arrive before the end, and one behind the other they are the whole text."""
    begun = time.monotonic()
    with client.audio.transcriptions.create(
        file=silence, model=MODEL, prompt="segments=5 delay=0.4", stream=True
    ) as stream:
        told = [(event, time.monotonic() - begun) for event in stream]
    *deltas, (done, ended) = told
    assert isinstance(done, TranscriptionTextDoneEvent)
    assert [type(event) for event, _ in deltas] == [TranscriptionTextDeltaEvent] * 5
    assert "".join(event.delta for event, _ in deltas) == done.text  # type: ignore[union-attr]
    assert done.text == " ".join(f"Segment number {index}." for index in range(5))
    for event, _ in told:
        type(event).model_validate(event.to_dict())
    assert done.usage is None
    assert ended - deltas[0][1] > 1.0


def test_a_silent_stream_is_kept_alive(shared_server: RunningServer, silence: Path) -> None:
    """A stream with nothing to say sends a comment before half a minute is over."""
    with shared_server.http.stream(
        "POST",
        "/v1/audio/transcriptions",
        files={"file": ("a.wav", silence.read_bytes())},
        data={"model": MODEL, "stream": "true", "prompt": "segments=1 delay=17"},
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert lines[0].startswith(":")
    assert orjson.loads(lines[-1].removeprefix("data: "))["text"] == "Segment number 0."


@pytest.mark.parametrize(
    ("form", "kind", "param", "code"),
    [
        ({"response_format": "docx"}, openai.BadRequestError, "response_format", "invalid_value"),
        ({"timestamp_granularities": ["letter"]}, openai.BadRequestError, "timestamp_granularities[]", "invalid_value"),
        (
            {"timestamp_granularities": ["word"]},
            openai.BadRequestError,
            "timestamp_granularities[]",
            "unsupported_value",
        ),
        ({"temperature": 7}, openai.BadRequestError, "temperature", "invalid_value"),
        ({"language": "x"}, openai.BadRequestError, "language", "invalid_value"),
        ({"prompt": "x" * 5000}, openai.BadRequestError, "prompt", "invalid_value"),
        ({"stream": True, "response_format": "srt"}, openai.BadRequestError, "stream", "unsupported_value"),
        ({"chunking_strategy": "never"}, openai.BadRequestError, "chunking_strategy", "invalid_value"),
        ({"known_speaker_names": ["a"]}, openai.BadRequestError, "known_speaker_names", "unsupported_parameter"),
        ({"extra_body": {"surprise": 1}}, openai.BadRequestError, "surprise", "unknown_parameter"),
        ({"extra_body": {"engine": "os:system"}}, openai.BadRequestError, None, "bad_value"),
        ({"extra_body": {"min_speakers": 3, "max_speakers": 2}}, openai.BadRequestError, None, "invalid_value"),
        ({"model": "enormous"}, openai.NotFoundError, "model", "model_not_found"),
        ({"model": ""}, openai.BadRequestError, "model", "missing_required_parameter"),
        ({"file": ("", b"RIFF\xff")}, openai.BadRequestError, "file", "missing_required_parameter"),
        ({"file": (None, b"RIFF\xff" * 50_000)}, openai.BadRequestError, "file", "missing_required_parameter"),
        ({"file": ("notes.txt", b"hello")}, openai.BadRequestError, None, "unsupported_extension"),
        ({"file": ("notes.wav", b"hello")}, openai.BadRequestError, None, "not_media"),
    ],
)
def test_bad_requests_are_told(  # noqa: PLR0917
    client: openai.OpenAI,
    shared_server: RunningServer,
    silence: Path,
    form: dict[str, Any],
    kind: type[openai.APIStatusError],
    param: str | None,
    code: str,
) -> None:
    """What cannot be done raises the client's own exception, names the field, makes no Task and is not to be repeated."""
    before = shared_server.http.get("/tasks").json()["total"]
    with pytest.raises(kind) as caught:
        client.audio.transcriptions.create(**{"file": silence, "model": MODEL, **form})
    error = refusal(caught.value)
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert shared_server.http.get("/tasks").json()["total"] == before


@pytest.mark.parametrize(
    ("method", "path", "request_parts", "status", "code"),
    [
        ("POST", "/v1/audio/transcriptions", {"content": b"{}"}, 400, "malformed"),
        ("POST", "/v1/audio/transcriptions", {"data": {"model": MODEL}}, 400, "malformed"),
        ("POST", "/v1/audio/transcriptions", {"files": {"model": (None, MODEL)}}, 400, "missing_required_parameter"),
        ("POST", "/v1/audio/transcriptions", {"content": b"--x\r\nbad", "type": "x"}, 400, None),
        ("POST", "/v1/chat/completions", {"json": {}}, 404, "not_found"),
        ("GET", "/v1/nothing/here", {}, 404, "not_found"),
        ("GET", "/v1/audio/transcriptions", {}, 405, "method_not_allowed"),
        ("DELETE", "/v1/models/whisper-1", {}, 405, "method_not_allowed"),
    ],
)
def test_what_the_client_would_never_send(  # noqa: PLR0917
    shared_server: RunningServer,
    method: str,
    path: str,
    request_parts: dict[str, Any],
    status: int,
    code: str | None,
) -> None:
    """Malformed forms, foreign routes and wrong methods are answered in OpenAI's shape too."""
    boundary = request_parts.pop("type", None)
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"} if boundary else {}
    answer = shared_server.http.request(method, path, headers=headers, **request_parts)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert code is None or error["code"] == code
    assert status not in (404, 405) or f"{method} {path}" in error["message"]
    assert (status != 405) == ("allow" not in answer.headers)


def test_too_large(serve: Callable[..., RunningServer]) -> None:
    """A recording over the limit is 413, and its bytes are not kept."""
    server = serve(max_upload_mb=1).start()
    with client_of(server) as client, pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(file=("a.wav", bytes(2 << 20)), model=MODEL)
    assert (caught.value.status_code, refusal(caught.value)["code"]) == (413, "too_large")
    assert [path for path in (server.folder / "data" / "media").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("failure", "status", "code", "again"),
    [
        ("out_of_memory", 503, "out_of_memory", "true"),
        ("engine_unavailable", 503, "engine_unavailable", "false"),
        ("language_unsupported", 400, "language_unsupported", "false"),
        ("ValueError", 500, "PROCESSING_FAILED", "true"),
    ],
)
def test_a_failed_task_is_told(  # noqa: PLR0917
    client: openai.OpenAI, silence: Path, failure: str, status: int, code: str, again: str
) -> None:
    """A run that fails answers with its failure and says whether trying again makes sense; a stream ends with the same."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(file=silence, model=MODEL, prompt=f"raise={failure}")
    assert (caught.value.status_code, refusal(caught.value)["code"]) == (status, code)
    assert caught.value.response.headers["x-should-retry"] == again
    script = f"segments=2 after=1 raise={failure}"
    stream = client.audio.transcriptions.create(file=silence, model=MODEL, prompt=script, stream=True)
    assert isinstance(next(stream), TranscriptionTextDeltaEvent)
    with pytest.raises(openai.APIError) as broken:
        next(stream)
    assert broken.value.code == code


def test_secrets_are_not_logged(client: openai.OpenAI, shared_server: RunningServer, silence: Path) -> None:
    """Key, name, keywords and words of requests that succeed, fail or are refused stand in no line of the log."""
    told = client.with_options(api_key="sk-canary-5f0c").audio.transcriptions
    asked: dict[str, Any] = {"file": ("canary.wav", silence.read_bytes()), "model": MODEL, "keywords": ["canary"]}
    told.create(**asked, extra_query={"key": "canary"})
    good = newest_task(shared_server)["id"]
    with pytest.raises(openai.InternalServerError):
        told.create(**asked, prompt="segments=2 after=1 raise=out_of_memory")
    bad = newest_task(shared_server)["id"]
    with pytest.raises(openai.BadRequestError):
        told.create(**asked, language="canary" * 20)
    with pytest.raises(openai.NotFoundError):
        told.create(**{**asked, "model": "canary"})
    for task_id, event in ((good, "task_completed"), (bad, "task_failed")):
        assert [line for line in shared_server.log.splitlines() if task_id in line and event in line]
    assert "canary" not in shared_server.log
    assert "Segment number" not in shared_server.log


def test_real_speech(serve: Callable[..., RunningServer], audio: Path) -> None:
    """Read speech through the client gives its words, with their times."""
    server = serve(engine="pocketsphinx").start()
    (path,) = [path for path in audio.glob("austen-0890.*") if path.suffix != ".txt"]
    with client_of(server, timeout=170) as client:
        answer = client.audio.transcriptions.create(
            file=path, model=MODEL, response_format="verbose_json", timestamp_granularities=["word"]
        )
    assert word_error_rate((audio / "austen-0890.txt").read_text(), answer.text) <= 0.35
    assert answer.words is not None
    assert [word.word for word in answer.words] == answer.text.split()
    assert 0 <= answer.words[0].start < answer.words[-1].end <= answer.duration + 0.1


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({"host": "evil.example"}, 421, "host_refused"), ({"origin": "https://evil.example"}, 403, "origin_refused")],
)
def test_the_gate_speaks_like_openai(
    shared_server: RunningServer, headers: dict[str, str], status: int, code: str
) -> None:
    """Whoever is not let in hears it in the shape that its client understands."""
    answer = shared_server.http.post("/v1/audio/transcriptions", headers=headers, content=b"")
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-request-id"]


def test_the_default_model_may_be_named(serve: Callable[..., RunningServer], silence: Path) -> None:
    """Every name that is listed is accepted, the admin's own too."""
    server = serve(model="our-own").start()
    with client_of(server) as client:
        ids = [model.id for model in client.models.list()]
        assert "our-own" in ids
        answer = client.audio.transcriptions.create(file=silence, model="our-own", prompt="segments=2")
    assert answer.text == TWO
