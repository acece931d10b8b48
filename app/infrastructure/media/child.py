"""Owns the one program that opens untrusted media: it runs alone, behind limits, and answers on its standard output.

Started as `python -I child.py JSON` with the media on its standard input and, for decoding, an already opened output.
It never learns a path. Once both are open it closes the door behind itself: no further file or socket can be
opened, whatever FFmpeg is talked into. It imports PyAV and the standard library only, so it starts in 0.1 s.

The JSON argument: `command` ("probe" or "decode"), `target_fd`, `max_seconds`, `memory_bytes`, `cpu_seconds`.
Lines on standard output: `{"fraction": 0.4}` while decoding, then one `{"result": {…}}` or `{"error": code, "detail": text}`.
"""

import errno
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from io import FileIO
from itertools import islice
from typing import Any, Final, NoReturn

import av
import av.audio.stream  # PyAV would import these three at the first use, when no file can be opened any more
import av.logging
import av.subtitles.stream
import av.video.stream

SAMPLE_RATE: Final = 16_000
BYTES_PER_SECOND: Final = SAMPLE_RATE * 2
BLOCK_BYTES: Final = 1 << 20
OUTPUT_FD: Final = 3
PROGRESS_SECONDS: Final = 0.1
TOLERATED_PACKETS: Final = 3
"""Broken packets that need no mention: a stray tag or a cut first frame is common in sound files."""

# Containers that hold their own bytes. Everything that points elsewhere (hls, dash, concat, sdp, image sequences …)
# is left out, as are devices and text. This list, not the protocols, is what keeps a disguised playlist shut.
FORMATS: Final = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,gsm,loas,matroska,mov,mp3,mpc,mpc8,"
    "mpeg,mpegts,mxf,nut,ogg,oma,rm,tak,truehd,tta,voc,w64,wav,wv,xwma"
)

# Only sound is decoded, so no video, subtitle or image decoder is ever opened, not even to probe.
CODECS: Final = (
    "aac,aac_latm,ac3,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,adpcm_yamaha,alac,amrnb,amrwb,ape,atrac1,atrac3,"
    "atrac3plus,cook,dca,eac3,flac,g722,g723_1,g726,g729,gsm,gsm_ms,ilbc,libopencore_amrnb,libopencore_amrwb,libopus,"
    "mace3,mace6,mlp,mp1,mp1float,mp2,mp2float,mp3,mp3float,mpc7,mpc8,nellymoser,opus,pcm_alaw,pcm_bluray,pcm_dvd,"
    "pcm_f16le,pcm_f24le,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16be_planar,pcm_s16le,"
    "pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,pcm_s32be,pcm_s32le,pcm_s32le_planar,pcm_s64be,pcm_s64le,"
    "pcm_s8,pcm_s8_planar,pcm_u16be,pcm_u16le,pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,pcm_u8,qcelp,qdm2,ralf,"
    "real_144,real_288,s302m,sipr,speex,tak,truehd,truespeech,tta,vorbis,wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice"
)

TOLD_STREAMS, TOLD_TAGS, TAG_CHARACTERS = 32, 24, 64  # a file may hold any number of them, of any length

# By their names in FFmpeg, which maps ID3's TDRC, TYER with TDAT and TIME, and RIFF's ICRD and IDIT to `date` or `creation_time`.
TIME_TAGS: Final = frozenset({
    "creation_time", "date", "date_recorded", "date_digitized", "year", "tdrc", "tyer",
    "origination_date", "origination_time", "com.apple.quicktime.creationdate",
})  # fmt: skip

_OPTIONS: Final = {"format_whitelist": FORMATS, "codec_whitelist": CODECS, "protocol_whitelist": "pipe"}


