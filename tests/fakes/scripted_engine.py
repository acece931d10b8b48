"""An engine whose behaviour is a small script in the request: `CESAR_ENGINE=tests.fakes.scripted_engine:create`.

The script is the request's `initial_prompt`, so that one server can run many behaviours side by side:

    segments=5 delay=0.2      five segments, 0.2 s before each
    words=1                   segments with word times
    raise=OSError             that built-in exception, or a code of the catalogue (`raise=out_of_memory`)
    segfault | exit | hang    the process dies of a signal, exits at once, or does nothing for ever
    after=2                   what goes wrong does so after two segments (default: before the first)

`create_whole` makes one whose segments can be aligned and diarized; see `scripted_aligner` and `scripted_diarizer` for their words.

Without a script it gives three segments at once. The text of segment i is `Segment number i.`
"""

import builtins
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.core.config import Settings
from app.domain.errors import CATALOGUE, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio, Capabilities, RunControl
from app.domain.transcript import Segment, Transcript, Word

DEFAULT_SEGMENTS = 3
TICK_SECONDS = 0.02


@dataclass(frozen=True)
class Script:
    """What one run does."""

    segments: int = DEFAULT_SEGMENTS
    delay: float = 0.0
    words: bool = False
    failure: str = ""
    after: int = 0

    @classmethod
    def parse(cls, text: str | None) -> "Script":
        parts = words_of(text)
        fatal = next((name for name in ("segfault", "exit", "hang") if name in parts), "")
        return cls(
            segments=int(parts.get("segments", DEFAULT_SEGMENTS)),
            delay=float(parts.get("delay", 0)),
            words=parts.get("words", "0") == "1",
            failure=fatal or parts.get("raise", ""),
            after=int(parts.get("after", 0)),
        )


class ScriptedEngine:
    """Does what the script says; checks for cancellation about every 20 ms, except while it hangs."""

    name = "scripted"
    model = "script"
    device = "cpu"

    def __init__(self, *, whole: bool = False) -> None:
        self.capabilities = Capabilities(words=True, align=whole, diarize=whole, translate=True, languages=None)

    def transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        remember(options.initial_prompt)
        script = Script.parse(options.initial_prompt)
        segments: list[Segment] = []
        for index in range(script.segments):
            if index == script.after:
                fail(script.failure)
            wait(script.delay, lambda done: control.fraction((index + done) / script.segments, _message(index, script)))  # noqa: B023
            segments.append(self._segment(index, script, audio))
            control.segment(segments[-1])
            control.fraction((index + 1) / script.segments)
        if script.after >= script.segments:
            fail(script.failure)
        return Transcript(tuple(segments), options.language or "en", 1.0)

    def _segment(self, index: int, script: Script, audio: Audio) -> Segment:
        length = audio.duration_seconds / script.segments
        start, end = round(index * length, 3), round((index + 1) * length, 3)
        text = f"Segment number {index}."
        step = (end - start) / 3
        words = tuple(
            Word(word, round(start + at * step, 3), round(start + (at + 1) * step, 3), 1.0)
            for at, word in enumerate(text.split())
        )
        return Segment(index, start, end, text, words=words if script.words else ())


def _message(index: int, script: Script) -> str:
    return f"Segment {index + 1} of {script.segments}"


def wait(seconds: float, tell: Callable[[float], None]) -> None:
    """Take so long, and tell the fraction (0..1) that is over about every 20 ms."""
    begun = time.monotonic()
    while (spent := time.monotonic() - begun) < seconds:
        tell(spent / seconds)
        time.sleep(min(TICK_SECONDS, seconds - spent))


def fail(failure: str) -> None:
    """Go wrong in this way; the empty string is none."""
    if failure == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif failure == "exit":
        os._exit(3)
    elif failure == "hang":
        while True:
            time.sleep(1)
    elif failure in CATALOGUE:
        raise CesarError(failure, "the script says so")
    elif failure:
        raise getattr(builtins, failure)("the script says so")


_latest: dict[str, str] = {}
"""The script of the latest run in this process: an aligner is not told the options of a run."""


def remember(prompt: str | None) -> None:
    """Let this script count for what follows."""
    _latest["script"] = prompt or ""


def remembered() -> str:
    """The script of the latest run."""
    return _latest.get("script", "")


def words_of(prompt: str | None) -> dict[str, str]:
    """A script as its words and their values."""
    return dict(part.partition("=")[::2] for part in (prompt or "").split())


def create(settings: Settings) -> ScriptedEngine:
    """The factory that the setting names."""
    return ScriptedEngine()


def create_whole(settings: Settings) -> ScriptedEngine:
    """One whose segments can be aligned and diarized."""
    return ScriptedEngine(whole=True)
