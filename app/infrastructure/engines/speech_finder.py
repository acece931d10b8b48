"""Owns where speech is: WhisperX's voice activity detection, block by block, so that decoding need not wait for all of it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

SAMPLE_RATE: Final = 16_000

_GRID_SAMPLES: Final = 216_000
"""13.5 s: the shortest time that is a whole number of the model's frames (270 samples) and of its windows' steps (0.5 s).
Blocks that begin on this grid give the scores that the whole recording would give."""

_REACH_SAMPLES: Final = 72_000
"""4.5 s: the windows (5 s, every 0.5 s) that see the last frame of a block reach so far beyond it."""

_FRAME_SAMPLES: Final = 270
_LARGEST_BLOCK: Final = 32 * _GRID_SAMPLES

Chunk = dict[str, Any]
"""A stretch of speech of at most the chunk size: `start` and `end` in seconds, `segments` that it was merged from."""

Told = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class VoiceActivity:
    """What one request wants: `method` pyannote or silero, thresholds 0..1, longest chunk in seconds."""

    method: str
    onset: float
    offset: float
    chunk_size: int


Detect = Callable[[Any, Told], Any]
"""Scores of a piece of audio (float32 samples): a `SlidingWindowFeature`; tells a fraction 0..1, which may raise."""


class BlockwiseSpeech:
    """The chunks that WhisperX's pyannote detection and merging would make of the whole recording, as early as they are certain.

    The scores of a frame come from the windows around it; a stretch of speech that has ended stays what it is; a chunk is
    certain when the next one has begun.
    """

    def __init__(self, samples: Any, wanted: VoiceActivity, detect: Detect) -> None:
        self._samples = samples
        self._wanted = wanted
        self._detect = detect
        self._at = 0
        self._scores: Any = None
        self._frames: Any = None
        self._first_frame = 0
        self._told_until = -1.0
        self._carried: list[Any] = []

    @property
    def is_done(self) -> bool:
        """Whether everything was listened to."""
        return self._at >= len(self._samples)

    def next_block(self, told: Told) -> list[Chunk]:
        """Listen on, and say which chunks have become certain. `told(seconds)` hears how far the listening is."""
        begin, end = self._at, self._next_end()
        scores = self._block_scores(begin, end, told)
        self._at = end
        return self._certain(self._regions(scores))

    def _next_end(self) -> int:
        """The first block is just long enough for a chunk, the later ones grow: what overlaps costs twice."""
        shortest = -(-(self._wanted.chunk_size + 10) * SAMPLE_RATE // _GRID_SAMPLES) * _GRID_SAMPLES
        end = self._at + min(_LARGEST_BLOCK, max(shortest, self._at))
        rest = len(self._samples) - end
        return len(self._samples) if rest < _GRID_SAMPLES else end

    def _block_scores(self, begin: int, end: int, told: Told) -> Any:
        first = max(0, begin - _GRID_SAMPLES)
        last = min(len(self._samples), end + _REACH_SAMPLES)

        def heard(done: float) -> None:
            told((begin + done * (end - begin)) / SAMPLE_RATE)

        found = self._detect(self._samples[first:last], heard)
        skipped = (begin - first) // _FRAME_SAMPLES
        kept = None if end >= len(self._samples) else skipped + (end - begin) // _FRAME_SAMPLES
        self._frames = found.sliding_window
        return found.data[skipped:kept]

    def _regions(self, new_scores: Any) -> list[Any]:
        """Stretches of speech that have ended, in the order of time, each once."""
        import numpy as np  # noqa: PLC0415
        from pyannote.core import SlidingWindow, SlidingWindowFeature  # noqa: PLC0415
        from whisperx.vads.pyannote import Binarize  # noqa: PLC0415

        scores = new_scores if self._scores is None else np.concatenate([self._scores, new_scores])
        if not len(scores):
            return []
        step, duration = self._frames.step, self._frames.duration
        frames = SlidingWindow(start=self._first_frame * step, duration=duration, step=step)
        binarize = Binarize(max_duration=self._wanted.chunk_size, onset=self._wanted.onset, offset=self._wanted.offset)
        regions = list(binarize(SlidingWindowFeature(scores, frames)).get_timeline())
        last = frames[len(scores) - 1].middle
        ended = [region for region in regions if self.is_done or region.end < last]
        fresh = [region for region in ended if region.start > self._told_until - 1e-6]
        if fresh:
            self._told_until = fresh[-1].end
        kept = len(scores) - 1 if len(ended) == len(regions) else _frame_of(_chain_start(regions), frames)
        self._scores, self._first_frame = scores[kept:], self._first_frame + kept
        return fresh

    def _certain(self, regions: list[Any]) -> list[Chunk]:
        from whisperx.diarize import Segment  # noqa: PLC0415
        from whisperx.vads import Vad  # noqa: PLC0415

        self._carried += [Segment(region.start, region.end, "UNKNOWN") for region in regions]
        if not self._carried:
            return []
        chunks: list[Chunk] = Vad.merge_chunks(
            self._carried, self._wanted.chunk_size, self._wanted.onset, self._wanted.offset
        )
        if self.is_done:
            return chunks
        self._carried = self._carried[-len(chunks[-1]["segments"]) :]
        return chunks[:-1]


def _chain_start(regions: list[Any]) -> float:
    """Where the speech began that still goes on: regions cut from one stretch because it was too long touch each other."""
    start: float = regions[-1].start
    for region in reversed(regions[:-1]):
        if region.end != start:
            break
        start = region.start
    return start


def _frame_of(time: float, frames: Any) -> int:
    """The number of the frame whose middle is at `time` seconds."""
    number: float = (time - frames[0].middle) / frames.step
    return round(number)


class SpeechAtOnce:
    """The same for a detection that only hears whole recordings, as silero does."""

    is_done = False

    def __init__(self, samples: Any, wanted: VoiceActivity, silero: Any) -> None:
        self._samples = samples
        self._wanted = wanted
        # A copy: the loaded one is shared by all requests, and keeps what it is asked with.
        self._silero = copy.copy(silero)
        self._silero.vad_onset, self._silero.chunk_size = wanted.onset, wanted.chunk_size

    def next_block(self, told: Told) -> list[Chunk]:
        """All chunks."""
        audio = {"waveform": self._silero.preprocess_audio(self._samples), "sample_rate": SAMPLE_RATE}
        regions = self._silero(audio)
        self.is_done = True
        told(len(self._samples) / SAMPLE_RATE)
        wanted = self._wanted
        if not regions:
            return []
        chunks: list[Chunk] = self._silero.merge_chunks(regions, wanted.chunk_size, wanted.onset, wanted.offset)
        return chunks


def growing_batches(chunks: Iterator[Chunk], largest: int) -> Iterator[list[Chunk]]:
    """Batches of 1, 2, 4 … chunks up to the largest: the first words appear long before a full batch is decoded."""
    size, batch = 1, []
    for chunk in chunks:
        batch.append(chunk)
        if len(batch) == size:
            yield batch
            size, batch = min(largest, size * 2), []
    if batch:
        yield batch
