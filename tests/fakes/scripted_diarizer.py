"""A diarizer that follows the request's script: `CESAR_DIARIZE_MODEL=tests.fakes.scripted_diarizer:create`.

    speakers=3                so many people take turns, a segment each (default: what the options ask for, else 2)
    diarize_delay=0.5         takes so long
    diarize=hang              goes wrong as an engine does (`segfault`, `OSError`, `hf_token_invalid`, …), after that time

A request with `num_speakers`, `min_speakers` or `max_speakers` = 9 is well in any case, so that a retry can mend what a script breaks.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.core.config import Settings
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio, RunControl
from app.domain.transcript import Segment, SpeakerTurn
from tests.fakes.scripted_engine import fail, remember, wait, words_of

WELL = 9


class ScriptedDiarizer:
    """People take turns, a segment each."""

    model = "scripted diarizer"

    def diarize(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> tuple[SpeakerTurn, ...]:
        remember(options.initial_prompt)
        script = words_of(options.initial_prompt)
        asked = options.num_speakers or options.min_speakers or options.max_speakers
        if asked != WELL:
            wait(float(script.get("diarize_delay", 0)), control.fraction)
            fail(script.get("diarize", ""))
        people = int(script.get("speakers", 0)) or asked or 2
        return tuple(SpeakerTurn(0.0, audio.duration_seconds, f"SPEAKER_{person:02d}") for person in range(people))

    def join(self, turns: Sequence[SpeakerTurn], segments: Sequence[Segment]) -> tuple[Segment, ...]:
        return tuple(_spoken_by(turns[segment.index % len(turns)].speaker, segment) for segment in segments)


def _spoken_by(speaker: str, segment: Segment) -> Segment:
    return replace(segment, speaker=speaker, words=tuple(replace(word, speaker=speaker) for word in segment.words))


def create(settings: Settings) -> ScriptedDiarizer:
    """The factory that the setting names."""
    return ScriptedDiarizer()