def main(argument: str) -> NoReturn:
    """Do what `argument` (JSON) asks, answer, and leave without running destructors on a damaged heap."""
    order = json.loads(argument)
    _limit(order)
    answer: dict[str, Any]
    try:
        answer = {"result": _COMMANDS[order["command"]](order)}
    except _Refusal as refusal:
        answer = {"error": refusal.code, "detail": refusal.detail}
    except MemoryError:
        answer = {"error": "bad_media", "detail": "reading it takes more memory than is allowed"}
    except OSError as problem:
        answer = {"error": _code_of(problem), "detail": problem.strerror or type(problem).__name__}
    except Exception as problem:  # whatever a hostile file provokes is the file's fault
        answer = {"error": "bad_media", "detail": f"{type(problem).__name__}: {problem}"[:300]}
    _say(answer)
    os._exit(0)


class _Refusal(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _limit(order: dict[str, Any]) -> None:
    # A write to the pipe of a dead parent ends this process, so a killed worker leaves none behind.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # The limit of seconds is checked while decoding; a write beyond it can only be a full disk's or a quota's fault.
    size = int(order["max_seconds"] * BYTES_PER_SECOND) + BLOCK_BYTES if order["target_fd"] is not None else 0
    # Below this number every descriptor is taken, so there is none left for another file or socket.
    files = 3 if order["target_fd"] is None else _as_output(order["target_fd"]) + 1
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, order["memory_bytes"])
    _lower(resource.RLIMIT_CPU, order["cpu_seconds"])
    _lower(resource.RLIMIT_FSIZE, size)
    _lower(resource.RLIMIT_NOFILE, files)
    av.logging.set_libav_level(av.logging.FATAL)


def _as_output(descriptor: int) -> int:
    if descriptor != OUTPUT_FD:
        os.dup2(descriptor, OUTPUT_FD)
        os.close(descriptor)
    return OUTPUT_FD


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (bound, bound))


