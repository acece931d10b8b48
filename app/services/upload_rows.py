"""Owns what is written down of a recording that is announced and not here yet."""

from app.models import File, Task, Upload
from app.services.submission import ExpectedFile


def storage_name(upload_id: str) -> str:
    """Under which name the bytes of an upload wait, and rest afterwards."""
    return upload_id.replace("-", "")


def expected_row(expected: ExpectedFile) -> File:
    """A new File without bytes, not stored yet."""
    return File(
        original_filename=expected.filename, original_path=expected.filename, file_size_bytes=expected.size_bytes
    )


def upload_row(task: Task, expected: ExpectedFile) -> Upload:
    """The upload that brings the bytes of this Task's File. It has the Task's public id."""
    return Upload(
        uuid=task.uuid,
        task_id=task.id,
        storage_name=storage_name(task.uuid),
        length=expected.size_bytes,
        upload_metadata=expected.metadata,
        expires_at=expected.expires_at,
    )
