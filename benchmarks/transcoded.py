"""Owns the ways in which recordings come back: encoded, resampled, louder, trimmed – made with the FFmpeg inside PyAV."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
MOST_TRIMMED_SECONDS = 2.0
LARGEST_PART_TRIMMED = 0.25
"""At either end: of a recording of three seconds, two seconds less at each end leave nothing."""

Samples = NDArray[np.int16]


def decoded(source: str | io.BytesIO) -> Samples:
    """The first sound of a file, as the service decodes it: mono, 16 000 Hertz, 16 bits."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    blocks = []
    with av.open(source) as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            blocks += [block.to_ndarray().ravel() for block in resampler.resample(frame)]
    blocks += [block.to_ndarray().ravel() for block in resampler.resample(None)]
    return np.concatenate(blocks)


def variants(samples: Samples) -> Iterator[tuple[str, Samples]]:
    """Everything that a fingerprint has to survive, one by one and together."""
    seconds = len(samples) / SAMPLE_RATE
    most = min(MOST_TRIMMED_SECONDS, seconds * LARGEST_PART_TRIMMED)
    yield "mp3 64k", _mp3(samples)
    yield "opus 24k", _opus(samples)
    yield "opus 24k, stereo", _opus(samples, "stereo")
    for rate in (8_000, 11_025, 22_050, 44_100, 48_000):
        yield f"resampled to {rate} Hz", transcoded(samples, "wav", "pcm_s16le", rate)
    yield "stereo", transcoded(samples, "wav", "pcm_s16le", 44_100, layout="stereo")
    for decibels in (-6, 6):
        yield f"{decibels:+} dB", _amplified(samples, decibels)
    for begin, end in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.37, 0.81), (0.618, 0.05)):
        trimmed = _trimmed(samples, begin * most, end * most)
        yield f"trimmed {begin * most:.2f} + {end * most:.2f} s", trimmed
        if begin and end:
            yield f"trimmed {begin * most:.2f} + {end * most:.2f} s, -6 dB, opus", _opus(_amplified(trimmed, -6))
            yield f"trimmed {begin * most:.2f} + {end * most:.2f} s, +6 dB, mp3", _mp3(_amplified(trimmed, 6))


def transcoded(
    samples: Samples, container: str, codec: str, rate: int, *, layout: str = "mono", bit_rate: int | None = None
) -> Samples:
    """The samples after a way through an encoder and a decoder."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        for frame in _frames(samples, stream.codec_context, layout):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    target.seek(0)
    return decoded(target)


def recordings(folders: tuple[Path, ...]) -> dict[str, Samples]:
    """All recordings of some folders, by name."""
    paths = sorted(path for folder in folders for path in folder.iterdir() if path.suffix in (".wav", ".flac"))
    return {path.stem: decoded(str(path)) for path in paths}


def _frames(samples: Samples, context: "av.AudioCodecContext", layout: str) -> Iterator["av.AudioFrame"]:
    whole = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    whole.sample_rate, whole.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
    resampler = av.AudioResampler(format=context.format.name, layout=layout, rate=context.sample_rate)
    waiting = av.AudioFifo()
    for frame in (*resampler.resample(whole), *resampler.resample(None)):
        frame.pts = None
        waiting.write(frame)
    while (frame := waiting.read(context.frame_size or 1024, partial=True)) is not None:
        frame.pts = None
        yield frame


def _mp3(samples: Samples) -> Samples:
    return transcoded(samples, "mp3", "libmp3lame", 44_100, bit_rate=64_000)


def _opus(samples: Samples, layout: str = "mono") -> Samples:
    return transcoded(samples, "ogg", "libopus", 48_000, layout=layout, bit_rate=24_000)


def _amplified(samples: Samples, decibels: float) -> Samples:
    louder: Samples = np.clip(samples * 10 ** (decibels / 20), -32_768, 32_767).astype(np.int16)
    return louder


def _trimmed(samples: Samples, begin: float, end: float) -> Samples:
    return samples[int(begin * SAMPLE_RATE) : len(samples) - int(end * SAMPLE_RATE)]
