"""An aligner that follows the script of the run before it: `CESAR_ALIGN_MODEL=tests.fakes.scripted_aligner:create`.

    align_delay=0.5           takes so long
    align=segfault            goes wrong as an engine does (`hang`, `OSError`, `alignment_unavailable`, …), after that time

Every segment becomes one with a time for each of its words.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.core.config import Settings
from app.domain.ports import Audio, RunControl
from app.domain.transcript import Segment, Word
from tests.fakes.scripted_engine import fail, remembered, wait, words_of


class ScriptedAligner:
    """Gives every word of a segment an equal share of its time."""

    model = "scripted aligner"

    def align(self, audio: Audio, segments: Sequence[Segment], control: RunControl) -> tuple[Segment, ...]:
        script = words_of(remembered())
        wait(float(script.get("align_delay", 0)), control.fraction)
        fail(script.get("align", ""))
        return tuple(_with_words(segment) for segment in segments)


def _with_words(segment: Segment) -> Segment:
    texts = segment.text.split()
    step = (segment.end - segment.start) / max(1, len(texts))
    words = tuple(
        Word(text, segment.start + place * step, segment.start + (place + 1) * step, 0.9)
        for place, text in enumerate(texts)
    )
    return replace(segment, words=words)


def create(settings: Settings) -> ScriptedAligner:
    """The factory that the setting names."""
    return ScriptedAligner()
