"""Owns the pipeline: decode → transcribe → align → diarize → format, as one synchronous run with live progress."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio, Engine, EngineShelf, MediaTools, Storage
from app.domain.progress import StageEstimate, TaskProgressStage
from app.domain.transcript import Transcript
from app.services.later_stages import LaterStages, without_speakers
from app.services.retry import Kept
from app.services.run_progress import RunProgress, _update_progress
from app.services.runs import RunResult, SpeakerFailure, count_speakers

__all__ = ["PipelineTools", "Recording", "_update_progress", "process_audio_common"]

_DECODE_SHARE = 0.1
"""How much of a run's first stage is shown for decoding the media, which is some tens of times faster."""

_LATER = (TaskProgressStage.ALIGNING, TaskProgressStage.DIARIZING)

Speeds = Callable[[str, str, str], dict[str, float]]
"""(engine, model, device) → seconds of work per second of audio, by stage; empty before the first run."""

Reached = Callable[[TaskProgressStage, Transcript], None]
"""Told before each later stage, with the transcript that is there by then."""


@dataclass(frozen=True, slots=True)
class PipelineTools:
    """What the pipeline works with."""

    storage: Storage
    media: MediaTools
    engines: EngineShelf
    speeds: Speeds


@dataclass(frozen=True, slots=True)
class Recording:
    """Stored media: where the bytes rest, and their length as probed at intake (None if the container did not say)."""

    storage_key: str
    duration_seconds: float | None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A transcript on its way: what made it, what is to be done to it, and what that took."""

    transcript: Transcript
    audio: Audio | None
    engine: str
    model: str
    device: str
    todo: tuple[TaskProgressStage, ...]
    begin: float = 0.0
    """The fraction of the next stage that is over already."""
    diarized: bool | None = None
    failure: SpeakerFailure | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def process_audio_common(
    *,
    recording: Recording,
    options: TranscriptionOptions,
    progress: RunProgress,
    tools: PipelineTools,
    engine_known: Callable[[Engine], None],
    reached: Reached,
    kept: Kept | None = None,
    heard: Callable[[Audio], None] | None = None,
) -> RunResult:
    """Turn stored media into a transcript; what fails behind the text does not cost the text.

    Args:
        recording: the media.
        options: what the person asked for.
        progress: hears of every step; its `stop` ends the run.
        tools: the adapters.
        engine_known: called once with the engine that runs, before it does.
        reached: called when the text is there and a later stage begins.
        kept: a transcript to begin with, at a later stage; no engine is loaded then.
        heard: called with the decoded recording, before anything is made of it.

    Raises:
        CesarError: whatever media tools and engine raise.
        Cancelled: the run is no longer wanted.
    """
    with tools.storage.scratch() as folder:
        run = _Run(recording, options, progress, tools, reached, folder / "audio.s16", heard)
        draft = run.transcribe(engine_known) if kept is None else run.resume(kept)
        for stage in draft.todo:
            draft = run.improve(stage, draft)
        return run.format(draft)


@dataclass(frozen=True, slots=True)
class _Run:
    recording: Recording
    options: TranscriptionOptions
    progress: RunProgress
    tools: PipelineTools
    reached: Reached
    decoded: Path
    heard: Callable[[Audio], None] | None

    def transcribe(self, engine_known: Callable[[Engine], None]) -> _Draft:
        """Begin with the recording."""
        loading = self.progress.stage(TaskProgressStage.DOWNLOADING)
        with self.tools.engines.lend(self.options, loading) as engine:
            engine_known(engine)
            todo = self._later_stages(engine)
            paces = self.tools.speeds(engine.name, engine.model, engine.device)
            audio = self._decode(TaskProgressStage.TRANSCRIBING, paces, (TaskProgressStage.TRANSCRIBING, *todo))
            control = self.progress.stage(TaskProgressStage.TRANSCRIBING, _DECODE_SHARE, 1.0)
            started = time.monotonic()
            transcript = engine.transcribe(audio, self.options, control)
            control.fraction(1.0)
            seconds = {TaskProgressStage.TRANSCRIBING.value: time.monotonic() - started}
            if not transcript.segments:
                control.warn("no_speech")
            if self.options.diarize and not engine.capabilities.diarize:
                control.warn("diarization_unavailable")
            return _Draft(
                transcript=transcript,
                audio=audio,
                engine=engine.name,
                model=engine.model,
                device=engine.device,
                todo=todo if transcript.segments else (),
                diarized=False if self.options.diarize else None,
                seconds=seconds,
            )

    def resume(self, kept: Kept) -> _Draft:
        """Begin with a transcript that is there."""
        todo = self._wanted(_LATER[_LATER.index(kept.stage) :])
        segments = kept.segments if self.options.diarize else without_speakers(kept.segments)
        if not self.options.diarize:
            self.progress.stage(TaskProgressStage.FORMATTING).revise(segments)
        paces = self.tools.speeds(kept.engine, kept.model, kept.device)
        audio = self._decode(todo[0], paces, todo) if todo else None
        return _Draft(
            transcript=Transcript(segments, kept.language, kept.language_probability),
            audio=audio,
            engine=kept.engine,
            model=kept.model,
            device=kept.device,
            todo=todo,
            begin=_DECODE_SHARE,
            diarized=count_speakers(segments) > 0 if self.options.diarize else None,
        )

    def improve(self, stage: TaskProgressStage, draft: _Draft) -> _Draft:
        """Take the transcript through one later stage."""
        self.reached(stage, draft.transcript)
        if draft.audio is None:
            raise AssertionError("a later stage listens to the recording")
        later = LaterStages(draft.audio, self.options, self.progress, self.tools.engines)
        failure = None
        if stage is TaskProgressStage.ALIGNING:
            transcript, seconds = later.align(draft.transcript, draft.begin)
        else:
            transcript, seconds, failure = later.diarize(draft.transcript, draft.begin)
            # Speakers of an earlier run stay when these could not be told apart.
            diarized = failure is None or count_speakers(transcript.segments) > 0
            draft = replace(draft, diarized=diarized, failure=failure)
        took = {} if seconds is None else {stage.value: seconds}
        return replace(draft, transcript=transcript, begin=0.0, seconds=draft.seconds | took)

    def format(self, draft: _Draft) -> RunResult:
        """Put the result together."""
        control = self.progress.stage(TaskProgressStage.FORMATTING)
        control.fraction(0.0)
        transcript = draft.transcript
        length = draft.audio.duration_seconds if draft.audio else self.recording.duration_seconds
        result = RunResult(
            segments=transcript.segments,
            text=transcript.text,
            engine=draft.engine,
            model=draft.model,
            device=draft.device,
            duration_seconds=transcript.segments[-1].end if length is None else length,
            language=transcript.language,
            language_probability=transcript.language_probability,
            diarized=draft.diarized,
            speaker_failure=draft.failure,
            work_seconds=draft.seconds,
        )
        control.fraction(1.0)
        return result

    def _later_stages(self, engine: Engine) -> tuple[TaskProgressStage, ...]:
        able = {
            TaskProgressStage.ALIGNING: engine.capabilities.align,
            TaskProgressStage.DIARIZING: engine.capabilities.diarize,
        }
        return self._wanted(tuple(stage for stage in _LATER if able[stage]))

    def _wanted(self, stages: tuple[TaskProgressStage, ...]) -> tuple[TaskProgressStage, ...]:
        """Without those that nobody asked for; a translation is not what was said, so its words have no place in the recording."""
        wanted = {
            TaskProgressStage.ALIGNING: self.options.task != "translate",
            TaskProgressStage.DIARIZING: bool(self.options.diarize),
        }
        return tuple(stage for stage in stages if wanted[stage])

    def _decode(
        self, stage: TaskProgressStage, paces: dict[str, float], planned: tuple[TaskProgressStage, ...]
    ) -> Audio:
        self.progress.plan(_estimates(paces, planned, self.recording.duration_seconds))
        control = self.progress.stage(stage, 0.0, _DECODE_SHARE)
        control.fraction(0.0)
        source = self.tools.storage.path_of(self.recording.storage_key)
        audio = self.tools.media.decode(source, self.decoded, control)
        if self.heard is not None:
            self.heard(audio)
        self.progress.plan(_estimates(paces, planned, audio.duration_seconds))
        return audio


def _estimates(
    paces: dict[str, float], stages: tuple[TaskProgressStage, ...], duration_seconds: float | None
) -> tuple[StageEstimate, ...]:
    if duration_seconds is None:
        return ()
    return tuple(StageEstimate(stage, paces[stage] * duration_seconds) for stage in stages if stage in paces)