def _code_of(problem: OSError) -> str:
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return "disk_full" if problem.errno in full and not isinstance(problem, av.error.FFmpegError) else "bad_media"


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _open(max_seconds: float) -> tuple[Any, Any]:
    try:
        container = av.open(FileIO(0), "r", options=_OPTIONS, metadata_errors="replace", buffer_size=BLOCK_BYTES // 4)
    except (av.error.FFmpegError, ValueError) as problem:
        raise _Refusal("not_media", _words_of(problem)) from problem
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise _Refusal("not_media", f"a {container.format.name} file without sound")
    context = stream.codec_context
    if context is None or context.name not in CODECS.split(",") or not context.sample_rate or not context.channels:
        raise _Refusal("not_media", "sound in a form that cannot be decoded")
    duration = _duration(container, stream)
    if duration is not None and duration > max_seconds:
        raise _Refusal("too_long", f"{duration:.0f} s, at most {max_seconds:.0f} s are accepted")
    return container, stream


def _words_of(problem: BaseException) -> str:
    return str(getattr(problem, "strerror", None) or problem)[:300]


def _duration(container: Any, stream: Any) -> float | None:
    if container.duration and container.duration > 0:
        return float(container.duration / av.time_base)
    if stream.duration and stream.duration > 0 and stream.time_base:
        return float(stream.duration * stream.time_base)
    return None


def _probe(order: dict[str, Any]) -> dict[str, Any]:
    container, stream = _open(order["max_seconds"])
    streams = [_describe(each) for each in container.streams]
    return {
        "container": container.format.name,
        "codec": stream.codec_context.name,
        "duration_seconds": _duration(container, stream),
        "sample_rate": stream.codec_context.sample_rate,
        "channels": stream.codec_context.channels,
        "video": any(each["type"] == "video" for each in streams),
        "streams": streams[:TOLD_STREAMS],
        "time_tags": list(islice(_time_tags(container), TOLD_TAGS)),
    }


def _describe(stream: Any) -> dict[str, Any]:
    context, picture = stream.codec_context, stream.disposition & av.stream.Disposition.attached_pic
    return {
        "type": "picture" if picture else stream.type or "data",
        "codec": context.codec.canonical_name if context else None,
        "language": stream.language[:TAG_CHARACTERS] if stream.language not in (None, "und") else None,
        "sample_rate": getattr(context, "sample_rate", None),
        "channels": getattr(context, "channels", None),
    }


def _time_tags(container: Any) -> Iterator[dict[str, str]]:
    streams = ((f"stream {each.index}", each.metadata) for each in islice(container.streams, TOLD_STREAMS))
    for place, tags in (("container", container.metadata), *streams):
        for name, text in tags.items():
            if name.lower() in TIME_TAGS:
                yield {"place": place, "name": name.lower(), "text": text[:TAG_CHARACTERS]}


def _decode(order: dict[str, Any]) -> dict[str, Any]:
    container, stream = _open(order["max_seconds"])
    stream.codec_context.thread_count = 1
    packets = _Packets(container, stream)
    output = _Output(order["max_seconds"])
    meter = _Meter(_duration(container, stream))
    resampler = _Resampler()
    for frames in packets:
        for frame in frames:
            for block in resampler.convert(frame):
                output.write(block)
        meter.tell(output.seconds)
    for block in resampler.rest():
        output.write(block)
    output.flush()
    if not output.bytes:
        raise _Refusal("bad_media", packets.problem or "no sound could be decoded")
    return {"duration_seconds": output.seconds, "broken_packets": packets.broken, "damaged": packets.damaged}


class _Packets:
    """Decoded frames, packet by packet; broken packets are left out, as every player does, and counted."""

    def __init__(self, container: Any, stream: Any) -> None:
        self._container = container
        self._stream = stream
        self.broken = 0
        self.cut = False
        self.problem: str | None = None

    @property
    def damaged(self) -> bool:
        return self.cut or self.broken > TOLERATED_PACKETS

    def __iter__(self) -> Iterator[list[Any]]:
        for packet in self._read():
            try:
                yield packet.decode()
            except MemoryError:
                raise
            except av.error.FFmpegError as problem:
                self.broken += 1
                self.problem = _words_of(problem)
                yield []

    def _read(self) -> Iterator[Any]:
        try:
            yield from self._container.demux(self._stream)
        except MemoryError:
            raise
        except av.error.FFmpegError as problem:
            self.cut = True
            self.problem = _words_of(problem)


class _Resampler:
    """Turns frames of any kind into 16-bit mono at 16 000 Hertz; a stream may change its kind on the way."""

    def __init__(self) -> None:
        self._kind: tuple[Any, ...] | None = None
        self._resampler: Any = None

    def convert(self, frame: Any) -> Iterator[memoryview]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            yield from self.rest()
            self._kind = kind
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        frame.pts = None
        yield from _samples(self._resampler.resample(frame))

    def rest(self) -> Iterator[memoryview]:
        if self._resampler is not None:
            yield from _samples(self._resampler.resample(None))
            self._resampler = None


def _samples(frames: list[Any]) -> Iterator[memoryview]:
    for frame in frames:
        yield memoryview(frame.planes[0])[: frame.samples * 2]


class _Output:
    """The samples on their way to disk, in blocks of 1 MiB and never more than the limit of seconds."""

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._waiting = bytearray()
        self.bytes = 0

    @property
    def seconds(self) -> float:
        return self.bytes / BYTES_PER_SECOND

    def write(self, samples: memoryview) -> None:
        self._waiting += samples
        self.bytes += len(samples)
        if self.seconds > self._max_seconds:
            raise _Refusal("too_long", f"more than {self._max_seconds:.0f} s")
        if len(self._waiting) >= BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        left = bytes(self._waiting)
        self._waiting.clear()
        while left:
            left = left[os.write(OUTPUT_FD, left) :]


class _Meter:
    """Says how far the decoding is, ten times a second at most; also a sign of life when the length is unknown."""

    def __init__(self, duration: float | None) -> None:
        self._duration = duration
        self._last = time.monotonic()

    def tell(self, seconds: float) -> None:
        now = time.monotonic()
        if now - self._last >= PROGRESS_SECONDS:
            self._last = now
            _say({"fraction": min(1.0, seconds / self._duration) if self._duration else 0.0})


_COMMANDS: Final = {"probe": _probe, "decode": _decode}

if __name__ == "__main__":
    main(sys.argv[1])
