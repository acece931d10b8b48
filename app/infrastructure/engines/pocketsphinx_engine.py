"""Owns the small engine: English speech through PocketSphinx, whose model is inside its wheel."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions, asked_language
from app.domain.ports import Audio, Capabilities, RunControl
from app.domain.transcript import Segment, Transcript, Word

MODEL: Final = "en-us"
SAMPLE_RATE: Final = 16_000
BYTES_PER_SECOND: Final = 2 * SAMPLE_RATE
FRAMES_PER_SECOND: Final = 100
BLOCK_BYTES: Final = BYTES_PER_SECOND * 9 // 100  # 90 ms between two reports

PAUSE_SECONDS: Final = 0.3
"""Silence of this length ends an utterance."""

MARGIN_SECONDS: Final = 0.15
"""Silence kept before and after an utterance: without it the first and the last word suffer."""

LONGEST_UTTERANCE_SECONDS: Final = 30.0
"""Speech without a pause is cut here, so that its text does not wait for a pause that may never come."""

_PRONUNCIATION_VARIANT: Final = re.compile(r"\(\d+\)$")
_WITHOUT_EFFECT: Final = (
    "initial_prompt",
    "hotwords",
    "temperature",
    "beam_size",
    "vad_onset",
    "vad_offset",
    "chunk_size",
)


class PocketSphinxEngine:
    """Decodes speech cut out of the silence, utterance by utterance; English only, no punctuation, no capitals."""

    name = "pocketsphinx"
    model = MODEL
    device = "cpu"
    capabilities = Capabilities(words=True, align=False, diarize=False, translate=False, languages=frozenset({"en"}))

    def __init__(self, settings: Settings) -> None:
        from pocketsphinx import Decoder  # noqa: PLC0415 - loading it costs memory that only a run needs

        self._default_language = settings.language
        self._decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
        # Looks for one word only, so it hears an utterance through in a twentieth of the time.
        self._level = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", lm=None, keyphrase="zebra")

    def transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        """See `Engine.transcribe`. A recording without speech gives an empty transcript."""
        self._check(options, control)
        self._forget()
        segments: list[Segment] = []
        done = _AudioTime(audio, control)
        for utterance in _utterances(audio, done):
            words = tuple(_words(utterance, self._decode(utterance, done)))
            if not words:
                continue
            text = " ".join(word.word for word in words)
            end = max(utterance.end, words[-1].end or 0.0)
            segment = Segment(len(segments), round(utterance.start, 3), round(end, 3), text, words=words)
            segments.append(segment)
            control.segment(segment)
        control.fraction(1.0)
        return Transcript(tuple(segments), language="en")

    def _check(self, options: TranscriptionOptions, control: RunControl) -> None:
        language = asked_language(options.language, self._default_language)
        if language not in (None, "en"):
            raise CesarError("language_unsupported", f"pocketsphinx knows en, not {language}")
        if options.task == "translate":
            raise CesarError("option_unsupported", "pocketsphinx cannot translate")
        ignored = [name for name in _WITHOUT_EFFECT if getattr(options, name) is not None]
        if ignored:
            control.warn("option_ignored", f"These options have no effect with PocketSphinx: {', '.join(ignored)}.")

    def _forget(self) -> None:
        """Start from scratch: both decoders adapt to the noise they hear, and the next recording has noise of its own."""
        self._decoder.reinit_feat()
        self._level.reinit_feat()

    def _decode(self, utterance: "_Utterance", done: "_AudioTime") -> list[Any]:
        """The decoder's parts of the utterance: words, silences and noises."""
        # Fed block by block, the decoder would spend the first seconds finding out how loud and dull the channel is.
        # So each utterance is measured first: far fewer wrong words.
        self._decoder.set_cmn(self._cepstral_mean(utterance.samples))
        self._decoder.start_utt()
        try:
            for at in range(0, len(utterance.samples), BLOCK_BYTES):
                self._decoder.process_raw(utterance.samples[at : at + BLOCK_BYTES])
                done.reached(utterance.start + at / BYTES_PER_SECOND)
        finally:
            self._decoder.end_utt()
        return list(self._decoder.seg() or ())

    def _cepstral_mean(self, samples: bytes) -> str:
        self._level.start_utt()
        self._level.process_raw(samples, no_search=True, full_utt=True)
        mean: str = self._level.get_cmn(False)
        self._level.end_utt()
        return mean


@dataclass(frozen=True, slots=True)
class _Utterance:
    """Speech without a long pause; `start` in seconds from the beginning of the recording."""

    start: float
    samples: bytes

    @property
    def end(self) -> float:
        return self.start + len(self.samples) / BYTES_PER_SECOND


def _utterances(audio: Audio, done: "_AudioTime") -> Iterator[_Utterance]:
    """Speech between pauses with a little of the silence around it, cut where it goes on for too long."""
    with audio.path.open("rb") as samples:
        for start, end in _stretches(audio, done):
            first = max(0, int(start * SAMPLE_RATE))
            samples.seek(2 * first)
            yield _Utterance(first / SAMPLE_RATE, samples.read(2 * (int(end * SAMPLE_RATE) - first)))


def _stretches(audio: Audio, done: "_AudioTime") -> Iterator[tuple[float, float]]:
    """Where there is speech, in seconds."""
    from pocketsphinx import Endpointer  # noqa: PLC0415

    endpointer = Endpointer(window=PAUSE_SECONDS)
    start = 0.0
    for position, frame in _frames(audio, endpointer.frame_bytes):
        spoken_before = endpointer.in_speech
        if len(frame) == endpointer.frame_bytes:
            endpointer.process(frame)
        elif spoken_before:
            endpointer.end_stream(frame)
        if endpointer.in_speech and not spoken_before:
            start = endpointer.speech_start - MARGIN_SECONDS
        if spoken_before and not endpointer.in_speech:
            yield start, endpointer.speech_end + MARGIN_SECONDS
        elif endpointer.in_speech and position - start >= LONGEST_UTTERANCE_SECONDS:
            yield start, position
            start = position
        if not endpointer.in_speech:
            done.reached(position)


def _frames(audio: Audio, frame_bytes: int) -> Iterator[tuple[float, bytes]]:
    """The recording in whole frames with their place in seconds, then a shorter one that marks its end."""
    position = 0
    with audio.path.open("rb") as samples:
        while len(frame := samples.read(frame_bytes)) == frame_bytes:
            yield position / BYTES_PER_SECOND, frame
            position += frame_bytes
    yield position / BYTES_PER_SECOND, frame or bytes(2)  # the endpointer refuses an empty last frame


class _AudioTime:
    """How far the recording is done. Listening is a little ahead of decoding, so this never steps back."""

    def __init__(self, audio: Audio, control: RunControl) -> None:
        self._control = control
        self._duration = max(audio.duration_seconds, 0.001)
        self._furthest = 0.0

    def reached(self, position: float) -> None:
        """The recording is done up to `position` seconds. Raises `Cancelled`."""
        self._control.check()
        if position > self._furthest:
            self._furthest = position
            self._control.fraction(min(1.0, position / self._duration))


def _words(utterance: _Utterance, parts: list[Any]) -> Iterator[Word]:
    for part in parts:
        if part.word.startswith(("<", "[", "+")):  # silence and noise
            continue
        yield Word(
            word=_PRONUNCIATION_VARIANT.sub("", part.word),
            start=round(utterance.start + part.start_frame / FRAMES_PER_SECOND, 3),
            end=round(utterance.start + (part.end_frame + 1) / FRAMES_PER_SECOND, 3),
            score=round(min(1.0, max(0.0, float(part.prob))), 4),
        )
