"""Owns diarization: who speaks when, through pyannote's pipeline as WhisperX drives it, and joining it to words."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.config import Settings
from app.domain.errors import Cancelled, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio, RunControl
from app.domain.transcript import Segment, SpeakerTurn, Word
from app.infrastructure.engines.background_call import call_with_gauge
from app.infrastructure.engines.decoding import samples_of
from app.infrastructure.engines.diarization_models import find_diarization_model
from app.infrastructure.engines.hub_failures import diarization_failure
from app.infrastructure.engines.model_cache import ModelCache
from app.infrastructure.engines.whisperx_loading import torch_device, whisperx_at_hand


class PyannoteDiarizer:
    """`whisperx.diarize.DiarizationPipeline`, listened to and cancelled while it works."""

    def __init__(self, settings: Settings, cache: ModelCache, device: str) -> None:
        """Load the pipeline that the settings name: a folder, one from the cache, or one from the model hub.

        Raises `CesarError`: `hf_token_required`, `hf_token_invalid`, `diarization_failed`.
        """
        self.model = settings.diarize_model
        self._settings = settings
        here = find_diarization_model(cache, self.model)
        try:
            with whisperx_at_hand(settings) as whisperx:
                self._join = whisperx.assign_word_speakers
                self._pipeline = _loaded(whisperx.diarize.DiarizationPipeline, settings, cache, here, device)
        except Exception as problem:
            raise diarization_failure(problem, self.model, settings.hf_token) from problem

    def diarize(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> tuple[SpeakerTurn, ...]:
        """See `Diarizer.diarize`. A recording in which nobody speaks has no turns."""
        samples = samples_of(audio)
        if len(samples) == 0:
            return ()
        control.fraction(0.0, "Telling speakers apart")
        try:
            found = call_with_gauge(
                lambda gauge: self._pipeline(
                    samples,
                    **_speakers(options, self._settings),
                    progress_callback=lambda percent: gauge.move(float(percent) / 100),
                ),
                control.fraction,
                owner=self,
            )
        except (Cancelled, CesarError):
            raise
        except Exception as problem:
            raise diarization_failure(problem, self.model, self._settings.hf_token) from problem
        control.fraction(1.0)
        turns = (
            SpeakerTurn(round(float(row.start), 3), round(float(row.end), 3), str(row.speaker))
            for row in found.itertuples()
        )
        return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker)))

    def join(self, turns: Sequence[SpeakerTurn], segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """See `Diarizer.join`. Whoever speaks for most of a segment or word is its speaker; None where nobody does."""
        from whisperx.diarize import pd  # noqa: PLC0415 - a pandas frame is WhisperX's own form of turns

        frame = pd.DataFrame(
            [(turn.start, turn.end, turn.speaker) for turn in turns], columns=["start", "end", "speaker"]
        )
        told = {"segments": [_as_whisperx(segment) for segment in segments]}
        joined = self._join(frame, told)["segments"]
        return tuple(_with_speakers(segment, part) for segment, part in zip(segments, joined, strict=True))


def _loaded(pipeline: Any, settings: Settings, cache: ModelCache, here: Path | None, device: str) -> Any:
    place: dict[str, Any] = {"device": torch_device(device), "cache_dir": str(cache.folder)}
    if here is not None:
        try:
            return pipeline(str(here), token=False, **place)
        except OSError:  # a part that the cache lacks
            if here == Path(settings.diarize_model).expanduser():
                raise
    token = settings.hf_token.get_secret_value() if settings.hf_token else ""
    return pipeline(settings.diarize_model, token=token or False, **place)


def _speakers(options: TranscriptionOptions, settings: Settings) -> dict[str, int | None]:
    """The request's bounds; a request that names any is not mixed with those of the settings."""
    names = ("num_speakers", "min_speakers", "max_speakers")
    source: Any = options if any(getattr(options, name) is not None for name in names) else settings
    return {name: getattr(source, name) for name in names}


def _as_whisperx(segment: Segment) -> dict[str, Any]:
    words = [_times(word) for word in segment.words]
    return {"start": segment.start, "end": segment.end, "words": words}


def _times(word: Word) -> dict[str, float]:
    return {} if word.start is None or word.end is None else {"start": word.start, "end": word.end}


def _with_speakers(segment: Segment, joined: dict[str, Any]) -> Segment:
    words = zip(segment.words, joined["words"], strict=True)
    return replace(
        segment,
        speaker=joined.get("speaker"),
        words=tuple(replace(word, speaker=part.get("speaker")) for word, part in words),
    )
