"""Owns subtitles: srt and vtt, whose syntax webvtt-py writes."""

import html
import io
from typing import Final

import webvtt

from app.schemas.tasks import Transcript
from app.services.export.cues import Cue, cues_of
from app.services.export.options import RenderOptions
from app.services.export.typography import one_line

_NO_MARKUP: Final = str.maketrans("<>{}", "‹›()")
"""SubRip can escape nothing: players take `<i>` for a tag, `-->` for the next cue's times, and show nothing of what stands in braces,
which moves the cue (`{\\an8}`). These look alike and are only text."""


def vtt(transcript: Transcript, options: RenderOptions) -> str:
    """WebVTT; the speaker of a cue is its voice."""
    captions = webvtt.WebVTT(captions=[_voiced(cue, options) for cue in cues_of(transcript, options, labelled=False)])
    return captions.content + "\n"


def srt(transcript: Transcript, options: RenderOptions) -> str:
    """SubRip; each cue begins with its speaker's name."""
    cues = cues_of(transcript, options, labelled=options.speakers)
    captions = [_caption(cue, [line.translate(_NO_MARKUP) for line in cue.lines]) for cue in cues]
    out = io.StringIO()
    webvtt.WebVTT(captions=captions).write(out, format="srt")
    return out.getvalue() + "\n"


def _voiced(cue: Cue, options: RenderOptions) -> webvtt.Caption:
    # Cue text is markup: what looks like a tag has to be escaped to stay text.
    first, *others = [html.escape(line, quote=False) for line in cue.lines]
    speaker = one_line(cue.speaker or "") if options.speakers else ""
    voice = f"<v {html.escape(speaker, quote=False)}>" if speaker else ""
    return _caption(cue, [voice + first, *others])


def _caption(cue: Cue, lines: list[str]) -> webvtt.Caption:
    return webvtt.Caption(_clock(cue.start), _clock(cue.end), lines)


def _clock(milliseconds: int) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{milliseconds:03}"
