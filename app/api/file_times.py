"""Owns the `modified` fields of a form: when its files were last changed where they come from."""

from datetime import datetime
from typing import Final

from app.api.multipart import ReceivedForm
from app.domain.errors import CesarError
from app.domain.time_text import file_time
from app.services.intake_service import Upload

MODIFIED: Final = {
    "type": "string",
    "description": "When each file was last changed: milliseconds since 1970, comma-separated.",
}
"""The field of a form, as OpenAPI tells it."""


def dated_uploads(form: ReceivedForm) -> list[Upload]:
    """The files of a form with their times. Raises what `take_file_times` does."""
    return [
        Upload(file.filename, file.receiver, time) for file, time in zip(form.files, take_file_times(form), strict=True)
    ]


def take_file_times(form: ReceivedForm) -> list[datetime | None]:
    """One for each file, in their order, None where nothing is said; the form's fields no longer have them afterwards.

    A field holds one time or several, with commas between: milliseconds since 1970, or ISO 8601 with the offset.

    Raises:
        CesarError: `bad_value` if they cannot be read, or are not as many as the files.
    """
    texts = [text.strip() for value in form.fields.pop("modified", []) for text in value.split(",")]
    if not any(texts):
        return [None] * len(form.files)
    if len(texts) != len(form.files):
        raise CesarError("bad_value", f"{len(texts)} times in modified, but {len(form.files)} files")
    return [_read(text) if text else None for text in texts]


def _read(text: str) -> datetime:
    moment = file_time(text)
    if moment is None:
        raise CesarError("bad_value", "modified must be milliseconds since 1970, or an ISO 8601 time with its offset")
    return moment
