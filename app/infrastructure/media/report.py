"""Owns what can be said about opening media on this machine: whose FFmpeg does it, behind which fence."""

import shutil
from dataclasses import dataclass

from app.infrastructure.media.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class MediaReport:
    """`pyav` is None if recordings cannot be opened at all; `ffmpeg` maps library to version; `why` tells then what is wrong."""

    pyav: str | None
    ffmpeg: dict[str, str]
    has_bubblewrap: bool
    fenced: bool
    why: str | None = None


def describe_media() -> MediaReport:
    """Look. Starts the fence once where there is one, some tenths of a second."""
    has_bubblewrap = shutil.which("bwrap") is not None
    fenced = has_bubblewrap and bool(Sandbox(memory_mb=256).wrapper)
    try:
        import av  # noqa: PLC0415 - its libraries are loaded for nobody but who asks
    except ImportError as problem:
        return MediaReport(None, {}, has_bubblewrap, fenced, str(problem))
    versions = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return MediaReport(av.__version__, versions, has_bubblewrap, fenced)
