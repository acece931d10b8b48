"""Owns the words for what a recording's container tells about itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaStream:
    """One stream: `type` is audio, video, picture (a cover), subtitle, data or attachment; `sample_rate` in Hertz."""

    type: str
    codec: str | None = None
    language: str | None = None
    sample_rate: int | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class TimeTag:
    """A tag that may say when it was recorded, as it stands there: `place` is `container` or `stream N`."""

    place: str
    name: str
    text: str
