"""Owns the real engine: WhisperX's pipeline object, driven through its own public pieces one batch at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio, Capabilities, RunControl
from app.domain.transcript import Segment, Transcript
from app.infrastructure.engines.background_call import call_in_background
from app.infrastructure.engines.choice import Choice
from app.infrastructure.engines.whisperx_loading import VAD_OFFSET, VAD_ONSET, load_pipeline

VAD_SHARE: Final = 0.15
"""The part of the transcribing stage that finding the speech takes; decoding it takes the rest."""

SAMPLE_RATE: Final = 16_000


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

    @property
    def capabilities(self) -> Capabilities:
        """What the loaded model can do: only a multilingual one translates and knows more than English."""
        multilingual = self._is_multilingual
        return Capabilities(
            words=False,
            align=False,
            diarize=False,
            translate=multilingual,
            languages=None if multilingual else frozenset({"en"}),
        )

    def transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        """See `Engine.transcribe`. A recording without speech gives an empty transcript."""
        try:
            return self._transcribe(audio, options, control)
        except (MemoryError, RuntimeError) as problem:
            if isinstance(problem, MemoryError) or "out of memory" in str(problem).lower():
                raise CesarError("out_of_memory", f"{type(problem).__name__}: {problem}") from problem
            raise

    @property
    def _is_multilingual(self) -> bool:
        return bool(self._pipeline.model.model.is_multilingual)

    def _transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        self._check(options, control)
        samples = _samples(audio)
        chunks = self._find_speech(samples, options, control)
        language, probability = self._language(samples, options, control)
        tokenizer = self._tokenizer(language, options.task)
        segments: list[Segment] = []
        for chunk, text in self._decode(samples, chunks, tokenizer, options, control):
            if not text:
                continue
            segment = Segment(len(segments), round(float(chunk["start"]), 3), round(float(chunk["end"]), 3), text)
            segments.append(segment)
            control.segment(segment)
        control.fraction(1.0)
        return Transcript(tuple(segments), language, probability)

    def _check(self, options: TranscriptionOptions, control: RunControl) -> None:
        if options.task == "translate" and not self._is_multilingual:
            raise CesarError("option_unsupported", f"{self.model} knows English only and cannot translate")
        self._asked_language(options)
        ignored = ["temperature"] if options.temperature else []
        ignored += ["vad_method"] if options.vad_method == "silero" else []
        if ignored:
            control.warn("option_ignored", f"These options have no effect with WhisperX: {', '.join(ignored)}.")

    def _asked_language(self, options: TranscriptionOptions) -> str | None:
        asked = options.language or self._settings.language
        if asked is None:
            return None
        language = asked.lower().replace("_", "-").split("-")[0]
        if language not in self._pipeline.model.supported_languages:
            raise CesarError("language_unsupported", f"{self.model} does not know the language {asked}")
        return language

    def _find_speech(self, samples: Any, options: TranscriptionOptions, control: RunControl) -> list[dict[str, Any]]:
        """Stretches of speech, each at most `chunk_size` seconds: `start` and `end` in seconds."""

        def told(completed: int, total: int) -> None:
            control.fraction(VAD_SHARE * min(1.0, completed / max(1, total)), "Looking for speech")

        if len(samples) == 0:
            return []
        vad = self._pipeline.vad_model
        scores = vad.detect({"waveform": vad.preprocess_audio(samples), "sample_rate": SAMPLE_RATE}, told)
        chunks: list[dict[str, Any]] = vad.merge_chunks(
            scores,
            options.chunk_size or self._settings.chunk_size,
            onset=VAD_ONSET if options.vad_onset is None else options.vad_onset,
            offset=VAD_OFFSET if options.vad_offset is None else options.vad_offset,
        )
        return chunks

    def _language(self, samples: Any, options: TranscriptionOptions, control: RunControl) -> tuple[str, float | None]:
        """The language to decode in, and how sure the model is if it had to detect it."""
        asked = self._asked_language(options)
        if asked is not None:
            return asked, None
        if not self._is_multilingual:
            return "en", None
        control.check()
        features = self._features([{"start": 0.0, "end": 30.0}], samples)
        model = self._pipeline.model
        token, probability = model.model.detect_language(model.encode(features))[0][0]
        return str(token).strip("<|>"), round(float(probability), 4)

    def _tokenizer(self, language: str, task: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415 - brings torch with it

        return Tokenizer(self._pipeline.model.hf_tokenizer, self._is_multilingual, task=task, language=language)

    def _decode(
        self,
        samples: Any,
        chunks: Sequence[dict[str, Any]],
        tokenizer: Any,
        options: TranscriptionOptions,
        control: RunControl,
    ) -> Iterator[tuple[dict[str, Any], str]]:
        """Each chunk with its text, as soon as its batch is decoded."""
        search = self._search_options(options)
        meter = _DecodingMeter(sum(chunk["end"] - chunk["start"] for chunk in chunks), control)
        for batch in _growing_batches(chunks, self._batch_size(options)):
            control.check()
            features = self._features(batch, samples)
            meter.begin(sum(chunk["end"] - chunk["start"] for chunk in batch))
            decode = partial(self._pipeline.model.generate_segment_batched, features, tokenizer, search)
            decoded = call_in_background(decode, meter.tick)
            for chunk, text in zip(batch, decoded["text"], strict=True):
                yield chunk, text.strip()
            meter.end()

    def _search_options(self, options: TranscriptionOptions) -> Any:
        """This request's own copy of the options; the pipeline's stay as they were loaded."""
        return replace(
            self._pipeline.options,
            beam_size=options.beam_size or self._settings.beam_size,
            initial_prompt=options.initial_prompt or None,
            hotwords=options.hotwords or None,
        )

    def _batch_size(self, options: TranscriptionOptions) -> int:
        return options.batch_size or self._settings.batch_size or (16 if self.device == "cuda" else 4)

    def _features(self, chunks: Sequence[dict[str, Any]], samples: Any) -> Any:
        import torch  # noqa: PLC0415

        pieces = (samples[int(chunk["start"] * SAMPLE_RATE) : int(chunk["end"] * SAMPLE_RATE)] for chunk in chunks)
        return torch.stack([self._pipeline.preprocess({"inputs": piece})["inputs"] for piece in pieces])


class _DecodingMeter:
    """Tells how far decoding is, also while a batch is under way: by the pace of the batches before it."""

    def __init__(self, speech_seconds: float, control: RunControl) -> None:
        self._control = control
        self._total = speech_seconds or 1.0
        self._done = 0.0
        self._batch = 0.0
        self._spent = 0.0
        self._elapsed = 0.0

    def begin(self, speech_seconds: float) -> None:
        """A batch with this much speech begins."""
        self._batch, self._elapsed = speech_seconds, 0.0

    def tick(self, elapsed: float) -> None:
        """`elapsed` seconds of the present batch have passed. Raises `Cancelled`."""
        self._elapsed = elapsed
        if not self._done:  # no pace is known yet
            self._control.check()
            return
        expected = self._batch * self._spent / self._done
        self._tell(self._done + self._batch * min(0.9, elapsed / max(expected, 1e-6)))

    def end(self) -> None:
        """The batch is decoded and its segments have left."""
        self._spent += self._elapsed
        self._done += self._batch
        self._tell(self._done)

    def _tell(self, speech_seconds: float) -> None:
        self._control.fraction(VAD_SHARE + (1 - VAD_SHARE) * min(1.0, speech_seconds / self._total))


def _growing_batches(chunks: Sequence[dict[str, Any]], largest: int) -> Iterator[Sequence[dict[str, Any]]]:
    """Batches of 1, 2, 4 … chunks up to the largest: the first words appear long before a full batch is decoded."""
    at, size = 0, 1
    while at < len(chunks):
        yield chunks[at : at + size]
        at, size = at + size, min(largest, size * 2)


def _samples(audio: Audio) -> Any:
    """The recording as float32 between -1 and 1, the form that WhisperX takes."""
    import numpy as np  # noqa: PLC0415

    if audio.path.stat().st_size < 2:
        return np.zeros(0, dtype=np.float32)
    return np.memmap(audio.path, dtype="<i2", mode="r").astype(np.float32) / np.float32(32768)
