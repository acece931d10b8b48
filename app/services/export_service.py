"""Owns the formats of a transcript: json, txt, srt, vtt, tsv – made from stored segments whenever they are asked for."""

import csv
import html
import io
from collections.abc import Callable
from typing import Final

import webvtt

from app.domain.errors import CesarError
from app.schemas.tasks import Transcript, TranscriptSegment

MEDIA_TYPES: Final = {
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
}
"""The MIME type of each format; its keys are the formats there are."""


def render(transcript: Transcript, wanted: str) -> str:
    """The transcript in a format.

    Raises:
        CesarError: `bad_value` for a format that is not one of `MEDIA_TYPES`.
    """
    if wanted not in _WRITERS:
        raise CesarError("bad_value", f"format must be one of {', '.join(MEDIA_TYPES)}")
    return _WRITERS[wanted](transcript)


def _json(transcript: Transcript) -> str:
    return transcript.model_dump_json()


def _txt(transcript: Transcript) -> str:
    return "".join(f"{_one_line(segment.text)}\n" for segment in transcript.segments)


def _vtt(transcript: Transcript) -> str:
    # WebVTT's cue text is markup: what looks like a tag has to be escaped to stay text.
    captions = webvtt.WebVTT(captions=_captions(transcript, lambda text: html.escape(text, quote=False)))
    return captions.content + "\n"


def _srt(transcript: Transcript) -> str:
    # An arrow inside the text would be read as the next cue's times.
    captions = webvtt.WebVTT(captions=_captions(transcript, lambda text: text.replace("-->", "->")))
    out = io.StringIO()
    captions.write(out, format="srt")
    return out.getvalue() + "\n"


def _tsv(transcript: Transcript) -> str:
    """Times in milliseconds, as whisper's own tsv has them."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(["start", "end", "text"])
    for segment in transcript.segments:
        writer.writerow([round(segment.start * 1000), round(segment.end * 1000), _cell(_one_line(segment.text))])
    return out.getvalue()


def _captions(transcript: Transcript, escape: Callable[[str], str]) -> list[webvtt.Caption]:
    return [_caption(segment, escape) for segment in transcript.segments if segment.text.strip()]


def _caption(segment: TranscriptSegment, escape: Callable[[str], str]) -> webvtt.Caption:
    return webvtt.Caption(_clock(segment.start), _clock(segment.end), escape(_one_line(segment.text)))


def _clock(seconds: float) -> str:
    total = round(seconds * 1000)
    minutes, milliseconds = divmod(total, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    # A spreadsheet takes a cell that begins like this for a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


_WRITERS: Final[dict[str, Callable[[Transcript], str]]] = {
    "json": _json,
    "txt": _txt,
    "srt": _srt,
    "vtt": _vtt,
    "tsv": _tsv,
}
