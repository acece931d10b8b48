"""A probe tells what a recording consists of, and the tags that may say when it was made."""

from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from app.domain.media import MediaStream, TimeTag
from app.domain.recording_time import candidates_of, choose
from app.infrastructure.media.child import TAG_CHARACTERS, TOLD_STREAMS, TOLD_TAGS
from app.infrastructure.media.tools import SandboxedMediaTools
from tests.fakes.media_files import KINDS, make

TOOLS = SandboxedMediaTools(3600, memory_mb=512)
MADE = "2024-05-06T14:33:21.000000Z"


def tagged(folder: Path, ending: str, tags: dict[str, str], **options: str) -> Path:
    """A short recording of a kind, with these tags."""
    kind = next(kind for kind in KINDS if kind.ending == ending)
    return make(folder / f"tagged.{ending}", kind, seconds=0.5, tags=tags, options=options)


@pytest.mark.parametrize(
    ("ending", "tag", "text", "expected"),
    [
        ("m4a", "creation_time", MADE, TimeTag("container", "creation_time", MADE)),
        ("m4a", "date", "2024-05-06", TimeTag("container", "date", "2024-05-06")),
        ("mp3", "date", "2024-05-06 14:33", TimeTag("container", "date", "2024-05-06 14:33")),
        ("mp3", "TYER", "2024", TimeTag("container", "date", "2024")),
        ("opus", "date", "2024-05-06", TimeTag("stream 0", "date", "2024-05-06")),
        ("flac", "DATE", "2024-05-06", TimeTag("container", "date", "2024-05-06")),
        ("mkv", "creation_time", MADE, TimeTag("container", "creation_time", MADE)),
        ("webm", "creation_time", MADE, TimeTag("container", "creation_time", MADE)),
        ("wav", "date", "2024-05-06", TimeTag("container", "date", "2024-05-06")),
    ],
)
def test_tags_are_told_as_they_stand(tmp_path: Path, ending: str, tag: str, text: str, expected: TimeTag) -> None:
    """Whatever a container calls it, the text comes out unread."""
    assert expected in TOOLS.probe(tagged(tmp_path, ending, {tag: text})).time_tags


def test_apples_local_time_is_told(tmp_path: Path) -> None:
    """The key that phones write, with its offset."""
    key = "com.apple.quicktime.creationdate"
    source = tagged(tmp_path, "mov", {key: "2024-05-06T16:33:21+0200"}, movflags="use_metadata_tags")
    assert TimeTag("container", key, "2024-05-06T16:33:21+0200") in TOOLS.probe(source).time_tags


def test_broadcast_wave_is_told(tmp_path: Path) -> None:
    """Field recorders write day and time apart."""
    tags = {"origination_date": "2024-05-06", "origination_time": "14:33:21", "description": "x"}
    facts = TOOLS.probe(tagged(tmp_path, "wav", tags, write_bext="1"))
    assert {(tag.name, tag.text) for tag in facts.time_tags} == {("date", "2024-05-06"), ("creation_time", "14:33:21")}
    found = choose(candidates_of(facts.time_tags, "a.wav", None, None, UTC), datetime(2026, 1, 1, tzinfo=UTC))
    assert found.best is not None
    assert found.best.value == datetime(2024, 5, 6, 14, 33, 21, tzinfo=UTC)


def test_other_tags_are_not_told(tmp_path: Path) -> None:
    """Titles and comments are nobody's business here."""
    assert TOOLS.probe(tagged(tmp_path, "mp3", {"title": "2024-05-06", "comment": "secret"})).time_tags == ()


def test_streams_are_told(tmp_path: Path) -> None:
    """Type and codec of each, rate and channels of sound."""
    film = make(tmp_path / "film", next(kind for kind in KINDS if kind.ending == "mkv"))
    assert TOOLS.probe(film).streams == (
        MediaStream("video", "mpeg4"),
        MediaStream("audio", "opus", sample_rate=48_000, channels=2),
    )


def test_a_cover_is_a_picture_and_no_film(tmp_path: Path) -> None:
    """An mp3 with a picture of its cover is still sound alone."""
    target = tmp_path / "covered.mp3"
    with av.open(str(target), "w", format="mp3") as out:
        sound, cover = out.add_stream("mp3", rate=44_100, layout="stereo"), out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame(16, 16, "yuvj420p")
        for packet in (*cover.encode(frame), *cover.encode(None)):
            out.mux(packet)
        silence = av.AudioFrame(format="fltp", layout="stereo", samples=1152)
        silence.rate = 44_100
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        for packet in (*sound.encode(silence), *sound.encode(None)):
            out.mux(packet)
    facts = TOOLS.probe(target)
    assert [stream.type for stream in facts.streams] == ["audio", "picture"]
    assert facts.mime_type == "audio/mpeg"


def test_what_is_told_is_bounded(tmp_path: Path) -> None:
    """A file with hundreds of streams and an endless tag is told in part, and read all the same."""
    target = tmp_path / "many.mka"
    with av.open(str(target), "w", format="matroska") as out:
        out.metadata["date"] = "2" * 100_000
        streams = [out.add_stream("pcm_s16le", rate=8_000, layout="mono") for _ in range(100)]
        for stream in streams:
            stream.metadata["date"] = "2024"
        for stream in streams:
            frame = av.AudioFrame(format="s16", layout="mono", samples=80)
            frame.rate = 8_000
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            for packet in (*stream.encode(frame), *stream.encode(None)):
                out.mux(packet)
    facts = TOOLS.probe(target)
    assert (len(facts.streams), len(facts.time_tags)) == (TOLD_STREAMS, TOLD_TAGS)
    assert facts.time_tags[0] == TimeTag("container", "date", "2" * TAG_CHARACTERS)
