"""Damaged and disguised media: the caller always gets a result or a typed error, and nothing else is ever opened."""

import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import pytest

from app.domain.errors import CesarError
from app.infrastructure.media.tools import SandboxedMediaTools
from tests.fakes.media_files import KINDS, make
from tests.fakes.recorded_control import RecordedControl

MUTATIONS_PER_KIND = 20
TOOLS = SandboxedMediaTools(3600, memory_mb=512, silence_seconds=30)


def _flip(body: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 10, 200))):
        body[chance.randrange(len(body))] = chance.randrange(256)


def _flip_in_head(body: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 4, 16))):
        body[chance.randrange(min(len(body), 512))] = chance.randrange(256)


def _truncate(body: bytearray, chance: random.Random) -> None:
    del body[chance.randrange(1, len(body)) :]


def _cut_block(body: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(body))
    del body[start : start + chance.randrange(1, 4096)]


def _zero_block(body: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(body))
    end = min(len(body), start + chance.randrange(1, 4096))
    body[start:end] = bytes(end - start)


def _extreme_numbers(body: bytearray, chance: random.Random) -> None:
    for _ in range(4):
        start = chance.randrange(max(1, min(len(body), 1024) - 8))
        body[start : start + 4] = chance.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)))


def _swap_blocks(body: bytearray, chance: random.Random) -> None:
    first, second = chance.randrange(len(body)), chance.randrange(len(body))
    size = chance.randrange(1, 2048)
    one, other = body[first : first + size], body[second : second + size]
    body[first : first + size], body[second : second + size] = other, one


def _repeat_block(body: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(body))
    block = body[start : start + chance.randrange(1, 2048)]
    body[start:start] = block * chance.randrange(2, 20)


MUTATIONS = (
    _flip,
    _flip_in_head,
    _truncate,
    _cut_block,
    _zero_block,
    _extreme_numbers,
    _swap_blocks,
    _repeat_block,
)


def _mutated(folder: Path) -> list[Path]:
    chance = random.Random(2026)
    files = []
    for kind in KINDS:
        original = make(folder / f"original.{kind.ending}", kind, seconds=1.0).read_bytes()
        for number in range(MUTATIONS_PER_KIND):
            body = bytearray(original)
            MUTATIONS[number % len(MUTATIONS)](body, chance)
            path = folder / f"{number}.{kind.ending}"
            path.write_bytes(body)
            files.append(path)
    return files


def _outcome(path: Path) -> str:
    """Decoding opens, probes, reads and decodes, so it meets everything that a probe meets, and more."""
    try:
        TOOLS.decode(path, path.with_suffix(".samples"), RecordedControl())
        return "ok"
    except CesarError as problem:
        assert not path.with_suffix(".samples").exists()
        return problem.code


def test_five_hundred_mutated_files_end_well(tmp_path: Path) -> None:
    """Each of over 500 damaged files of over ten kinds is decoded or refused with a typed error, in a child of its own."""
    files = _mutated(tmp_path)
    assert len(files) >= 500
    with ThreadPoolExecutor(4) as pool:
        outcomes = Counter(pool.map(_outcome, files))
    assert set(outcomes) <= {"ok", "bad_media", "not_media", "too_long"}
    assert outcomes["ok"] >= 50
    assert outcomes["not_media"] + outcomes["bad_media"] >= 50


class _Canary:
    """A local server that counts who comes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def canary() -> Iterator[_Canary]:
    server = _Canary()
    yield server
    server.close()


PLAYLISTS = {
    "hls of a file": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{path}\n#EXT-X-ENDLIST\n",
    "hls of a url": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}/a.ts\n#EXT-X-ENDLIST\n",
    "hls of a key": (
        '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI="{url}/key"\n'
        "#EXTINF:2,\nfile://{path}\n#EXT-X-ENDLIST\n"
    ),
    "hls of playlists": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}/b.m3u8\n",
    "ffconcat": "ffconcat version 1.0\nfile '{path}'\nfile '{url}/a.wav'\n",
    "dash": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S">'
        '<Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}/a.mp4</BaseURL>'
        '<SegmentList duration="2"><SegmentURL media="{url}/a.mp4"/></SegmentList></Representation></AdaptationSet></Period></MPD>'
    ),
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
    "asx": '<asx version="3.0"><entry><ref href="{url}/a.wma"/></entry></asx>',
    "asf redirect": "[Reference]\nRef1={url}/a.asf\n",
    "pls": "[playlist]\nFile1={url}/a.mp3\nNumberOfEntries=1\n",
    "smil": '<smil><body><audio src="{url}/a.wav"/></body></smil>',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/a.png"/></svg>',
    "rtsp": "RTSPtextRTSP://127.0.0.1:{port}/a\n",
    "ffmetadata": ";FFMETADATA1\ntitle=x\n",
    "webvtt": "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n",
}


def _write_playlist(name: str, folder: Path, port: int, ending: str) -> Path:
    bait = make(folder / "bait.wav", KINDS[0])
    text = PLAYLISTS[name].format(path=bait, url=f"http://127.0.0.1:{port}", port=port)
    playlist = folder / f"speech.{ending}"
    playlist.write_text(text)
    return playlist


@pytest.mark.parametrize("ending", ["mp3", "m3u8", "%03d.wav"])
@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_disguised_playlist_opens_nothing(tmp_path: Path, canary: _Canary, name: str, ending: str) -> None:
    """A file that points to others is refused, whatever it is called; nobody was visited and no sound came out."""
    playlist = _write_playlist(name, tmp_path, canary.port, ending)
    for attempt in (
        lambda: TOOLS.probe(playlist),
        lambda: TOOLS.decode(playlist, tmp_path / "samples", RecordedControl()),
    ):
        with pytest.raises(CesarError) as caught:
            attempt()
        assert caught.value.code in ("not_media", "bad_media")
    assert canary.visits == 0
    assert not (tmp_path / "samples").exists()


def test_the_playlists_would_work_without_the_fence(tmp_path: Path, canary: _Canary) -> None:
    """FFmpeg, left alone, follows the same files: so the test above can fail."""
    files = _write_playlist("ffconcat", tmp_path, canary.port, "mp3")
    with av.open(str(files), options={"safe": "0"}) as container:
        assert next(container.decode(audio=0)).samples > 0
    options = {"protocol_whitelist": "file,http,tcp"}
    with pytest.raises((av.error.FFmpegError, OSError)):
        av.open(str(_write_playlist("hls of a url", tmp_path, canary.port, "m3u8")), options=options, timeout=5)
    assert canary.visits > 0
