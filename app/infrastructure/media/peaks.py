"""Owns the outlines of recordings: decoded behind the fence, reduced while the samples pass by, read again in any coarseness."""

import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from app.domain.derived import Peaks
from app.infrastructure.media.sandbox import Order, Sandbox
from app.infrastructure.media.tools import DECODE_CPU_SECONDS, SLOWEST_DECODING
from app.infrastructure.storage.disk import reporting_full_disk

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SAMPLE_RATE: Final = 16_000
SAMPLES_PER_PAIR: Final = 160
"""The finest outline has a pair for each hundredth of a second: 17 MB for a whole day."""

_PAIR_BYTES: Final = 2
_STRETCH_BYTES: Final = SAMPLES_PER_PAIR * 2
_PIPE_BYTES: Final = 1 << 20


class SandboxedPeakMaker:
    """The `PeakMaker` port. Safe for use from several threads; numpy is loaded by the first that needs it.

    Args:
        max_duration_seconds: the longest recording read.
        memory_mb: address space of the child that decodes, in MiB.
    """

    def __init__(self, max_duration_seconds: float, memory_mb: int) -> None:
        self._max_seconds = max_duration_seconds
        self._sandbox = Sandbox(memory_mb)

    def make(self, source: Path, target: BinaryIO, check: Callable[[], None]) -> None:
        """Write the finest outline as pairs of signed bytes. The samples go through a pipe and never to the disk."""
        reading, writing = os.pipe()
        with ThreadPoolExecutor(1, thread_name_prefix="outline") as reducer:
            reduced = reducer.submit(_reduce, reading, target)
            try:
                self._decode(source, writing, check)
            finally:
                os.close(writing)
                failure = reduced.exception()
                if failure is not None:  # a child that nobody reads from dies of it; this is the cause
                    raise failure

    def read(self, made: Path, points: int) -> Peaks:
        """The outline in at most so many points of equal length."""
        import numpy as np  # noqa: PLC0415 - the server starts without it

        pairs = np.fromfile(made, dtype=np.int8).reshape(-1, 2)
        factor = max(1, -(-len(pairs) // points))
        starts = np.arange(0, len(pairs), factor)
        coarse = np.empty((len(starts), 2), dtype=np.int8)
        if len(starts):
            np.minimum.reduceat(pairs[:, 0], starts, out=coarse[:, 0])
            np.maximum.reduceat(pairs[:, 1], starts, out=coarse[:, 1])
        return Peaks(SAMPLE_RATE, SAMPLES_PER_PAIR * factor, coarse.ravel().tolist())

    def _decode(self, source: Path, writing: int, check: Callable[[], None]) -> None:
        cpu_seconds = DECODE_CPU_SECONDS + int(self._max_seconds / SLOWEST_DECODING)
        with source.open("rb") as media:
            self._sandbox.run(Order("decode", self._max_seconds, cpu_seconds, writing), media, check=check)


def _reduce(reading: int, target: BinaryIO) -> None:
    with suppress(AttributeError, OSError):  # a smaller pipe is slower, no more
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    with open(reading, "rb", buffering=0) as samples, reporting_full_disk():
        for stretches in _stretches(samples):
            target.write(_pairs_of(stretches))


def _stretches(samples: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while data := samples.read(_PIPE_BYTES):
        data = rest + data
        whole = len(data) - len(data) % _STRETCH_BYTES
        rest = data[whole:]
        yield data[:whole]
    if len(rest) >= _PAIR_BYTES:
        # The last stretch is shorter; repeating its last sample changes neither its lowest nor its highest.
        last = rest[-2:]
        yield rest + last * ((_STRETCH_BYTES - len(rest)) // len(last))


def _pairs_of(stretches: bytes) -> bytes:
    import numpy as np  # noqa: PLC0415

    samples = np.frombuffer(stretches, dtype="<i2").reshape(-1, SAMPLES_PER_PAIR)
    pairs = np.stack((_scaled(samples.min(axis=1)), _scaled(samples.max(axis=1))), axis=1)
    return pairs.tobytes()


def _scaled(values: "npt.NDArray[np.int16]") -> "npt.NDArray[np.int8]":
    """16 bits to 8, towards zero, so that faint noise does not look like a line below it."""
    import numpy as np  # noqa: PLC0415

    return np.trunc(values / 256).astype(np.int8)
