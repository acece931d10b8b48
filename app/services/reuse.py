"""Owns reusing a transcript: whether it is what would come of transcribing again, and how another Task takes it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.core.clock import utc_now
from app.domain.events import ProgressEvent, SegmentsRevisedEvent
from app.domain.options import SPEAKER_BOUNDS
from app.domain.progress import TaskProgressStage
from app.domain.rewriting import Replacement
from app.models import JobStatus, Task
from app.services.runs import RunResult
from app.services.store import Lease, Transaction
from app.services.task_columns import finished
from app.services.task_moves import tell_move

_OWNER: Final = "reuse"

_ABOUT_TEXT: Final = (
    "task", "initial_prompt", "hotwords", "temperature", "beam_size", "vad_method", "vad_onset", "vad_offset", "chunk_size",
    "compute_type", "align_model",
)  # fmt: skip
"""Options of which a difference may be heard or read; the others only change how fast it goes."""


@dataclass(frozen=True, slots=True)
class WouldRun:
    """Engine and model that a request would get now; "" where that cannot be told."""

    engine: str = ""
    model: str = ""


def differing_options(options: Mapping[str, Any], would_run: WouldRun, source: Task) -> tuple[str, ...]:
    """The options in which a finished Task was made otherwise than a new one would be.

    Engine and model are compared with what really ran. What both requests leave to the settings counts as the same.

    Args:
        options: those of the new Task by name, without those left to a default.
        would_run: what the new Task would be transcribed with.
        source: the finished Task.
    """
    made = source.job.options | source.options
    differing = [name for name in _ABOUT_TEXT if options.get(name) != made.get(name)]
    differing += [name for name in ("engine", "model") if _is_other(name, options, made, would_run, source)]
    spoken = options.get("language")
    if spoken != made.get("language") and (spoken is None or spoken != source.detected_language):
        differing.append("language")
    if bool(options.get("diarize")) != bool(made.get("diarize")):
        differing.append("diarize")
    elif options.get("diarize"):
        differing += [name for name in SPEAKER_BOUNDS if options.get(name) != made.get(name)]
    return tuple(differing)


def _is_other(
    name: str, options: Mapping[str, Any], made: Mapping[str, Any], would_run: WouldRun, source: Task
) -> bool:
    expected, ran = getattr(would_run, name), getattr(source, name)
    return bool(expected != ran if expected and ran else options.get(name) != made.get(name))


def take_over(tx: Transaction, task: Task, source: Task, lease: Lease | None) -> None:
    """Complete a Task with the transcript of another, people's edits and names included, as if it had run.

    `lease` is its worker's, None if it waits. The transaction has to end with `tell_queue`. No effect on a Task that is neither.
    """
    lease = lease or _begun(tx, task)
    if not tx.tasks.holds(lease):
        return
    segments = tx.transcripts.of(source)
    tx.events.append(task, SegmentsRevisedEvent(segments))
    for edit in tx.edits.of(source):
        tx.edits.put(task, Replacement(edit.source, edit.pieces, ()))
    for label, name in tx.edits.names(source).items():
        tx.edits.name(task, label, name)
    if source.file.duration_seconds is not None:
        task.file.duration_seconds = source.file.duration_seconds
    tx.sounds.copy(source.file, task.file)
    tx.tasks.move(task, JobStatus.COMPLETED, lease, _columns(task, source, _result(source)))
    tx.events.append(task, ProgressEvent(TaskProgressStage.COMPLETE, 100, "", 100, 0.0))
    tell_move(tx, task)


def _begun(tx: Transaction, task: Task) -> Lease:
    """A waiting Task as if a worker had claimed it."""
    now = utc_now()
    held = {"lease_owner": _OWNER, "lease_expires_at": now, "started_at": now}
    tx.tasks.move(task, JobStatus.PROCESSING, None, held)
    return Lease(task.uuid, task.attempt, _OWNER)


def _result(source: Task) -> RunResult:
    return RunResult(
        segments=(),
        text=source.result_text or "",
        engine=source.engine or "",
        model=source.model or "",
        device=source.device or "",
        duration_seconds=source.file.duration_seconds or 0.0,
        language=source.detected_language,
        language_probability=source.language_probability,
        diarized=source.diarized,
    )


def _columns(task: Task, source: Task, result: RunResult) -> dict[str, Any]:
    return finished(result) | {
        "speaker_count": source.speaker_count,
        "warnings": list(source.warnings),
        "reused_from": source.uuid,
        "transcript_version": task.transcript_version + 1,
    }
