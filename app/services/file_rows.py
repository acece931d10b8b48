"""Owns what the library writes down about a recording when its bytes have arrived."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

from app.core.clock import utc_now
from app.domain.recording_time import Candidate, candidates_of, choose
from app.models import File
from app.services.submission import ArrivedFile


def file_row(arrived: ArrivedFile, zone: tzinfo | None = None) -> File:
    """A new File, not stored yet. Times without an offset are of `zone` (None: this machine's)."""
    file = File(original_filename=arrived.filename, original_path=arrived.filename)
    write_facts(file, arrived, zone)
    return file


def write_facts(file: File, arrived: ArrivedFile, zone: tzinfo | None = None) -> None:
    """Everything that is known of the bytes, and when they were recorded; the name is what they came with last."""
    file.original_filename = file.original_path = arrived.filename
    file.storage_path = arrived.stored.key
    file.file_hash_sha256 = arrived.stored.sha256
    file.file_size_bytes = arrived.stored.size_bytes
    file.mime_type = arrived.facts.mime_type
    file.duration_seconds = arrived.facts.duration_seconds
    file.streams = [_told(asdict(stream)) for stream in arrived.facts.streams]
    _date(file, arrived, zone)


def _date(file: File, arrived: ArrivedFile, zone: tzinfo | None) -> None:
    now = utc_now()
    facts = arrived.facts
    candidates = candidates_of(facts.time_tags, arrived.filename, arrived.modified_at, facts.duration_seconds, zone)
    finding = choose(candidates, now)
    file.timestamp_candidates = _stored(candidates, finding.best, now)
    file.detected_timestamp = finding.best.value if finding.best else None
    file.timestamp_source = finding.best.source.value if finding.best else None
    file.confidence = finding.confidence


def _stored(candidates: Sequence[Candidate], best: Candidate | None, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "source": candidate.source.value,
            "value": candidate.value.isoformat(),
            "precision": candidate.precision.value,
            "raw": candidate.raw,
            "where": candidate.where,
            "plausible": candidate.is_plausible(now),
            "chosen": candidate is best,
        }
        for candidate in candidates
    ]


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
