"""Owns docx, whose syntax python-docx writes: the recording's name, the facts, and a paragraph for each turn."""

import io

from docx import Document
from docx.oxml import OxmlElement
from docx.text.paragraph import Paragraph as WordParagraph

from app.schemas.tasks import Transcript
from app.services.export.options import RenderOptions
from app.services.export.paragraphs import Paragraph, facts_of, moment, paragraphs_of, title_of
from app.services.export.typography import is_right_to_left, one_line

_LONGEST_PROPERTY = 255


def docx(transcript: Transcript, options: RenderOptions) -> bytes:
    """The document's bytes."""
    document = Document()
    document.core_properties.author = "Cesar"
    document.core_properties.title = title_of(transcript)[:_LONGEST_PROPERTY]
    document.add_heading(title_of(transcript), level=0)
    if facts := one_line(facts_of(transcript)):
        document.add_paragraph(facts, style="Subtitle")
    for paragraph in paragraphs_of(transcript, options):
        _fill(document.add_paragraph(), paragraph, options)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _fill(added: WordParagraph, paragraph: Paragraph, options: RenderOptions) -> None:
    if paragraph.speaker:
        added.add_run(paragraph.speaker).bold = True
        added.add_run(" ")
    if options.timestamps is not False:
        added.add_run(moment(paragraph.start)).italic = True
    if added.runs:
        added.runs[-1].add_break()
    spoken = added.add_run(paragraph.text)
    if is_right_to_left(paragraph.text):
        spoken.font.rtl = True
        added.paragraph_format.element.get_or_add_pPr().append(OxmlElement("w:bidi"))
