"""Owns alignment: the time of every word, through WhisperX and a wav2vec2 model, one segment after another."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.core.config import Settings
from app.core.logging import logger
from app.domain.errors import CesarError
from app.domain.ports import Audio, RunControl
from app.domain.transcript import Segment, Word
from app.infrastructure.engines.background_call import call_in_background
from app.infrastructure.engines.decoding import samples_of
from app.infrastructure.engines.pace import PaceMeter
from app.infrastructure.engines.sentences import lay_out_sentence_splitters
from app.infrastructure.engines.whisperx_loading import is_out_of_memory, torch_device, whisperx_at_hand


class WhisperXAligner:
    """`whisperx.align` on one segment at a time: the result is that of all at once, progress moves, and a cancel is heard."""

    def __init__(self, settings: Settings, name: str, place: str, language: str, device: str) -> None:
        """Load the model that is at `place` (a folder, or the name of one of torchaudio's, which may be downloaded).

        Raises `CesarError`: `alignment_unavailable`, `engine_unavailable`, `out_of_memory`.
        """
        self.model = name
        with whisperx_at_hand(settings) as whisperx:
            lay_out_sentence_splitters(settings.data_dir)
            self._align = whisperx.align
            self._device = torch_device(device)
            cache = str(settings.models_dir) if settings.models_dir else None
            try:
                self._network, self._about = whisperx.load_align_model(
                    language, self._device, model_name=place, model_dir=cache, model_cache_only=True
                )
            except Exception as problem:  # WhisperX swallows what happened; torchaudio downloads by itself
                code = "out_of_memory" if is_out_of_memory(problem) else "alignment_unavailable"
                raise CesarError(code, f"{name}: {type(problem).__name__}: {problem}") from problem

    def align(self, audio: Audio, segments: Sequence[Segment], control: RunControl) -> tuple[Segment, ...]:
        """See `Aligner.align`. A segment that cannot be aligned stays as it is, without words.

        If that is so of every one, the failure of the last is raised.
        """
        samples = samples_of(audio)
        meter = PaceMeter(audio.duration_seconds, control)
        sentences: list[Segment] = []
        failures: list[Exception] = []
        for segment in segments:
            control.check()
            meter.begin(segment.end)
            try:
                sentences += self._aligned(segment, samples, meter)
            except (ValueError, LookupError, RuntimeError) as problem:
                if is_out_of_memory(problem):
                    raise CesarError("out_of_memory", f"alignment: {problem}") from problem
                failures.append(problem)
                sentences.append(replace(segment, words=()))
            meter.end()
        self._tell_failures(failures, len(segments))
        control.fraction(1.0)
        return tuple(replace(sentence, index=index) for index, sentence in enumerate(sentences))

    def _aligned(self, segment: Segment, samples: Any, meter: PaceMeter) -> list[Segment]:
        asked = {"start": segment.start, "end": segment.end, "text": segment.text}

        def align() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self._align([asked], self._network, self._about, samples, self._device)[
                "segments"
            ]
            return found

        found = call_in_background(align, meter.tick, self)
        sentences = [_sentence(part, segment) for part in found]
        # Grouping sentences by their times can drop one; a text that lost words is worse than one without times.
        whole = "".join("".join(part.text for part in sentences).split()) == "".join(segment.text.split())
        return sentences if whole else [replace(segment, words=())]

    def _tell_failures(self, failures: list[Exception], segments: int) -> None:
        if not failures:
            return
        kinds = sorted({type(problem).__name__ for problem in failures})
        logger.warning("segments_not_aligned", failed=len(failures), segments=segments, problems=", ".join(kinds))
        if len(failures) == segments:
            raise failures[-1]


def _sentence(part: Mapping[str, Any], segment: Segment) -> Segment:
    """One of WhisperX's segments in plain numbers, within the segment it came from where it has no times."""
    start, end = _number(part.get("start")), _number(part.get("end"))
    return replace(
        segment,
        start=segment.start if start is None else start,
        end=segment.end if end is None else end,
        text=str(part["text"]).strip(),
        words=tuple(_word(word) for word in part["words"]),
    )


def _word(word: Mapping[str, Any]) -> Word:
    start, end = _number(word.get("start")), _number(word.get("end"))
    placed = start is not None and end is not None
    return Word(str(word["word"]), start if placed else None, end if placed else None, _number(word.get("score")))


def _number(value: Any) -> float | None:
    """A plain number; None for what is missing or not a number."""
    if value is None:
        return None
    number = float(value)
    return None if math.isnan(number) else round(number, 3)
