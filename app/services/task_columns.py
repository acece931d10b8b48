"""Owns what a Task's columns hold at the turns of its life: anew, retried, finished, failed."""

from typing import Any

from app.core.clock import utc_now
from app.domain.errors import CATALOGUE, CesarError
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment, Transcript
from app.models import Task
from app.services.runs import RunResult, SpeakerFailure, count_speakers

FRESH: dict[str, Any] = {
    "progress_percentage": 0,
    "progress_stage": TaskProgressStage.QUEUED,
    "stage_percentage": 0,
    "progress_message": "",
    "eta_seconds": None,
    "stalled": False,
    "queue_position": None,
}
"""The progress of a new attempt."""

RENEWED: dict[str, Any] = {
    "error": None,
    "error_code": None,
    "technical_detail": None,
    "diarization_error": None,
    "diarization_error_code": None,
    "started_at": None,
    "completed_at": None,
}
"""What a retry forgets in any case."""

UNDONE: dict[str, Any] = {
    "diarized": None,
    "engine": None,
    "model": None,
    "device": None,
    "result_text": None,
    "detected_language": None,
    "language_probability": None,
    "speaker_count": None,
    "reused_from": None,
}
"""What a retry forgets when it begins with the recording."""

_DONE: dict[str, Any] = {
    "progress_percentage": 100,
    "progress_stage": TaskProgressStage.COMPLETE,
    "stage_percentage": 100,
    "progress_message": "",
    "eta_seconds": 0.0,
    "stalled": False,
    "redo_from": None,
}


def finished(result: RunResult) -> dict[str, Any]:
    """The columns of a Task that has its transcript."""
    failure = result.speaker_failure
    return _DONE | {
        "engine": result.engine,
        "model": result.model,
        "device": result.device,
        "detected_language": result.language,
        "language_probability": result.language_probability,
        "result_text": result.text,
        "diarized": result.diarized,
        "speaker_count": result.speaker_count,
        "diarization_error": CATALOGUE[failure.code].sentence if failure else None,
        "diarization_error_code": failure.code if failure else None,
        "technical_detail": failure.detail if failure else None,
        "completed_at": utc_now(),
    }


def failed(error: CesarError) -> dict[str, Any]:
    """The columns of a Task that failed; its last stage and percentage stay."""
    return {
        "error": error.entry.sentence,
        "error_code": error.code,
        "technical_detail": error.detail,
        "completed_at": utc_now(),
        "eta_seconds": None,
        "stalled": False,
    }


def as_stored(task: Task, segments: tuple[Segment, ...], failure: SpeakerFailure | None) -> RunResult:
    """The result of a run that got no further than what is stored: with the speakers that an earlier run told apart, if one did."""
    wanted = (task.job.options | task.options).get("diarize")
    return RunResult(
        segments=segments,
        text=Transcript(segments).text,
        engine=task.engine or "",
        model=task.model or "",
        device=task.device or "",
        duration_seconds=task.file.duration_seconds or 0.0,
        language=task.detected_language,
        language_probability=task.language_probability,
        diarized=count_speakers(segments) > 0 if wanted else None,
        speaker_failure=failure,
    )
