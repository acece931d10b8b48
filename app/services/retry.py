"""Owns what a retry keeps: at which stage the next attempt begins, and with which transcript."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.domain.errors import CesarError
from app.domain.lifecycle import JobStatus
from app.domain.options import SPEAKER_BOUNDS, asked_language
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment
from app.models import Task
from app.services.store import Transaction

KEEPING: Final = (TaskProgressStage.ALIGNING, TaskProgressStage.DIARIZING)
"""The stages that work on a transcript which is there already."""

_ABOUT_SPEAKERS: Final = frozenset({*SPEAKER_BOUNDS, "diarize"})
_ABOUT_WORDS: Final = "align_model"
_HEEDED: Final = {
    TaskProgressStage.ALIGNING: _ABOUT_SPEAKERS | {_ABOUT_WORDS, "language", "device", "preset"},
    TaskProgressStage.DIARIZING: _ABOUT_SPEAKERS | {"device", "preset"},
}
"""The options that have an effect from a stage on. The language is that of the words, wherever they came from."""


@dataclass(frozen=True, slots=True)
class Redo:
    """What a person wants repeated: from which stage on (None: what failed), with which options changed."""

    stage: TaskProgressStage | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """The transcript with which a run begins at a later `stage`, and what made it."""

    stage: TaskProgressStage
    segments: tuple[Segment, ...]
    language: str | None
    language_probability: float | None
    engine: str
    model: str
    device: str


def in_effect(redo: Redo, task: Task) -> Redo:
    """The same without options that are taken back and were never given."""
    before = task.job.options | task.options
    options = {name: value for name, value in redo.options.items() if value is not None or before.get(name) is not None}
    return Redo(redo.stage, options)


def check_stage(stage: TaskProgressStage | None, changes: Mapping[str, Any]) -> None:
    """Refuse options that concern what comes before a stage that is named. Raises `CesarError("bad_value")`."""
    if stage in _HEEDED and (vain := sorted(set(changes) - _HEEDED[stage])):
        raise CesarError("bad_value", f"{vain[0]} concerns an earlier stage than {stage.value}")


def named_language(stage: TaskProgressStage, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The Task's columns if words are to be aligned as those of another language than the one that was heard."""
    language = asked_language(changes.get("language")) if stage is TaskProgressStage.ALIGNING else None
    return {"detected_language": language, "language_probability": None} if language else {}


def wanted_changes(redo: Redo) -> dict[str, Any]:
    """The options that a redo changes: who names the stage of speakers wants speakers."""
    wants_speakers = redo.stage is TaskProgressStage.DIARIZING
    return ({"diarize": True} if wants_speakers else {}) | dict(redo.options)


def first_stage(task: Task, redo: Redo) -> TaskProgressStage | None:
    """The stage at which the next attempt begins with the stored transcript; None: with the recording."""
    wanted = redo.stage or _implied_stage(task, redo.options)
    return wanted if wanted in KEEPING and _is_whole(task) else None


def kept_of(tx: Transaction, task: Task) -> Kept | None:
    """What the next run of the Task begins with; None: with the recording."""
    segments = tx.transcripts.of(task) if task.redo_from in KEEPING else ()
    if task.redo_from is None or not segments:
        return None
    return Kept(
        stage=task.redo_from,
        segments=segments,
        language=task.detected_language,
        language_probability=task.language_probability,
        engine=task.engine or "",
        model=task.model or "",
        device=task.device or "",
    )


def _implied_stage(task: Task, options: Mapping[str, Any]) -> TaskProgressStage | None:
    """The first stage that the changed options concern; without such, what failed."""
    if set(options) - _ABOUT_SPEAKERS - {_ABOUT_WORDS}:
        return TaskProgressStage.TRANSCRIBING
    if _ABOUT_WORDS in options:
        return TaskProgressStage.ALIGNING
    return TaskProgressStage.DIARIZING if task.status is JobStatus.PARTIAL else task.redo_from


def _is_whole(task: Task) -> bool:
    """Whether the stored transcript reaches to the end of the recording."""
    return task.status in (JobStatus.COMPLETED, JobStatus.PARTIAL) or task.redo_from in KEEPING
