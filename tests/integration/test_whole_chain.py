"""The whole chain with real models: what was said, when each word was said, and by whom."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.spoken import word_error_rate
from tests.running_server import ROOT, RunningServer

SPEECH = Path(__file__).parent.parent / "fixtures" / "speech"
MODELS = Path(__file__).parent.parent / "models"


@pytest.mark.whisperx
@pytest.mark.timeout(400)
def test_words_times_and_speakers(serve: Callable[..., RunningServer], tmp_path: Path) -> None:
    """WhisperX, its aligner and pyannote on small models: right words, rising times, two voices; speakers redone with another bound."""
    server = serve(
        engine="whisperx",
        model=MODELS / "tiny-whisper-ct2",
        align_model=MODELS / "tiny-wav2vec2",
        diarize_model=_pipeline(tmp_path / "pipeline"),
        language="en",
        chunk_size=8,
        offline="true",
    ).start()
    (task_id,) = server.submit(SPEECH / "long.wav", num_speakers=2)
    task = server.finish(task_id, seconds=300)
    assert (task["status"], task["diarized"], task["speaker_count"]) == ("completed", True, 2), task
    assert task["warnings"] == []
    assert word_error_rate((SPEECH / "long.txt").read_text(), task["result_text"]) <= 0.15
    segments = server.http.get(f"/tasks/{task_id}/transcript").json()["segments"]
    assert {segment["speaker"] for segment in segments} == {"SPEAKER_00", "SPEAKER_01"}
    for segment in segments:
        starts = [word["start"] for word in segment["words"] if word["start"] is not None]
        assert starts == sorted(starts)
        assert len(starts) >= 0.8 * len(segment["words"]) > 0
        assert segment["start"] - 0.1 <= starts[0] <= starts[-1] <= segment["end"] + 0.1
    history = server.history(task_id)
    percentages = [event["percentage"] for event in history if event["type"] == "progress"]
    assert percentages == sorted(percentages)
    assert len([event for event in history if event["type"] == "segments_revised"]) == 2
    server.http.post(f"/tasks/{task_id}/retry", json={"from": "diarizing", "num_speakers": 1})
    again = server.finish(task_id, seconds=100)
    assert (again["status"], again["speaker_count"], again["result_text"]) == ("completed", 1, task["result_text"])
    assert server.log.count("engine_loaded") == 1


def _pipeline(folder: Path) -> Path:
    """Made by another process: this one stays free of torch and of what pyannote warns about when it is imported."""
    make = "import pathlib, sys; from tests.fakes.pipeline_folder import make_pipeline; make_pipeline(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-W", "ignore", "-c", make, str(folder)], cwd=ROOT, check=True)
    return folder
