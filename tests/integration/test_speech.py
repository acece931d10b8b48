"""Real speech in, real words out, on a real server with the real engines."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.fakes.spoken import JFK_TEXT, word_error_rate
from tests.running_server import RunningServer

SPEECH = Path(__file__).parent.parent / "fixtures" / "speech"
TINY = Path(__file__).parent.parent / "models" / "tiny-whisper-ct2"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A server that would like WhisperX, on a machine that is offline and has no model."""
    folder = tmp_path_factory.mktemp("small")
    server = RunningServer(folder, engine="auto", offline="true", models_dir=folder / "models").start()
    yield server
    server.close()


@pytest.mark.parametrize(("name", "limit"), [("austen-0870", 0.45), ("austen-0890", 0.35), ("jfk", 0.40)])
def test_real_speech_without_any_download(small: RunningServer, audio: Path, name: str, limit: float) -> None:
    """The small engine transcribes read speech, 24-bit stereo flac included; words have times; the fallback is told."""
    (path,) = [path for path in audio.glob(f"{name}.*") if path.suffix != ".txt"]
    reference = audio / f"{name}.txt"
    said = reference.read_text() if reference.exists() else JFK_TEXT
    (task_id,) = small.submit(path)
    task = small.finish(task_id, seconds=120)
    assert (task["status"], task["engine"], task["detected_language"]) == ("completed", "pocketsphinx", "en")
    assert word_error_rate(said, task["result_text"]) <= limit
    segments = small.http.get(f"/tasks/{task_id}/transcript").json()["segments"]
    words = [word for segment in segments for word in segment["words"]]
    assert [word["word"] for word in words] == task["result_text"].split()
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert 0 <= starts[0] < words[-1]["end"] <= task["duration_seconds"] + 0.1
    (warning,) = [
        event for event in small.history(task_id) if event["type"] == "warning" and event["code"] == "engine_fallback"
    ]
    assert "WhisperX" in warning["user_message"]
    assert warning["user_message"] in task["warnings"]


def test_segments_leave_while_later_audio_is_decoded(small: RunningServer, audio: Path) -> None:
    """A segment is told before the transcription is over, and the percentage moves in small steps."""
    (task_id,) = small.submit(audio / "jfk.flac")
    small.finish(task_id, seconds=120)
    history = small.history(task_id)
    first = next(at for at, event in enumerate(history) if event["type"] == "segment")
    before_the_end = [event for event in history[first:] if event["type"] == "progress" and event["percentage"] < 40]
    assert before_the_end
    steps = [
        event["percentage"] for event in history if event["type"] == "progress" and event["stage"] == "transcribing"
    ]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 8


@pytest.mark.whisperx
@pytest.mark.timeout(300)
def test_whisperx_transcribes_and_stays_warm(serve: Callable[..., RunningServer]) -> None:
    """The real WhisperX on the tiny model: its words are right, its segments leave early, and it is loaded once for two Tasks."""
    server = serve(engine="whisperx", model=TINY, language="en", chunk_size=8, offline="true").start()
    (first,) = server.submit(SPEECH / "long.wav", diarize="false")
    task = server.finish(first, seconds=200)
    assert (task["status"], task["engine"], task["model"]) == ("completed", "whisperx", str(TINY)), task
    assert word_error_rate((SPEECH / "long.txt").read_text(), task["result_text"]) <= 0.15
    history = server.history(first)
    segment = next(at for at, event in enumerate(history) if event["type"] == "segment")
    assert any(event["type"] == "progress" and event["percentage"] < 40 for event in history[segment:])
    percentages = [event["percentage"] for event in history if event["type"] == "progress"]
    assert percentages == sorted(percentages)
    (second,) = server.submit(SPEECH / "single-1.wav", diarize="false")
    task = server.finish(second, seconds=60)
    assert word_error_rate((SPEECH / "single-1.txt").read_text(), task["result_text"]) <= 0.2
    assert server.log.count("engine_loaded") == 1
    with server.socket(f"/ws/tasks/{second}?after=0") as socket:
        stages = {orjson.loads(message).get("stage") for message in socket}
    assert {"transcribing", "formatting", "complete"} <= stages
