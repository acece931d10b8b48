"""Owns decoding: one request's search over batches of speech, with a batch size that gives way when memory runs out."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio, RunControl
from app.infrastructure.engines.background_call import call_in_background
from app.infrastructure.engines.lending import return_memory
from app.infrastructure.engines.pace import Listener, PaceMeter
from app.infrastructure.engines.whisperx_loading import is_out_of_memory

SAMPLE_RATE: Final = 16_000
BEST_OF: Final = 5
"""Texts that are drawn at a temperature above 0, of which the likeliest is taken: Whisper's own number."""


class Progress(Listener, Protocol):
    """What decoding needs to know about the run: besides, who hears its warnings, and how long the recording is."""

    @property
    def control(self) -> RunControl:
        """The run itself."""

    @property
    def seconds(self) -> float:
        """The length of the recording."""


class Decoder:
    """Turns chunks of speech into text, for one request. The loaded pipeline stays as it is."""

    def __init__(
        self, owner: object, pipeline: Any, settings: Settings, options: TranscriptionOptions, progress: Progress
    ) -> None:
        self._owner = owner
        self._pipeline = pipeline
        self._task = options.task
        self._search = _search_options(pipeline.options, settings, options)
        self._temperature = _first(options.temperature, settings.temperature) or 0.0
        self._control = progress.control
        self._meter = PaceMeter(progress.seconds, progress)
        self._tokenizer: Any = None
        on_card = pipeline.model.model.device == "cuda"
        self.batch_size = options.batch_size or settings.batch_size or (16 if on_card else 4)

    def decode(
        self, samples: Any, chunks: Sequence[dict[str, Any]], language: str
    ) -> Iterator[tuple[dict[str, Any], str]]:
        """Each chunk with its text, as soon as its batch is decoded.

        When memory runs out the batch is halved and decoded again. Raises `CesarError("out_of_memory")` if a single
        chunk does not fit; `Cancelled`.
        """
        if self._tokenizer is None:
            self._tokenizer = self._tokenizer_for(language)
        at = 0
        while at < len(chunks):
            batch = chunks[at : at + self.batch_size]
            self._meter.begin(float(batch[-1]["end"]))
            texts = self._texts(samples, batch)
            if texts is None:
                self._halve(len(batch))
                continue
            yield from zip(batch, texts, strict=True)
            self._meter.end()
            at += len(batch)

    def _texts(self, samples: Any, batch: Sequence[dict[str, Any]]) -> list[str] | None:
        """The texts of a batch; None if there was not enough memory for it."""

        def decode() -> list[str]:
            features = self._features(samples, batch)
            model = _sampling(self._pipeline.model, self._temperature)
            decoded = model.generate_segment_batched(features, self._tokenizer, self._search)
            return [text.strip() for text in decoded["text"]]

        try:
            return call_in_background(decode, self._meter.tick, self._owner)
        except (MemoryError, RuntimeError) as problem:
            if not is_out_of_memory(problem):
                raise
            if len(batch) == 1:
                raise CesarError("out_of_memory", f"one stretch of speech at a time: {problem}") from problem
            return None

    def _halve(self, tried: int) -> None:
        self.batch_size = max(1, tried // 2)
        return_memory()
        message = f"There was not enough memory for {tried} stretches of speech at once: {self.batch_size} from now on."
        self._control.warn("batch_halved", message)

    def _features(self, samples: Any, batch: Sequence[dict[str, Any]]) -> Any:
        import torch  # noqa: PLC0415

        pieces = (samples[int(chunk["start"] * SAMPLE_RATE) : int(chunk["end"] * SAMPLE_RATE)] for chunk in batch)
        return torch.stack([self._pipeline.preprocess({"inputs": piece})["inputs"] for piece in pieces])

    def _tokenizer_for(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415 - brings torch with it

        model = self._pipeline.model
        return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task=self._task, language=language)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _search_options(loaded: Any, settings: Settings, options: TranscriptionOptions) -> Any:
    """This request's own copy of the options; the pipeline's stay as they were loaded."""
    return replace(
        loaded,
        beam_size=options.beam_size or settings.beam_size,
        initial_prompt=_first(options.initial_prompt, settings.initial_prompt) or None,
        hotwords=_first(options.hotwords, settings.hotwords) or None,
    )


def _sampling(model: Any, temperature: float) -> Any:
    """The model as it is, or for a temperature a copy of its shell that draws words instead of searching for the best.

    WhisperX's `generate_segment_batched` has no temperature; CTranslate2's `generate`, which it calls, has.
    """
    if temperature <= 0:
        return model
    shell = copy.copy(model)
    shell.model = _SamplingModel(model.model, temperature)
    return shell


class _SamplingModel:
    """CTranslate2's Whisper, whose `generate` draws at a temperature, as faster-whisper does it."""

    def __init__(self, model: Any, temperature: float) -> None:
        self._model = model
        self._drawing = {
            "beam_size": 1,
            "num_hypotheses": BEST_OF,
            "sampling_topk": 0,
            "sampling_temperature": temperature,
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, features: Any, prompts: Any, **search: Any) -> Any:
        return self._model.generate(features, prompts, **{**search, **self._drawing})


def samples_of(audio: Audio) -> Any:
    """The recording as float32 between -1 and 1, the form that WhisperX takes."""
    import numpy as np  # noqa: PLC0415

    if audio.path.stat().st_size < 2:
        return np.zeros(0, dtype=np.float32)
    return np.memmap(audio.path, dtype="<i2", mode="r").astype(np.float32) / np.float32(32768)
