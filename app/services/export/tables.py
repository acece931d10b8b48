"""Owns tables, a row for each segment: tsv as whisper writes it, csv for spreadsheets."""

import csv
import io
from typing import Final

from app.schemas.tasks import Transcript
from app.services.export.options import RenderOptions
from app.services.export.typography import one_line

_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def tsv(transcript: Transcript, _options: RenderOptions) -> str:
    """start, end (milliseconds) and text, as in whisper's own tsv."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(["start", "end", "text"])
    for segment in transcript.segments:
        writer.writerow([round(segment.start * 1000), round(segment.end * 1000), _cell(segment.text)])
    return out.getvalue()


def comma_separated(transcript: Transcript, options: RenderOptions) -> str:
    """start, end (seconds), speaker and text; lines end as RFC 4180 says."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["start", "end", "speaker", "text"])
    for segment in transcript.segments:
        speaker = _cell(segment.speaker or "") if options.speakers else ""
        writer.writerow([f"{segment.start:.3f}", f"{segment.end:.3f}", speaker, _cell(segment.text)])
    return out.getvalue()


def _cell(text: str) -> str:
    # A spreadsheet takes a cell that begins like this for a formula.
    clean = one_line(text)
    return f"'{clean}" if clean.startswith(_FORMULA_SIGNS) else clean
