"""What a run tells about itself leaves without the server's folders."""

from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import WARNINGS
from app.domain.progress import TaskProgressStage
from app.services.run_progress import RunProgress, StageControl


class Told:
    """An emitter that keeps sentences."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def emit(self, task_id: str, event: Any) -> None:
        self.sentences.append(event.user_message)

    def emit_progress(self, task_id: str, stage: Any, percentage: int, message: str = "", **_: Any) -> None:
        self.sentences.append(message)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def control(told: Told) -> StageControl:
    return RunProgress("a task", told).stage(TaskProgressStage.TRANSCRIBING)  # type: ignore[arg-type]


def test_a_warning_names_no_folder(told: Told, control: StageControl, tmp_path: Path) -> None:
    """Of a path in a warning the last name stays; a sentence without one stays whole, and a code alone has its own."""
    control.warn("engine_fallback", f"WhisperX cannot run: the folder {tmp_path}/models/mine holds no model.")
    control.warn("batch_halved", "2 of 4 / 8 from now on.")
    control.warn("no_speech")
    assert told.sentences == [
        "WhisperX cannot run: the folder mine holds no model.",
        "2 of 4 / 8 from now on.",
        WARNINGS["no_speech"],
    ]


def test_a_message_names_no_folder(told: Told, control: StageControl, tmp_path: Path) -> None:
    """The same holds for what is said about progress; a model's name on the hub is no folder."""
    control.fraction(0.5, f"Loading model {tmp_path}/tiny")
    control.fraction(1.0, "Downloading model org/tiny: 1 of 4 MB")
    assert told.sentences == ["Loading model tiny", "Downloading model org/tiny: 1 of 4 MB"]
