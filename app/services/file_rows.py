"""Owns what the library writes down about a recording when its bytes have arrived."""

from app.models import File
from app.services.submission import ArrivedFile


def file_row(arrived: ArrivedFile) -> File:
    """A new File, not stored yet."""
    return File(
        original_filename=arrived.filename,
        original_path=arrived.filename,
        storage_path=arrived.stored.key,
        file_hash_sha256=arrived.stored.sha256,
        file_size_bytes=arrived.stored.size_bytes,
        mime_type=arrived.facts.mime_type,
        duration_seconds=arrived.facts.duration_seconds,
    )
