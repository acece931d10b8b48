"""Owns tables, a row for each segment with text: tsv as whisper writes it for programs, csv for spreadsheets."""

import csv
import io
import unicodedata
from typing import Final

from app.schemas.tasks import Transcript
from app.services.export.options import RenderOptions
from app.services.export.typography import one_line

_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def tsv(transcript: Transcript, _options: RenderOptions) -> str:
    """start, end (milliseconds) and the text as it is, but in one line without tabs."""
    rows = [(segment.start, segment.end, one_line(segment.text)) for segment in transcript.segments]
    lines = [f"{round(start * 1000)}\t{round(end * 1000)}\t{text}\n" for start, end, text in rows if text]
    return "".join(["start\tend\ttext\n", *lines])


def comma_separated(transcript: Transcript, options: RenderOptions) -> str:
    """start, end (seconds), speaker and text; lines end as RFC 4180 says."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["start", "end", "speaker", "text"])
    for segment in transcript.segments:
        if not one_line(segment.text):
            continue
        speaker = _cell(segment.speaker or "") if options.speakers else ""
        writer.writerow([f"{segment.start:.3f}", f"{segment.end:.3f}", speaker, _cell(segment.text)])
    return out.getvalue()


def _cell(text: str) -> str:
    # A spreadsheet takes a cell that begins like this for a formula, whatever invisible signs stand before it.
    clean = one_line(text)
    seen = (char for char in clean if unicodedata.category(char) != "Cf" and not char.isspace())
    return f"'{clean}" if next(seen, "") in _FORMULA_SIGNS else clean
