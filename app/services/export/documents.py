"""Owns what is read as plain text: txt, and md, whose signs are written so that no spoken word becomes one."""

import re
from typing import Final

from app.schemas.tasks import Transcript, TranscriptSegment
from app.services.export.options import RenderOptions
from app.services.export.paragraphs import Paragraph, facts_of, moment, paragraphs_of, title_of
from app.services.export.typography import one_line

_MARKUP: Final = re.compile(r"[\\`*_\[\]<>&~|$#]")
_MARKUP_AT_START: Final = re.compile(r"^(?:(\d+)(?=[.)])|(?=[+\-=]))")


def txt(transcript: Transcript, options: RenderOptions) -> str:
    """A line for each segment with text, with the speaker's name before it where that is known."""
    return "".join(f"{_line(segment, options)}\n" for segment in transcript.segments if one_line(segment.text))


def md(transcript: Transcript, options: RenderOptions) -> str:
    """Markdown: the recording's name, the facts, and a paragraph for each turn."""
    parts = [f"# {_plain(title_of(transcript))}", _plain(facts_of(transcript))]
    parts += [_markdown(paragraph, options) for paragraph in paragraphs_of(transcript, options)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _line(segment: TranscriptSegment, options: RenderOptions) -> str:
    time = f"[{moment(segment.start)}] " if options.timestamps else ""
    speaker = one_line(segment.speaker or "") if options.speakers else ""
    return time + (f"{speaker}: " if speaker else "") + one_line(segment.text)


def _markdown(paragraph: Paragraph, options: RenderOptions) -> str:
    speaker = f"**{_plain(paragraph.speaker)}**" if paragraph.speaker else ""
    time = f"`{moment(paragraph.start)}`" if options.timestamps is not False else ""
    heading = " ".join(filter(None, (speaker, time)))
    return f"{heading}  \n{_plain(paragraph.text)}" if heading else _plain(paragraph.text)


def _plain(text: str) -> str:
    """Text as Markdown that shows exactly this text."""
    escaped = _MARKUP.sub(lambda sign: f"\\{sign[0]}", one_line(text))
    return _MARKUP_AT_START.sub(lambda start: f"{start[1] or ''}\\", escaped)
