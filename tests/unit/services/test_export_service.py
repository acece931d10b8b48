"""The formats of a transcript, read back by the programs that people read them with."""

import csv
import io
import json
import re
from unicodedata import category

import pytest
import webvtt
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from openai.types.audio import TranscriptionDiarized, TranscriptionVerbose

from app.domain.errors import CesarError
from app.schemas.tasks import Transcript
from app.services.export.options import RenderOptions
from app.services.export.typography import one_line
from app.services.export_service import MEDIA_TYPES, ending_of, render, render_file
from tests.transcripts import segment_of, spoken, transcript_of, word_of

HOSTILE = [
    "<script>alert(1)</script>",
    "a --> b",
    "00:00:01.000 --> 00:00:02.000",
    "WEBVTT",
    "one\n\ntwo",
    "& < > &amp; &lt;v Bob&gt;",
    "=1+1",
    "@x",
    "-5 degrees",
    "＝HYPERLINK(1)",
    "＋1",
    "－1",
    "＠x",
    "\u200b=1+1",
    "\u200e\u2060＝1",
    "{\\an8}{b}",
    "# no heading, 1. no list, *no* stars, [no](link), ![no](image), `no` code, ~~no~~ line, a | b",
    "1. no list",
    "+ no list",
    "=== no heading",
    "\\*",
    "bell \x07, escape \x1b[31m, nothing \x00, half \ud83d, odd \ufffe",
    "line\u2028separator\x85here",
    "1984",
    "{\\an8}",
    "שלום לכולם, מה שלומכם?",
    "مرحبا بكم 123",
    "e\u0301 👩\u200d👩\u200d👧 🇫🇷",
]
SRT_CUE = re.compile(r"(\d+)\n(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})\n((?:.+\n)+)\n?")


def interview() -> Transcript:
    """Two people, the second one for two segments, after an hour."""
    return transcript_of(
        spoken("Good morning, how are you?", 3600, speaker="Anna"),
        spoken("I am fine.", 3602, speaker="Bob <b>"),
        spoken("It rains.", 3603, speaker="Bob <b>"),
    )


def read_srt(text: str) -> list[tuple[int, str, str, str]]:
    """Number, start, end, text of each cue; nothing may be left between them."""
    cues = list(SRT_CUE.finditer(text))
    assert "".join(cue[0] for cue in cues) == text
    return [(int(cue[1]), cue[2], cue[3], cue[4].replace("\n", " ").strip()) for cue in cues]


