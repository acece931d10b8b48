"""Owns the real engine: WhisperX's pipeline object, driven through its own public pieces one batch at a time."""

from collections.abc import Iterator
from typing import Any, Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions, asked_language
from app.domain.ports import Audio, Capabilities, RunControl
from app.domain.transcript import Segment, Transcript
from app.infrastructure.engines.background_call import call_in_background, call_with_gauge
from app.infrastructure.engines.choice import Choice
from app.infrastructure.engines.decoding import SAMPLE_RATE, Decoder, samples_of
from app.infrastructure.engines.speech_finder import (
    BlockwiseSpeech,
    Chunk,
    SpeechAtOnce,
    VoiceActivity,
    growing_batches,
)
from app.infrastructure.engines.whisperx_loading import is_out_of_memory, load_pipeline, load_silero

VAD_SHARE: Final = 0.15
"""The part of the transcribing stage that finding the speech is shown to take; decoding it takes the rest."""


class WhisperXEngine:
    """Whisper through CTranslate2, batched over the stretches of speech that a voice activity model found.

    `FasterWhisperPipeline.transcribe` returns only when everything is decoded, and keeps the options of a call in the
    pipeline. So this class calls the same pieces itself: segments leave batch by batch, a cancelled run stops, and
    nothing of one request stays behind in the model that the next one uses. The text is the same.
    """

    name = "whisperx"

    def __init__(self, settings: Settings, choice: Choice, model_folder: str) -> None:
        """Load the model of `model_folder`. Raises `CesarError`: `engine_unavailable`, `model_unavailable`, `out_of_memory`."""
        self.model = choice.model
        self.device = choice.device
        self._settings = settings
        self._pipeline = load_pipeline(settings, choice, model_folder)
        self._silero: Any = None

    @property
    def capabilities(self) -> Capabilities:
        """What the loaded model can do: only a multilingual one translates and knows more than English."""
        multilingual = self._is_multilingual
        return Capabilities(
            words=False,
            align=True,
            diarize=True,
            translate=multilingual,
            languages=None if multilingual else frozenset({"en"}),
        )

    def transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        """See `Engine.transcribe`. A recording without speech gives an empty transcript; the language is None if it had
        to be detected.

        Raises also `CesarError("model_unavailable")` when silero was asked for and cannot be had.
        """
        try:
            return self._transcribe(audio, options, control)
        except (MemoryError, RuntimeError) as problem:
            if is_out_of_memory(problem):
                raise CesarError("out_of_memory", f"{type(problem).__name__}: {problem}") from problem
            raise

    @property
    def _is_multilingual(self) -> bool:
        return bool(self._pipeline.model.model.is_multilingual)

    def _transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        if options.task == "translate" and not self._is_multilingual:
            raise CesarError("option_unsupported", f"{self.model} knows English only and cannot translate")
        language, probability = self._asked_language(options), None
        progress = _Progress(audio.duration_seconds, control)
        samples = samples_of(audio)
        decoder = Decoder(self, self._pipeline, self._settings, options, progress)
        segments: list[Segment] = []
        for batch in growing_batches(self._speech(samples, options, progress), decoder.batch_size):
            if language is None:
                language, probability = self._detected_language(samples, control)
            for chunk, text in decoder.decode(samples, batch, language):
                if not text:
                    continue
                segment = Segment(len(segments), round(float(chunk["start"]), 3), round(float(chunk["end"]), 3), text)
                segments.append(segment)
                control.segment(segment)
        control.fraction(1.0)
        return Transcript(tuple(segments), language, probability)

    def _asked_language(self, options: TranscriptionOptions) -> str | None:
        """The language that is known before anything is heard."""
        language = asked_language(options.language, self._settings.language)
        if language is None:
            return None if self._is_multilingual else "en"
        if language not in self._pipeline.model.supported_languages:
            raise CesarError("language_unsupported", f"{self.model} does not know the language {language}")
        return language

    def _speech(self, samples: Any, options: TranscriptionOptions, progress: "_Progress") -> Iterator[Chunk]:
        """Stretches of speech, each at most `chunk_size` seconds, found while the ones before are decoded."""
        if len(samples) == 0:
            return
        finder = self._finder(samples, options, progress)
        while not finder.is_done:
            chunks = call_with_gauge(lambda gauge: finder.next_block(gauge.move), progress.heard, owner=self)
            yield from chunks

    def _finder(
        self, samples: Any, options: TranscriptionOptions, progress: "_Progress"
    ) -> BlockwiseSpeech | SpeechAtOnce:
        settings = self._settings
        wanted = VoiceActivity(
            options.vad_method or settings.vad_method,
            settings.vad_onset if options.vad_onset is None else options.vad_onset,
            settings.vad_offset if options.vad_offset is None else options.vad_offset,
            options.chunk_size or settings.chunk_size,
        )
        if wanted.method != "silero":
            return BlockwiseSpeech(samples, wanted, self._pipeline.vad_model.detect)
        if self._silero is None:
            self._silero = call_in_background(lambda: load_silero(settings), lambda _: progress.heard(0.0), owner=self)
        return SpeechAtOnce(samples, wanted, self._silero)

    def _detected_language(self, samples: Any, control: RunControl) -> tuple[str, float]:
        """The language of the first 30 s, and how sure the model is (0..1)."""

        def detect() -> tuple[str, float]:
            features = self._pipeline.preprocess({"inputs": samples[: 30 * SAMPLE_RATE]})["inputs"]
            model = self._pipeline.model
            token, probability = model.model.detect_language(model.encode(features))[0][0]
            return str(token).strip("<|>"), round(float(probability), 4)

        return call_in_background(detect, lambda _: control.check(), owner=self)


class _Progress:
    """Joins two positions in the recording, both in seconds, to one fraction: heard by voice activity detection, and decoded."""

    def __init__(self, seconds: float, control: RunControl) -> None:
        self.control = control
        self.seconds = seconds or 1.0
        self._heard = 0.0
        self._decoded = 0.0

    def heard(self, seconds: float) -> None:
        """Voice activity detection has come this far. Raises `Cancelled`."""
        self._heard = max(self._heard, min(1.0, seconds / self.seconds))
        self._tell("Looking for speech" if self._decoded == 0.0 else "")

    def fraction(self, done: float, message: str = "") -> None:
        """This fraction (0..1) of the recording is decoded. Raises `Cancelled`."""
        self._decoded = max(self._decoded, done)
        self._tell(message)

    def check(self) -> None:
        """Raises `Cancelled`."""
        self.control.check()

    def _tell(self, message: str) -> None:
        self.control.fraction(VAD_SHARE * self._heard + (1 - VAD_SHARE) * self._decoded, message)
