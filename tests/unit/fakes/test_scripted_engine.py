"""The engine that does what a request's script says."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio
from tests.fakes.recorded_control import RecordedControl
from tests.fakes.scripted_engine import create

AUDIO = Audio(Path("never-opened"), 9.0)


def run(script: str | None, control: RecordedControl | None = None) -> RecordedControl:
    control = control or RecordedControl()
    create(Settings(_env_file=None)).transcribe(AUDIO, TranscriptionOptions(initial_prompt=script), control)
    return control


def test_without_a_script() -> None:
    """Three segments that share the recording's length."""
    segments = run(None).segments
    assert [(part.start, part.end, part.text) for part in segments] == [
        (0.0, 3.0, "Segment number 0."),
        (3.0, 6.0, "Segment number 1."),
        (6.0, 9.0, "Segment number 2."),
    ]


def test_delay_and_words() -> None:
    """A delay is filled with progress, and words have times inside their segment."""
    started = time.monotonic()
    control = run("segments=2 delay=0.1 words=1")
    assert time.monotonic() - started >= 0.2
    assert len(control.fractions) > 4
    assert [word.word for word in control.segments[1].words] == ["Segment", "number", "1."]


@pytest.mark.parametrize("failure", [OSError, TypeError, MemoryError])
def test_failures(failure: type[Exception]) -> None:
    """Any built-in exception can be raised, also after some segments."""
    control = RecordedControl()
    with pytest.raises(failure):
        run(f"raise={failure.__name__} after=2", control)
    assert len(control.segments) == 2


def test_failures_of_the_catalogue() -> None:
    """A code of the catalogue is raised as such."""
    with pytest.raises(CesarError) as failed:
        run("raise=out_of_memory")
    assert failed.value.code == "out_of_memory"


def test_cancel() -> None:
    """It stops when it is cancelled."""
    with pytest.raises(Cancelled):
        run("segments=100 delay=5", RecordedControl(cancel_when=lambda seen: len(seen.fractions) > 3))


@pytest.mark.parametrize(("script", "status"), [("segfault", -11), ("exit", 3)])
def test_death(script: str, status: int) -> None:
    """The process itself dies: of a signal, or by leaving."""
    program = f"from tests.unit.fakes.test_scripted_engine import run; run({script!r})"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False, timeout=30).returncode == status
