"""Owns the stages behind the text: words get their times, speakers their names. What fails here never costs the transcript."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.logging import logger
from app.domain.errors import Cancelled, CesarError
from app.domain.options import TranscriptionOptions, asked_language
from app.domain.ports import Audio, EngineShelf
from app.domain.progress import SPEAKER_JOIN_FRACTION, TaskProgressStage
from app.domain.transcript import Segment, Transcript
from app.services.run_progress import RunProgress
from app.services.runs import SpeakerFailure, speaker_warning

_LOADING_SHARE = 0.05
"""How much of a stage is shown for loading its model, which takes no time at all when it is warm."""


@dataclass(frozen=True, slots=True)
class LaterStages:
    """Both stages, for one run."""

    audio: Audio
    options: TranscriptionOptions
    progress: RunProgress
    engines: EngineShelf

    def align(self, transcript: Transcript, begin: float) -> tuple[Transcript, float | None]:
        """The transcript with words in their places, and the seconds of work (None if it was left as it is).

        Args:
            transcript: what was recognised.
            begin: the fraction of the stage that is over already.

        Raises:
            Cancelled: the run is no longer wanted.
        """
        control = self.progress.stage(TaskProgressStage.ALIGNING, begin, 1.0)
        control.fraction(0.0)
        try:
            segments, seconds = self._aligned(transcript, begin)
        except Cancelled:
            raise
        except BaseException as problem:  # segments keep the times that they have
            control.warn(self._alignment_warning(problem))
            return transcript, None
        segments = _with_speakers_of(transcript.segments, segments)
        control.revise(segments)
        return replace(transcript, segments=segments), seconds

    def diarize(self, transcript: Transcript, begin: float) -> tuple[Transcript, float | None, SpeakerFailure | None]:
        """The transcript with speakers, and the seconds of work; or as it was, and why. Raises `Cancelled`."""
        control = self.progress.stage(TaskProgressStage.DIARIZING, begin, 1.0)
        control.fraction(0.0)
        try:
            segments, seconds = self._told_apart(transcript, begin)
        except Cancelled:
            raise
        except BaseException as problem:  # the transcript is there, whatever happens here
            failure = SpeakerFailure.of(problem)
            logger.warning("diarization_failed", task_id=self.progress.task_id, error_code=failure.code)
            control.warn(failure.code, speaker_warning(failure.code))
            return transcript, None, failure
        control.revise(segments)
        return replace(transcript, segments=segments), seconds, None

    def _aligned(self, transcript: Transcript, begin: float) -> tuple[tuple[Segment, ...], float]:
        language = transcript.language or asked_language(self.options.language)
        if language is None:
            raise CesarError("alignment_unavailable", "the language is not known")
        loaded = begin + _LOADING_SHARE
        loading = self.progress.stage(TaskProgressStage.ALIGNING, begin, loaded)
        with self.engines.lend_aligner(language, self.options, loading) as aligner:
            started = time.monotonic()
            control = self.progress.stage(TaskProgressStage.ALIGNING, loaded, 1.0)
            segments = aligner.align(self.audio, transcript.segments, control)
            control.fraction(1.0)
            return segments, time.monotonic() - started

    def _alignment_warning(self, problem: BaseException) -> str:
        code = problem.code if isinstance(problem, CesarError) else type(problem).__name__
        logger.warning("alignment_failed", task_id=self.progress.task_id, problem=code)
        return "alignment_unavailable" if code == "alignment_unavailable" else "alignment_failed"

    def _told_apart(self, transcript: Transcript, begin: float) -> tuple[tuple[Segment, ...], float]:
        loaded = begin + _LOADING_SHARE
        loading = self.progress.stage(TaskProgressStage.DIARIZING, begin, loaded)
        with self.engines.lend_diarizer(self.options, loading) as diarizer:
            started = time.monotonic()
            listening = self.progress.stage(TaskProgressStage.DIARIZING, loaded, SPEAKER_JOIN_FRACTION)
            turns = diarizer.diarize(self.audio, self.options, listening)
            joining = self.progress.stage(TaskProgressStage.DIARIZING, SPEAKER_JOIN_FRACTION, 1.0)
            joining.fraction(0.0)
            segments = diarizer.join(turns, without_speakers(transcript.segments))
            joining.fraction(1.0)
            return segments, time.monotonic() - started


def _with_speakers_of(before: Sequence[Segment], after: Sequence[Segment]) -> tuple[Segment, ...]:
    """Segments aligned anew with the speakers of their words before: whoever tells them apart next may fail, and then they stay.

    A segment brings its own speaker along; where the words are not the same ones, that is the speaker of its words, too.
    """
    heard = [word.speaker for segment in before for word in segment.words]
    if len(heard) != sum(len(segment.words) for segment in after):
        heard = [segment.speaker for segment in after for _ in segment.words]
    speakers = iter(heard)
    return tuple(
        replace(segment, words=tuple(replace(word, speaker=next(speakers)) for word in segment.words))
        for segment in after
    )


def without_speakers(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments and their words as if nobody had been told apart."""
    return tuple(
        replace(segment, speaker=None, words=tuple(replace(word, speaker=None) for word in segment.words))
        for segment in segments
    )
