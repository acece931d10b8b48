"""The formats of a transcript."""

import csv
import io
import json

import pytest
import webvtt

from app.domain.errors import CesarError
from app.schemas.tasks import Transcript, TranscriptSegment
from app.services.export_service import MEDIA_TYPES, render


def transcript(*texts: str) -> Transcript:
    """Segments of one second each, the first after an hour."""
    segments = [
        TranscriptSegment(index=n, start=3600.0 + n, end=3601.0 + n, text=text, speaker=None, words=[])
        for n, text in enumerate(texts)
    ]
    return Transcript(
        task_id="id",
        filename="a.wav",
        language="en",
        engine="e",
        model="m",
        duration_seconds=1.0,
        text=" ".join(texts),
        segments=segments,
    )


HOSTILE = [
    "<script>alert(1)</script>",
    "a --> b",
    "00:00:01.000 --> 00:00:02.000",
    "WEBVTT",
    "one\n\ntwo",
    "& < >",
    "=1+1",
    "@x",
]


def test_srt_and_vtt_can_be_read_back() -> None:
    """A player sees as many cues as there are segments, at their times."""
    for kind in ("srt", "vtt"):
        text = render(transcript("hello there", "good bye"), kind)
        read = webvtt.from_string(text) if kind == "vtt" else webvtt.from_buffer(io.StringIO(text), format="srt")
        assert [(cue.start, cue.text) for cue in read] == [
            ("01:00:00.000", "hello there"),
            ("01:00:01.000", "good bye"),
        ]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(text: str) -> None:
    """Whatever somebody says, it makes no second cue, no second line, no markup and no formula."""
    said = transcript(text)
    vtt = render(said, "vtt")
    assert len(webvtt.from_string(vtt).captions) == 1
    assert "<" not in vtt
    assert len(webvtt.from_buffer(io.StringIO(render(said, "srt")), format="srt").captions) == 1
    assert render(said, "txt").count("\n") == 1
    rows = list(csv.reader(io.StringIO(render(said, "tsv")), delimiter="\t"))
    assert len(rows) == 2
    assert not rows[1][2].startswith(("=", "+", "-", "@"))
    assert json.loads(render(said, "json"))["segments"][0]["text"] == text


def test_an_empty_transcript_is_an_empty_file() -> None:
    """No speech gives valid files without cues."""
    for kind in MEDIA_TYPES:
        render(transcript(), kind)
    assert render(transcript(), "txt") == ""


def test_an_unknown_format_is_refused() -> None:
    """The error names the formats there are."""
    with pytest.raises(CesarError) as refused:
        render(transcript("x"), "exe")
    assert refused.value.code == "bad_value"
    assert "srt" in (refused.value.detail or "")
