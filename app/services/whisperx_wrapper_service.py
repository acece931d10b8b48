"""Owns the pipeline: decode → transcribe → align → diarize → format, as one synchronous run with live progress."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio, Engine, EngineShelf, MediaTools, Storage
from app.domain.progress import StageEstimate, TaskProgressStage
from app.domain.transcript import Transcript
from app.services.run_progress import RunProgress, _update_progress
from app.services.runs import RunResult

__all__ = ["PipelineTools", "_update_progress", "process_audio_common"]

_DECODE_SHARE = 0.1
"""How much of the transcribing stage is shown for decoding the media, which is some tens of times faster."""

Speeds = Callable[[str, str, str], dict[str, float]]
"""(engine, model, device) → seconds of work per second of audio, by stage; empty before the first run."""


@dataclass(frozen=True, slots=True)
class PipelineTools:
    """What the pipeline works with."""

    storage: Storage
    media: MediaTools
    engines: EngineShelf
    speeds: Speeds


def process_audio_common(
    *,
    storage_key: str,
    duration_seconds: float | None,
    options: TranscriptionOptions,
    progress: RunProgress,
    tools: PipelineTools,
    engine_known: Callable[[Engine], None],
) -> RunResult:
    """Turn stored media into a transcript.

    Args:
        storage_key: where the bytes rest.
        duration_seconds: length as probed at intake, for the first estimate; None if the container did not say.
        options: what the person asked for.
        progress: hears of every step; its `stop` ends the run.
        tools: the adapters.
        engine_known: called once with the engine that runs, before it does.

    Raises:
        CesarError: whatever media tools and engine raise.
        Cancelled: the run is no longer wanted.
    """
    loading = progress.stage(TaskProgressStage.DOWNLOADING)
    with tools.storage.scratch() as folder, tools.engines.lend(options, loading) as engine:
        engine_known(engine)
        paces = tools.speeds(engine.name, engine.model, engine.device)
        progress.plan(_estimates(paces, duration_seconds))
        decoding = progress.stage(TaskProgressStage.TRANSCRIBING, 0.0, _DECODE_SHARE)
        decoding.fraction(0.0)
        audio = tools.media.decode(tools.storage.path_of(storage_key), folder / "audio.s16", decoding)
        progress.plan(_estimates(paces, audio.duration_seconds))
        transcript, seconds = _transcribe(engine, audio, options, progress)
        diarized = _diarize(engine, options, progress)
        return _format(engine, audio, transcript, diarized=diarized, seconds=seconds, progress=progress)


def _transcribe(
    engine: Engine, audio: Audio, options: TranscriptionOptions, progress: RunProgress
) -> tuple[Transcript, float]:
    control = progress.stage(TaskProgressStage.TRANSCRIBING, _DECODE_SHARE, 1.0)
    started = time.monotonic()
    transcript = engine.transcribe(audio, options, control)
    control.fraction(1.0)
    if not transcript.segments:
        control.warn("no_speech")
    return transcript, time.monotonic() - started


def _diarize(engine: Engine, options: TranscriptionOptions, progress: RunProgress) -> bool | None:
    """Whether speakers were told apart; None when nobody asked for it."""
    if not options.diarize:
        return None
    if not engine.capabilities.diarize:
        progress.stage(TaskProgressStage.DIARIZING).warn("diarization_unavailable")
    return False


def _format(
    engine: Engine,
    audio: Audio,
    transcript: Transcript,
    *,
    diarized: bool | None,
    seconds: float,
    progress: RunProgress,
) -> RunResult:
    control = progress.stage(TaskProgressStage.FORMATTING)
    control.fraction(0.0)
    result = RunResult(
        segments=transcript.segments,
        text=transcript.text,
        engine=engine.name,
        model=engine.model,
        device=engine.device,
        duration_seconds=audio.duration_seconds,
        language=transcript.language,
        language_probability=transcript.language_probability,
        diarized=diarized,
        work_seconds={TaskProgressStage.TRANSCRIBING.value: seconds},
    )
    control.fraction(1.0)
    return result


def _estimates(paces: dict[str, float], duration_seconds: float | None) -> tuple[StageEstimate, ...]:
    if duration_seconds is None:
        return ()
    return tuple(StageEstimate(TaskProgressStage(stage), pace * duration_seconds) for stage, pace in paces.items())
