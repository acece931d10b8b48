"""Owns the real parts of the browser tests: `cesar serve` as a process of its own, a chromium, a page that tells on itself."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.witness import WITNESS
from tests.running_server import descendants, free_port, wait_for

AUDIO = Path(__file__).parent.parent / "fixtures" / "audio"
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=20_000)  # several browsers and their servers may share two cores

PAUSE = bytes(16_000)
"""Half a second of silence at 16 kHz, so that one sentence ends before the next begins."""


class Server:
    """`cesar serve` with a data folder and a port that survive its death.

    `closed_address` is a URL that it may fetch from, where nobody answers.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.closed_address = f"http://127.0.0.1:{free_port()}/talk.wav"
        self._folder = folder
        self._settings = {
            "CESAR_DATA_DIR": str(folder / "data"),
            "CESAR_PORT": str(self.port),
            "CESAR_ENGINE": "pocketsphinx",
            "CESAR_DOWNLOAD_ALLOW_PRIVATE": self.closed_address.split("/")[2],
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers and its worker runs."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                env={**os.environ, **self._settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: self._process.poll() is not None or self._is_ready(), 60)
        assert self._process.poll() is None, (self._folder / "server.log").read_text()

    def kill(self) -> None:
        """SIGKILL to the server and to everything it started, the server first so that nothing is restarted."""
        assert self._process is not None
        family = [self._process.pid, *descendants(self._process.pid)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it as a person would; what does not end is killed."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def get(self, path: str) -> dict[str, object]:
        """The JSON at a path."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310 - our own server
            return orjson.loads(answer.read())

    def _is_ready(self) -> bool:
        try:
            return self.get("/health")["worker"]["status"] == "running"
        except (OSError, urllib.error.HTTPError):
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module."""
    started = Server(tmp_path_factory.mktemp("server"))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill."""
    started = Server(tmp_path)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def three_sentences(tmp_path: Path) -> Path:
    """Real speech with two pauses, so that there is text before the end."""
    return joined(tmp_path / "three sentences.wav", sorted(AUDIO.glob("austen-*.wav")))


@pytest.fixture
def long_recording(tmp_path: Path) -> Path:
    """A minute of real speech."""
    return joined(tmp_path / "long-talk.wav", sorted(AUDIO.glob("austen-*.wav")) * 4)


def joined(target: Path, sources: list[Path]) -> Path:
    """One recording of several, with a pause after each."""
    with wave.open(str(target), "wb") as whole:
        for number, source in enumerate(sources):
            with wave.open(str(source), "rb") as part:
                if number == 0:
                    whole.setparams(part.getparams())
                whole.writeframes(part.readframes(part.getnframes()) + PAUSE)
    return target


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them run in one event loop, that of the browser."""
    for item in items:
        if (
            isinstance(item, pytest.Function)
            and Path(__file__).parent in item.path.parents
            and item.get_closest_marker("browser")
        ):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A chromium for the tests of a module: to start one costs more than most of them."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """One person's browser, which remembers nothing of anybody before."""
    own = await browser.new_context()
    yield own
    await own.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    """A page that keeps what its bars showed, every console error and every violation of the content security policy."""
    page = await context.new_page()
    page.complaints = []
    page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    await page.add_init_script(WITNESS)
    return page
