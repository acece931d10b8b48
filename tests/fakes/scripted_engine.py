"""An engine whose behaviour is a small script in the request: `CESAR_ENGINE=tests.fakes.scripted_engine:create`.

The script is the request's `initial_prompt`, so that one server can run many behaviours side by side:

    segments=5 delay=0.2      five segments, 0.2 s before each
    words=1                   segments with word times
    raise=OSError             that built-in exception, or a code of the catalogue (`raise=out_of_memory`)
    segfault | exit | hang    the process dies of a signal, exits at once, or does nothing for ever
    after=2                   what goes wrong does so after two segments (default: before the first)

Without a script it gives three segments at once. The text of segment i is `Segment number i.`
"""

import builtins
import os
import signal
import time
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
        parts = dict(part.partition("=")[::2] for part in (text or "").split())
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
    capabilities = Capabilities(words=True, align=False, diarize=False, translate=True, languages=None)

    def transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        script = Script.parse(options.initial_prompt)
        segments: list[Segment] = []
        for index in range(script.segments):
            if index == script.after:
                self._fail(script.failure)
            self._wait(script.delay, index, script.segments, control)
            segments.append(self._segment(index, script, audio))
            control.segment(segments[-1])
            control.fraction((index + 1) / script.segments)
        if script.after >= script.segments:
            self._fail(script.failure)
        return Transcript(tuple(segments), options.language or "en", 1.0)

    def _wait(self, delay: float, index: int, count: int, control: RunControl) -> None:
        begun = time.monotonic()
        while (spent := time.monotonic() - begun) < delay:
            control.fraction((index + spent / delay) / count, f"Segment {index + 1} of {count}")
            time.sleep(min(TICK_SECONDS, delay - spent))

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

    def _fail(self, failure: str) -> None:
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


def create(settings: Settings) -> ScriptedEngine:
    """The factory that the setting names."""
    return ScriptedEngine()