def read_markdown(text: str) -> list[str]:
    """What a reader sees, a text for each block; a picture or a link is none."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    assert {token.type for token in tokens} <= {
        "heading_open",
        "inline",
        "heading_close",
        "paragraph_open",
        "paragraph_close",
    }
    blocks = [token.children or [] for token in tokens if token.type == "inline"]
    kinds = {"text", "text_special", "code_inline", "hardbreak", "strong_open", "strong_close"}
    assert {child.type for block in blocks for child in block} <= kinds
    return ["".join("\n" if child.type == "hardbreak" else child.content for child in block) for block in blocks]


def test_vtt_is_read_back_with_its_voices() -> None:
    """A player sees text, times and who speaks."""
    cues = list(webvtt.from_string(render(interview(), "vtt"), strict=True))
    assert [(cue.start, cue.voice, cue.text) for cue in cues] == [
        ("01:00:00.000", "Anna", "Good morning, how are you?"),
        ("01:00:02.000", "Bob &lt;b&gt;", "I am fine."),
        ("01:00:03.000", "Bob &lt;b&gt;", "It rains."),
    ]


def test_srt_is_read_back_with_its_names() -> None:
    """Cues are numbered from 1, and each begins with the name."""
    assert read_srt(render(interview(), "srt")) == [
        (1, "01:00:00,000", "01:00:01,600", "Anna: Good morning, how are you?"),
        (2, "01:00:02,000", "01:00:03,000", "Bob ‹b›: I am fine."),
        (3, "01:00:03,000", "01:00:04,000", "Bob ‹b›: It rains."),
    ]


def test_names_can_be_left_out() -> None:
    """No format but json says who speaks when nobody wants to know."""
    for kind in set(MEDIA_TYPES) - {"json", "docx"}:
        assert "Bob" not in render(interview(), kind, RenderOptions(speakers=False))
    document = Document(io.BytesIO(render_file(interview(), "docx", RenderOptions(speakers=False))))
    assert not any("Bob" in paragraph.text for paragraph in document.paragraphs)


def test_times_can_be_chosen() -> None:
    """txt has none unless asked for, md and docx have them unless told otherwise."""
    on, off = RenderOptions(timestamps=True), RenderOptions(timestamps=False)
    assert render(interview(), "txt").splitlines()[1] == "Bob <b>: I am fine."
    assert render(interview(), "txt", on).splitlines()[1] == "[01:00:02] Bob <b>: I am fine."
    assert "01:00:02" in render(interview(), "md")
    assert "01:00:02" not in render(interview(), "md", off)
    texts = [paragraph.text for paragraph in Document(io.BytesIO(render_file(interview(), "docx", off))).paragraphs]
    assert texts[-1] == "Bob <b> \nI am fine. It rains."


def test_documents_join_what_one_person_says() -> None:
    """Title, facts, and a paragraph for each turn; the same in md and docx."""
    turns = ["Anna 01:00:00\nGood morning, how are you?", "Bob <b> 01:00:02\nI am fine. It rains."]
    expected = ["talk.wav", "en · 10:00:00 · whisperx large-v3", *turns]
    assert read_markdown(render(interview(), "md")) == expected
    document = Document(io.BytesIO(render_file(interview(), "docx")))
    assert [paragraph.text for paragraph in document.paragraphs] == expected
    assert document.core_properties.title == "talk.wav"


def test_a_long_monologue_has_paragraphs() -> None:
    """Without speakers a new one begins after a pause, and when the last one is long enough."""
    monologue = transcript_of(*(spoken("word " * 40, at * 20) for at in range(10)), spoken("The end.", 400))
    blocks = read_markdown(render(monologue, "md", RenderOptions(timestamps=False)))[2:]
    assert blocks[-1] == "The end."
    assert all(len(block) < 1000 for block in blocks)


def test_right_to_left_stays_as_it_was() -> None:
    """The letters keep their order, and a word processor is told which way they run."""
    text = "שלום לכולם, מה שלומכם?"
    document = Document(io.BytesIO(render_file(transcript_of(segment_of(text)), "docx")))
    last = document.paragraphs[-1]
    assert (last.runs[-1].text, last.runs[-1].font.rtl) == (text, True)
    assert "<w:bidi/>" in last.paragraph_format.element.xml
    assert text in render(transcript_of(segment_of(text)), "vtt")


def test_tables_have_a_row_for_each_segment() -> None:
    """csv in seconds with the speaker, tsv in milliseconds as whisper writes it."""
    rows = list(csv.DictReader(io.StringIO(render(interview(), "csv"), newline="")))
    assert rows[0] == {"start": "3600.000", "end": "3601.440", "speaker": "Anna", "text": "Good morning, how are you?"}
    assert [row["speaker"] for row in rows] == ["Anna", "Bob <b>", "Bob <b>"]
    assert render(interview(), "tsv").splitlines()[:2] == [
        "start\tend\ttext",
        "3600000\t3601440\tGood morning, how are you?",
    ]


def test_a_spreadsheet_reads_csv_as_what_it_is() -> None:
    """Its mark says UTF-8; no other format has one."""
    umlauts = transcript_of(spoken("Größe", speaker="Jörg"))
    assert render_file(umlauts, "csv").decode("utf-8-sig") == render(umlauts, "csv")
    marked = [kind for kind in MEDIA_TYPES if render_file(umlauts, kind).startswith(b"\xef\xbb\xbf")]
    assert marked == ["csv"]


def test_tsv_is_written_as_whisper_writes_it() -> None:
    """For programs: no quotes, no apostrophe, and neither tabs nor line breaks within a text."""
    said = transcript_of(segment_of('-5 "degrees"\tin\nParis', 1, 2))
    assert render(said, "tsv") == 'start\tend\ttext\n1000\t2000\t-5 "degrees" in Paris\n'


def test_braces_are_no_commands_in_srt() -> None:
    """Players take `{\\an8}` for a place on the screen and show nothing of what stands in braces."""
    said = transcript_of(segment_of("{\\an8}Hello {there}", 1, 2, speaker="{\\b1}"))
    ((_, _, _, shown),) = read_srt(render(said, "srt"))
    assert shown == "(\\b1): (\\an8)Hello (there)"


def test_a_translation_says_so() -> None:
    """Its text is English whatever was spoken."""
    said = transcript_of(segment_of("Good day.")).model_copy(update={"task": "translate", "language": "de"})
    body = json.loads(render(said, "verbose_json"))
    assert (body["task"], body["language"]) == ("translate", "en")
    assert json.loads(render(said, "diarized_json"))["task"] == "translate"


def test_verbose_json_is_what_the_official_client_knows() -> None:
    """Its model takes every field; words without times of their own get those that their neighbours leave."""
    words = [word_of("In", 10, 10.4), word_of("1984", None, None), word_of("all", 13, 13.5)]
    said = transcript_of(segment_of("In 1984 all", 10, 14, None, words), segment_of("And more.", 14, 15))
    body = json.loads(render(said, "verbose_json"))
    read = TranscriptionVerbose.model_validate(body, strict=True)
    assert (body["task"], read.language, read.duration, read.text) == ("transcribe", "en", 36_000.0, said.text)
    assert [(word.word, word.start, word.end) for word in read.words or []] == [
        ("In", 10, 10.4), ("1984", 10.4, 13), ("all", 13, 13.5),
    ]  # fmt: skip
    segment = (read.segments or [])[1]
    assert (segment.id, segment.start, segment.end, segment.text, segment.tokens) == (1, 14, 15, "And more.", [])


def test_diarized_json_is_what_the_official_client_knows() -> None:
    """Segments with a name each, empty where nobody was told apart."""
    said = transcript_of(spoken("Hello.", speaker="Anna"), segment_of("Noise.", 5, 6), duration=None)
    read = TranscriptionDiarized.model_validate(json.loads(render(said, "diarized_json")), strict=True)
    assert (read.task, read.duration) == ("transcribe", 6)
    assert [(segment.type, segment.text, segment.speaker) for segment in read.segments] == [
        ("transcript.text.segment", "Hello.", "Anna"),
        ("transcript.text.segment", "Noise.", ""),
    ]
    assert len({segment.id for segment in read.segments}) == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(text: str) -> None:
    """Whatever somebody says or is called, it makes no second cue, row or paragraph, no markup and no formula."""
    check_text_stays_text(text)


@settings(max_examples=50, deadline=None)  # a docx takes 20 ms to make and to read
@given(st.text(st.characters(exclude_categories=[]), min_size=1, max_size=40).filter(lambda text: one_line(text) != ""))
def test_any_text_stays_text(text: str) -> None:
    """The same for texts that nobody thought of."""
    check_text_stays_text(text)


def check_text_stays_text(text: str) -> None:
    clean = one_line(text)
    said = transcript_of(segment_of(text, 1, 5, speaker=text))
    wide = RenderOptions(max_line_length=120, max_lines=4)
    (cue,) = webvtt.from_string(render(said, "vtt", wide), strict=True)
    assert "<" not in cue.raw_text.removeprefix("<v ")
    ((_, _, _, shown),) = read_srt(render(said, "srt", wide))
    assert not set(shown) & set("<>{}")
    assert render(said, "txt") == f"{clean}: {clean}\n"
    assert render(said, "tsv") == f"start\tend\ttext\n1000\t5000\t{clean}\n"
    (row,) = csv.DictReader(io.StringIO(render(said, "csv"), newline=""))
    for cell in (row["text"], row["speaker"]):
        assert cell.removeprefix("'") == clean.removeprefix("'")
        assert not "".join(char for char in cell if category(char) != "Cf").startswith(tuple("=+-@＝＋－＠"))
    assert read_markdown(render(said, "md"))[2:] == [f"{clean} 00:00:01\n{clean}"]
    document = Document(io.BytesIO(render_file(said, "docx")))
    assert document.paragraphs[-1].runs[-1].text == clean


def test_json_keeps_every_character() -> None:
    """It is the one format that is not for reading, so nothing is tidied."""
    said = transcript_of(segment_of("a  b\x07\n"))
    assert json.loads(render(said, "json"))["segments"][0]["text"] == "a  b\x07\n"


def test_an_empty_transcript_is_an_empty_file() -> None:
    """No speech gives valid files without cues, rows or paragraphs."""
    empty = transcript_of()
    assert all(render_file(empty, kind) is not None for kind in MEDIA_TYPES)
    assert render(empty, "txt") == ""
    assert list(webvtt.from_string(render(empty, "vtt"))) == []
    assert render(empty, "srt").strip() == ""
    assert json.loads(render(empty, "verbose_json"))["segments"] == []


def test_segments_without_text_are_not_shown() -> None:
    """Neither as cues nor as lines or rows; a person has emptied them."""
    said = transcript_of(segment_of(" ", 0, 1, "Zoe"), segment_of("Here.", 1, 2), segment_of("", 2, 3, "Zoe"))
    assert [cue.text for cue in webvtt.from_string(render(said, "vtt"))] == ["Here."]
    assert render(said, "txt") == "Here.\n"
    assert render(said, "tsv") == "start\tend\ttext\n1000\t2000\tHere.\n"
    assert [row["text"] for row in csv.DictReader(io.StringIO(render(said, "csv"), newline=""))] == ["Here."]
    assert "Zoe" not in render(said, "md")


def test_an_unknown_format_is_refused() -> None:
    """The error names the formats there are."""
    with pytest.raises(CesarError) as refused:
        render_file(interview(), "exe")
    assert refused.value.code == "bad_value"
    assert all(kind in (refused.value.detail or "") for kind in MEDIA_TYPES)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("max_line_length", [7, 121]),
        ("max_lines", [0, 5]),
        ("max_cps", [4.9, 101, float("nan"), float("inf")]),
    ],
)
def test_what_cannot_be_is_refused(option: str, values: list[float]) -> None:
    """The error names the option and its limits."""
    for value in values:
        with pytest.raises(CesarError, match=f"{option} must be from") as refused:
            RenderOptions(**{option: value})  # type: ignore[arg-type]
        assert refused.value.code == "bad_value"


def test_files_of_every_format_end_differently() -> None:
    """So that all of them can lie in one folder."""
    assert len({ending_of(kind) for kind in MEDIA_TYPES}) == len(MEDIA_TYPES)
    assert ending_of("verbose_json") == "verbose.json"
