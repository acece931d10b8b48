"""Owns the formats of a transcript: what there is, and making one from stored segments whenever it is asked for."""

from collections.abc import Callable
from typing import Final

from app.domain.errors import CesarError
from app.schemas.tasks import Transcript
from app.services.export import documents, json_shapes, subtitles, tables
from app.services.export.options import RenderOptions

MEDIA_TYPES: Final = {
    "json": "application/json",
    "verbose_json": "application/json",
    "diarized_json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}
"""The MIME type of each format; its keys are the formats there are."""

_WRITERS: Final[dict[str, Callable[[Transcript, RenderOptions], str]]] = {
    "json": json_shapes.own,
    "verbose_json": json_shapes.verbose,
    "diarized_json": json_shapes.diarized,
    "txt": documents.txt,
    "md": documents.md,
    "srt": subtitles.srt,
    "vtt": subtitles.vtt,
    "tsv": tables.tsv,
    "csv": tables.comma_separated,
}
_DEFAULTS: Final = RenderOptions()


def check_format(wanted: str) -> None:
    """Raises `CesarError("bad_value")` for a format that is not one of `MEDIA_TYPES`."""
    if wanted not in MEDIA_TYPES:
        raise CesarError("bad_value", f"format must be one of {', '.join(MEDIA_TYPES)}")


def render(transcript: Transcript, wanted: str, options: RenderOptions = _DEFAULTS) -> str:
    """The transcript in a format that is text: all but docx.

    Raises:
        CesarError: `bad_value` for any other format.
    """
    if wanted not in _WRITERS:
        raise CesarError("bad_value", f"format must be one of {', '.join(_WRITERS)}")
    return _WRITERS[wanted](transcript, options)


def render_file(transcript: Transcript, wanted: str, options: RenderOptions = _DEFAULTS) -> bytes:
    """The bytes of a file in any format; text is UTF-8.

    Raises:
        CesarError: `bad_value` for a format that is not one of `MEDIA_TYPES`.
    """
    check_format(wanted)
    if wanted == "docx":
        from app.services.export import word_document  # noqa: PLC0415 - a tenth of a second that few processes need

        return word_document.docx(transcript, options)
    # Without its mark a spreadsheet does not take csv for UTF-8.
    return render(transcript, wanted, options).encode("utf-8-sig" if wanted == "csv" else "utf-8")


def ending_of(wanted: str) -> str:
    """How names of files in a format end, without the dot: `srt`, but `verbose.json`."""
    return wanted.replace("_", ".")
