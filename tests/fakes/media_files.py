"""Makes recordings of every kind on the spot, with a tone or silence inside, so that no binary has to be kept."""

import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import av
from av.audio.resampler import AudioResampler


@dataclass(frozen=True, slots=True)
class Kind:
    """A container with a codec; `video` adds a small picture."""

    ending: str
    container: str
    codec: str
    rate: int = 44_100
    layout: str = "stereo"
    video: bool = False


KINDS = (
    Kind("wav", "wav", "pcm_s16le"),
    Kind("24.wav", "wav", "pcm_s24le", 48_000),
    Kind("5.1.wav", "wav", "pcm_s16le", 48_000, "5.1"),
    Kind("7.1.flac", "flac", "flac", 48_000, "7.1"),
    Kind("flac", "flac", "flac"),
    Kind("mp3", "mp3", "mp3"),
    Kind("mp2", "mp2", "mp2"),
    Kind("m4a", "ipod", "aac"),
    Kind("aac", "adts", "aac"),
    Kind("ac3", "ac3", "ac3", 48_000),
    Kind("opus", "ogg", "libopus", 48_000),
    Kind("webm", "webm", "libopus", 48_000),
    Kind("mka", "matroska", "flac"),
    Kind("aiff", "aiff", "pcm_s16be"),
    Kind("au", "au", "pcm_s16be"),
    Kind("caf", "caf", "alac"),
    Kind("wv", "wv", "wavpack"),
    Kind("tta", "tta", "tta"),
    Kind("w64", "w64", "pcm_s16le"),
    Kind("amr", "amr", "libopencore_amrnb", 8_000, "mono"),
    Kind("mp4", "mp4", "aac", video=True),
    Kind("mov", "mov", "pcm_s16le", video=True),
    Kind("mkv", "matroska", "libopus", 48_000, video=True),
    Kind("avi", "avi", "mp3", video=True),
    Kind("ts", "mpegts", "aac", video=True),
    Kind("mpg", "mpeg", "mp2", video=True),
)


def make(
    path: Path,
    kind: Kind,
    *,
    seconds: float = 2.0,
    hertz: float = 440.0,
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write a tone (silence for 0 Hertz) of `seconds` as `kind`, with tags; `options` are the container's."""
    with av.open(str(path), "w", format=kind.container, options=dict(options or {})) as container:
        container.metadata.update(tags or {})
        picture = container.add_stream("mpeg4", rate=5) if kind.video else None
        sound = container.add_stream(kind.codec, rate=kind.rate, layout=kind.layout)
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
            for packet in _pictures(picture, int(seconds * 5)):
                container.mux(packet)
        for frame in _frames(sound, kind, seconds, hertz):
            for packet in sound.encode(frame):
                container.mux(packet)
    return path


def _pictures(stream: "av.VideoStream", count: int) -> Iterator["av.Packet"]:
    for number in range(count):
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = number
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _frames(stream: "av.AudioStream", kind: Kind, seconds: float, hertz: float) -> Iterator["av.AudioFrame | None"]:
    context = stream.codec_context
    resampler = AudioResampler(
        format=context.format.name, layout=kind.layout, rate=kind.rate, frame_size=context.frame_size or 4096
    )
    for number, second in enumerate(_blocks(kind.rate, seconds, hertz)):
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(second))
        frame.planes[0].update(second.tobytes())
        frame.rate = kind.rate
        frame.pts = number * kind.rate
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
    yield None


def _blocks(rate: int, seconds: float, hertz: float) -> Iterator["array[int]"]:
    """Whole seconds, then what is left. Silence is one block, again and again."""
    whole, rest = int(seconds), int(rate * (seconds % 1))
    second = array("h", (int(8000 * math.sin(2 * math.pi * hertz * index / rate)) for index in range(rate)))
    yield from repeat(second, whole)
    if rest:
        yield second[:rest]
