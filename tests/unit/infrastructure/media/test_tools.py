"""Recordings of every kind become samples, and what is not a recording, too long or damaged is told apart."""

import math
import subprocess
import sys
import threading
import time
from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from app.domain.errors import Cancelled, CesarError
from app.infrastructure.media.tools import SandboxedMediaTools
from tests.fakes.media_files import KINDS, Kind, make
from tests.fakes.recorded_control import RecordedControl

AUDIO = Path(__file__).parents[3] / "fixtures" / "audio"
HOUR = 3600.0
TOOLS = SandboxedMediaTools(24 * HOUR, memory_mb=512)
SILENT_FLAC = Kind("flac", "flac", "flac", 8_000, "mono")


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten hours of silence in seven megabytes."""
    return make(tmp_path_factory.mktemp("bomb") / "bomb.flac", SILENT_FLAC, seconds=10 * HOUR, hertz=0)


def _samples(path: Path) -> "array[int]":
    samples = array("h")
    samples.frombytes(path.read_bytes())
    return samples


def _hertz(samples: "array[int]") -> float:
    """The pitch of a tone by its zero crossings, in the middle second."""
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4]
    crossings = sum(1 for before, after in pairwise(middle) if before < 0 <= after)
    return crossings / (len(middle) / 16_000)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.ending)
def test_every_kind_is_probed_and_decoded(tmp_path: Path, kind: Kind) -> None:
    """The tone that went into a file comes out: its pitch, its length, not clipped, whatever the container and the channels."""
    source = make(tmp_path / "name-says-nothing", kind)
    facts = TOOLS.probe(source)
    assert (facts.sample_rate, facts.channels) == (kind.rate, {"mono": 1, "stereo": 2, "5.1": 6, "7.1": 8}[kind.layout])
    assert facts.duration_seconds is not None
    assert facts.duration_seconds == pytest.approx(2.0, abs=0.25)
    assert facts.mime_type.startswith("video/" if kind.video else "audio/")
    audio = TOOLS.decode(source, tmp_path / "samples", RecordedControl())
    samples = _samples(audio.path)
    assert audio.duration_seconds == len(samples) / 16_000 == pytest.approx(2.0, abs=0.1)
    assert _hertz(samples) == pytest.approx(440, abs=5)
    assert 1000 < max(samples) < 32_000


@pytest.mark.parametrize(
    ("ending", "mime_type"),
    [
        ("wav", "audio/wav"), ("flac", "audio/flac"), ("mp3", "audio/mpeg"), ("m4a", "audio/mp4"), ("mp4", "video/mp4"),
        ("opus", "audio/ogg"), ("webm", "audio/webm"), ("mka", "audio/x-matroska"), ("mkv", "video/webm"),
        ("aac", "audio/aac"), ("avi", "video/x-msvideo"), ("ts", "video/mp2t"), ("mov", "video/mp4"),
    ],
)  # fmt: skip
def test_the_mime_type_is_that_of_the_content(tmp_path: Path, ending: str, mime_type: str) -> None:
    """A file named .txt is what its bytes are."""
    kind = next(kind for kind in KINDS if kind.ending == ending)
    assert TOOLS.probe(make(tmp_path / "liar.txt", kind)).mime_type == mime_type


def test_real_speech_of_24_bit_stereo_is_decoded(tmp_path: Path) -> None:
    """The 24-bit stereo recording at 44.1 kHz gives eleven seconds of loud enough mono."""
    facts = TOOLS.probe(AUDIO / "jfk.flac")
    assert (facts.container, facts.codec, facts.sample_rate, facts.channels) == ("flac", "flac", 44_100, 2)
    audio = TOOLS.decode(AUDIO / "jfk.flac", tmp_path / "samples", RecordedControl())
    samples = _samples(audio.path)
    assert audio.duration_seconds == pytest.approx(11.0, abs=0.01)
    assert 300 < math.sqrt(sum(sample * sample for sample in samples) / len(samples)) < 10_000


def test_16_khz_mono_is_passed_through_bit_by_bit(tmp_path: Path) -> None:
    """What has the right form already is not touched."""
    audio = TOOLS.decode(AUDIO / "austen-0870.wav", tmp_path / "samples", RecordedControl())
    assert (AUDIO / "austen-0870.wav").read_bytes().endswith(audio.path.read_bytes())
    assert audio.path.stat().st_size == audio.duration_seconds * 32_000 > 200_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"\0" * 100_000,
        b"hello, world\n" * 1000,
        b"%PDF-1.7\n" + bytes(2000),
        b"MZ" + bytes(5000),
        b"RIFF\xff\xff\xff\xffWAVE",
    ],
)
def test_what_is_no_recording_is_not_media(tmp_path: Path, content: bytes) -> None:
    """Files of other kinds, and empty ones, are refused by content."""
    source = tmp_path / "speech.wav"
    source.write_bytes(content)
    with pytest.raises(CesarError) as caught:
        TOOLS.probe(source)
    assert caught.value.code == "not_media"


def test_a_film_without_sound_is_not_media(tmp_path: Path) -> None:
    """There must be a sound to transcribe."""
    with pytest.raises(CesarError, match="without sound"):
        TOOLS.probe(_silent_film(tmp_path / "film.mkv"))


def test_a_cut_file_gives_what_is_left(tmp_path: Path) -> None:
    """Half an mp3 is decoded to half its length."""
    source = make(tmp_path / "a.mp3", next(kind for kind in KINDS if kind.ending == "mp3"), seconds=4)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    audio = TOOLS.decode(source, tmp_path / "samples", RecordedControl())
    assert audio.duration_seconds == pytest.approx(2.0, abs=0.2)


def test_a_damaged_file_is_decoded_around_the_damage_and_says_so(tmp_path: Path) -> None:
    """Broken stretches are left out and told as a warning."""
    source = make(tmp_path / "a.m4a", next(kind for kind in KINDS if kind.ending == "m4a"), seconds=8)
    body = bytearray(source.read_bytes())
    start = body.index(b"mdat") + 4
    for offset in range(start + 200, len(body) * 2 // 3, 60):
        body[offset : offset + 30] = b"\xff" * 30
    source.write_bytes(body)
    control = RecordedControl()
    audio = TOOLS.decode(source, tmp_path / "samples", control)
    assert 1.0 < audio.duration_seconds < 8.1
    assert [code for code, _ in control.warnings] == ["media_damaged"]


def test_progress_moves_from_nothing_to_all(tmp_path: Path) -> None:
    """Fractions rise while a long file is decoded, and end at one."""
    source = make(tmp_path / "long.flac", SILENT_FLAC, seconds=HOUR, hertz=0)
    control = RecordedControl()
    TOOLS.decode(source, tmp_path / "samples", control)
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0
    assert len([done for done in control.fractions if 0 < done < 1]) >= 3


def test_a_cancelled_run_stops_the_decoding_and_leaves_nothing(tmp_path: Path, bomb: Path) -> None:
    """Cancelled in the middle: the call ends soon, and neither samples nor a child remain."""
    control = RecordedControl(cancel_when=lambda told: len(told.fractions) >= 2)
    started = time.monotonic()
    with pytest.raises(Cancelled):
        TOOLS.decode(bomb, tmp_path / "samples", control)
    assert time.monotonic() - started < 3
    assert not (tmp_path / "samples").exists()


def test_cancelling_is_noticed_while_the_child_says_nothing(tmp_path: Path) -> None:
    """`check` is asked several times a second, whether there is progress or not."""
    source = make(tmp_path / "long.flac", SILENT_FLAC, seconds=HOUR, hertz=0)
    asked: list[float] = []
    control = RecordedControl(cancel_when=lambda _: asked.append(time.monotonic()) is not None)
    TOOLS.decode(source, tmp_path / "samples", control)
    assert max(after - before for before, after in pairwise(asked)) < 1.0


def test_ten_hours_in_seven_megabytes_are_refused_by_what_they_say(tmp_path: Path, bomb: Path) -> None:
    """A recording whose header is over the limit is too_long before anything is decoded."""
    assert bomb.stat().st_size < 8_000_000
    tools = SandboxedMediaTools(2 * HOUR, memory_mb=256)
    for refused in (lambda: tools.probe(bomb), lambda: tools.decode(bomb, tmp_path / "samples", RecordedControl())):
        with pytest.raises(CesarError) as caught:
            refused()
        assert caught.value.code == "too_long"
    assert not (tmp_path / "samples").exists()


def test_a_bomb_that_hides_its_length_is_refused_by_what_was_decoded(tmp_path: Path, bomb: Path) -> None:
    """Without a length in its header it is stopped at the limit, within 256 MiB of address space, and leaves nothing."""
    body = bytearray(bomb.read_bytes())
    body[21] &= 0xF0  # FLAC's count of samples: 36 bits after the fLaC mark, the block's head and 13.5 bytes
    body[22:26] = bytes(4)
    nameless = tmp_path / "bomb.flac"
    nameless.write_bytes(body)
    tools = SandboxedMediaTools(HOUR / 2, memory_mb=256)
    assert tools.probe(nameless).duration_seconds is None
    with pytest.raises(CesarError) as caught:
        tools.decode(nameless, tmp_path / "samples", RecordedControl())
    assert caught.value.code == "too_long"
    assert not (tmp_path / "samples").exists()


def test_a_full_disk_while_decoding_is_told(tmp_path: Path) -> None:
    """Beyond the size a process may write, decoding ends with disk_full and leaves no samples."""
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from app.domain.errors import CesarError; from app.infrastructure.media.tools import SandboxedMediaTools\n"
        "from tests.fakes.recorded_control import RecordedControl\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: SandboxedMediaTools(3600).decode(Path(sys.argv[1]), Path(sys.argv[2]), RecordedControl())\n"
        "except CesarError as problem: print(problem.code)"
    )
    command = [sys.executable, "-c", program, str(AUDIO / "jfk.flac"), str(tmp_path / "samples")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["disk_full"]
    assert not (tmp_path / "samples").exists()


def test_several_files_are_read_at_once(tmp_path: Path) -> None:
    """Calls from several threads do not disturb each other."""
    lengths: dict[int, float] = {}

    def work(number: int) -> None:
        audio = TOOLS.decode(AUDIO / "jfk.flac", tmp_path / str(number), RecordedControl())
        lengths[number] = audio.duration_seconds

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == dict.fromkeys(range(4), 11.0)


def _silent_film(path: Path) -> Path:
    import av

    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = number
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path
