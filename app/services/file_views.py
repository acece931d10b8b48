"""Owns how Files and decisions look from outside: rows in, bodies of the wire contract out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from app.domain.decisions import Decision, DecisionType, InForce, Value, in_force
from app.domain.disclosure import shown_url
from app.domain.recording_time import ConfidenceLevel, TimeSource
from app.domain.time_text import Precision
from app.models import File, UserDecision
from app.schemas import files as wire
from app.services.library_store import PairOfFiles, TaskOfFile


def shown_name(file: File) -> str:
    """What a recording is called: its own name, or where it came from, without what may be secret in that."""
    return file.original_filename or shown_url(file.source_url or "")


def file_summary(file: File, tasks: Iterable[TaskOfFile], decisions: Iterable[UserDecision]) -> wire.FileSummary:
    """A File as lists show it; `decisions` in the order in which they were made."""
    return wire.FileSummary(**_shared(file, tasks, decided(decisions)))


def file_view(
    file: File, tasks: Iterable[TaskOfFile], decisions: Iterable[UserDecision], pairs: Sequence[PairOfFiles]
) -> wire.File:
    """A File with all that is known of it."""
    return wire.File(
        **_shared(file, tasks, decided(decisions)),
        file_hash_sha256=file.file_hash_sha256,
        file_hash_perceptual=file.file_hash_perceptual,
        source_url=shown_url(file.source_url) if file.source_url else None,
        media_removed_at=file.media_removed_at,
        detected_timestamp=file.detected_timestamp,
        timestamp_source=_source(file),
        confidence=file.confidence,
        timestamp_candidates=[_candidate(stored) for stored in file.timestamp_candidates or ()],
        streams=[wire.MediaStream(**stream) for stream in file.streams or ()],
        duplicates=[wire.FileDuplicate.model_validate(pair) for pair in pairs],
        updated_at=file.updated_at,
    )


def decision_view(file: File, decision: UserDecision) -> wire.Decision:
    """One decision."""
    value: Any = decision.decision_value
    if decision.decision_type == DecisionType.TAG_ASSIGNMENT:
        value = orjson.loads(decision.decision_value or "[]")
    return wire.Decision(
        file_id=file.uuid, decision_type=decision.decision_type, decision_value=value, decided_at=decision.decided_at
    )


def stored_value(value: Value) -> str | None:
    """A decision's value as its column holds it: one form for each time, which sorts, JSON for tags, a reason as it is."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def decided(decisions: Iterable[UserDecision]) -> InForce:
    """What is in force of stored decisions, in the order in which they were made."""
    return in_force(
        Decision(kind := DecisionType(row.decision_type), _value(kind, row.decision_value), row.decided_at)
        for row in decisions
    )


def _value(kind: DecisionType, stored: str | None) -> Value:
    if kind is DecisionType.TAG_ASSIGNMENT:
        return tuple(orjson.loads(stored or "[]"))
    if kind is DecisionType.TIMESTAMP_OVERRIDE and stored is not None:
        return datetime.fromisoformat(stored)
    return None


def _shared(file: File, tasks: Iterable[TaskOfFile], standing: InForce) -> dict[str, Any]:
    return {
        "id": file.uuid,
        "filename": shown_name(file),
        "mime_type": file.mime_type,
        "file_size_bytes": file.file_size_bytes,
        "duration_seconds": file.duration_seconds,
        "effective_timestamp": _effective(file, standing),
        "tags": list(standing.tags),
        "hidden": standing.discarded,
        "has_media": file.storage_path is not None,
        "created_at": file.created_at,
        "tasks": [wire.FileTask(id=task.task_id, job_id=task.job_id, status=task.status) for task in tasks],
        "links": _links(file),
    }


def _links(file: File) -> wire.FileLinks:
    here = f"/files/{file.uuid}"
    return wire.FileLinks(
        self=here, media=f"{here}/media", decisions=f"{here}/decisions", duplicates=f"{here}/duplicates"
    )


def _effective(file: File, standing: InForce) -> wire.RecordingTime:
    if standing.recorded_at is not None:
        return wire.RecordingTime(
            value=standing.recorded_at,
            source=TimeSource.USER,
            confidence=ConfidenceLevel.HIGH,
            precision=Precision.SECOND,
        )
    if file.detected_timestamp is None:
        return wire.RecordingTime(value=None, source=None, confidence=ConfidenceLevel.NONE, precision=None)
    chosen = (Precision(stored["precision"]) for stored in file.timestamp_candidates or () if stored["chosen"])
    return wire.RecordingTime(
        value=file.detected_timestamp,
        source=_source(file),
        confidence=file.confidence,
        precision=next(chosen, Precision.SECOND),
    )


def _source(file: File) -> TimeSource | None:
    return TimeSource(file.timestamp_source) if file.timestamp_source else None


def _candidate(stored: dict[str, Any]) -> wire.TimestampCandidate:
    return wire.TimestampCandidate(
        source=TimeSource(stored["source"]),
        value=datetime.fromisoformat(stored["value"]),
        precision=Precision(stored["precision"]),
        raw=stored["raw"],
        where=stored["where"],
        plausible=stored["plausible"],
        chosen=stored["chosen"],
    )
