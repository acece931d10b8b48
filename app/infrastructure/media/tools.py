"""Owns looking at recordings and turning them into samples, each time in a child process of its own."""

from pathlib import Path
from typing import Final

from app.domain.media import MediaStream, TimeTag
from app.domain.ports import Audio, MediaFacts, RunControl
from app.infrastructure.media.mime import mime_type_of
from app.infrastructure.media.sandbox import Order, Sandbox
from app.infrastructure.storage.disk import reporting_full_disk

PROBE_CPU_SECONDS: Final = 20
DECODE_CPU_SECONDS: Final = 120
SLOWEST_DECODING: Final = 20
"""Decoding a second of sound may cost 1/20 s of processor time (1/400 s is usual) beside `DECODE_CPU_SECONDS`."""


class SandboxedMediaTools:
    """The `MediaTools` port on PyAV in a fenced child process. Safe for use from several threads.

    Args:
        max_duration_seconds: the longest recording taken in, by what it says and by what is decoded.
        memory_mb: address space of the child, in MiB.
        silence_seconds: a child without a sign of life for so long is killed.
    """

    def __init__(self, max_duration_seconds: float, memory_mb: int = 2048, *, silence_seconds: float = 30.0) -> None:
        self._max_seconds = max_duration_seconds
        self._sandbox = Sandbox(memory_mb, silence_seconds=silence_seconds)

    def probe(self, path: Path) -> MediaFacts:
        """Look at a file. Raises `CesarError`: `not_media`, `too_long`, `bad_media` if it broke the reader."""
        with path.open("rb") as source:
            found = self._sandbox.run(Order("probe", self._max_seconds, PROBE_CPU_SECONDS), source)
        return MediaFacts(
            mime_type=mime_type_of(found["container"], found["codec"], video=found["video"]),
            duration_seconds=found["duration_seconds"],
            container=found["container"],
            codec=found["codec"],
            sample_rate=found["sample_rate"],
            channels=found["channels"],
            streams=tuple(MediaStream(**stream) for stream in found["streams"]),
            time_tags=tuple(TimeTag(**tag) for tag in found["time_tags"]),
        )

    def decode(self, path: Path, target: Path, control: RunControl) -> Audio:
        """Write the first audio stream of `path` to `target`; nothing is left there if that fails.

        Parts that cannot be decoded are left out and told through `control.warn("media_damaged")`.
        Raises `CesarError`: `bad_media`, `not_media`, `too_long`, `disk_full`; `Cancelled`.
        """
        try:
            found = self._decode(path, target, control)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        if found["damaged"]:
            control.warn("media_damaged")
        control.fraction(1.0)
        return Audio(path=target, duration_seconds=found["duration_seconds"])

    def _decode(self, path: Path, target: Path, control: RunControl) -> dict[str, float]:
        cpu_seconds = DECODE_CPU_SECONDS + int(self._max_seconds / SLOWEST_DECODING)
        with reporting_full_disk(), path.open("rb") as source, target.open("wb") as samples:
            order = Order("decode", self._max_seconds, cpu_seconds, samples.fileno())
            return self._sandbox.run(order, source, on_fraction=control.fraction, check=control.check)
