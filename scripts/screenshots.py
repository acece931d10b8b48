"""Makes docs/screenshots: every view of the real page, from a real server that listened to real recordings.

Usage: python scripts/screenshots.py [NAME …]     only these, such as `queue` or `transcript-dark`
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import orjson
from playwright.sync_api import Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
AUDIO = ROOT / "tests" / "fixtures" / "audio"
TARGET = ROOT / "docs" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
MOST_BYTES = 200_000
DESK: ViewportSize = {"width": 960, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
SPEECH_SECONDS = 11.0
TALK = "2024-05-06 14.33.21 Two voices.wav"
RATE = 16_000
PAUSE = bytes(RATE * 3 // 2)
"""Three quarters of a second of silence: a reader's breath between two sentences."""


class Camera:
    """A page on a server, and what is wanted of it."""

    def __init__(self, page: Page, url: str, wanted: list[str]) -> None:
        self.page = page
        self.url = url
        self._wanted = wanted

    def go(self, place: str, ready: str) -> None:
        """Show a place of the page, once this is there."""
        self.page.goto(f"{self.url}/#{place}")
        self.page.locator(ready).first.wait_for()
        self.page.wait_for_load_state("networkidle")

    def shoot(self, name: str, *, everywhere: bool = False) -> None:
        """One picture; `everywhere`: dark and on a phone, too. Raises `SystemExit` if it is too large for a document."""
        self._take(name)
        if everywhere:
            self.page.emulate_media(color_scheme="dark")
            self._take(f"{name}-dark")
            self.page.emulate_media(color_scheme="light")
            self.page.set_viewport_size(PHONE)
            self._take(f"{name}-phone")
            self.page.set_viewport_size(DESK)

    def _take(self, name: str) -> None:
        if self._wanted and name not in self._wanted:
            return
        path = TARGET / f"{name}.png"
        self.page.screenshot(path=path, animations="disabled")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SystemExit(f"{path} has {size} bytes (at most {MOST_BYTES})")
        print(f"{path.relative_to(ROOT)}: {size // 1000} kB")


def main() -> None:
    """Start everything, fill the library, take the pictures, end everything."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        desk = Path(folder) / "desk"
        desk.mkdir()
        with running_server(Path(folder) / "data", desk) as url:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(
                viewport=DESK, color_scheme="light", reduced_motion="reduce", device_scale_factor=1.5
            )
            camera = Camera(page, url, sys.argv[1:])
            fill(camera, desk)
            transcripts(camera)
            library(camera)
            at_work(camera, desk)
            browser.close()


def fill(camera: Camera, desk: Path) -> None:
    """The empty page, then what a person has after an afternoon: a talk of two voices, a speech and its copy, an import, an archive."""
    camera.go("/", "#connection[data-state=live]")
    camera.shoot("empty")
    sentences(desk / TALK, 2)
    speech = (AUDIO / "jfk.flac").read_bytes()
    for name in ("Inaugural address.flac", "Inaugural address (copy).flac"):
        (desk / name).write_bytes(speech)
    choose(camera.page, *sorted(desk.iterdir()))
    finished = camera.page.locator("[data-status=completed]")
    wait(lambda: finished.count() == 3, 300)
    (talk,) = [file for file in ask(camera, "/files")["files"] if file["filename"] == TALK]
    decide = {"decision_type": "tag_assignment", "decision_value": ["garden", "oral history"]}
    ask(camera, f"/files/{talk['id']}/decisions", decide)
    name_voices(camera, talk["tasks"][0]["id"])
    ask(camera, "/jobs", {"job_type": "import", "folder": str(desk)})
    ask(camera, "/jobs", {"job_type": "export", "files": [talk["id"]], "formats": ["txt", "docx"]})


def name_voices(camera: Camera, task: str) -> None:
    """A person says who speaks: the small engine does not tell voices apart."""
    for at in range(len(ask(camera, f"/tasks/{task}/transcript")["segments"])):
        whole = ask(camera, f"/tasks/{task}/transcript")
        segment = whole["segments"][at]
        voice = "Kennedy" if segment["start"] < SPEECH_SECONDS else "A reader"
        path = f"/tasks/{task}/segments/{segment['id']}"
        ask(camera, path, {"speaker": voice}, method="PATCH", etag=whole["version"])


def transcripts(camera: Camera) -> None:
    """One transcript, at its words, with its dialogs; and the search over all."""
    page = camera.page
    (talk,) = [task for task in ask(camera, "/tasks")["tasks"] if task["filename"] == TALK]
    camera.go(f"/tasks/{talk['id']}?t=4", ".segment[aria-current=true] b")
    page.locator(".saved").wait_for()
    page.locator(".outline path[d*=v]").first.wait_for(state="attached")
    page.evaluate("scrollTo(0, 0)")
    camera.shoot("transcript", everywhere=True)
    page.get_by_role("button", name="Export").click()
    wait(lambda: bool(page.locator(".export pre").text_content()), 20)
    camera.shoot("export")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("dialog .keys").wait_for()
    camera.shoot("help")
    page.keyboard.press("Escape")
    camera.go("/search?q=country", ".hits li")
    camera.shoot("search")


def library(camera: Camera) -> None:
    """Recordings, one of them, copies side by side, imports and exports."""
    camera.go("/library/files", "td")
    camera.shoot("library")
    camera.page.get_by_role("link", name=TALK).click()
    camera.page.locator("dl").wait_for()
    camera.page.get_by_text("What says when it was recorded").click()
    camera.shoot("recording")
    camera.go("/library/duplicates", "section audio")
    camera.shoot("duplicates")
    camera.go("/library/jobs", "[download]")
    camera.shoot("import-and-export")


def at_work(camera: Camera, desk: Path) -> None:
    """One recording with words already there, another that waits, and what was done before."""
    page = camera.page
    camera.go("/", "#connection[data-state=live]")
    reading, waiting = desk / "Sense and Sensibility, chapter 2.wav", desk / "Sense and Sensibility, chapter 3.wav"
    for path, times in ((reading, 8), (waiting, 1)):
        sentences(path, times)
        choose(page, path)
        page.locator("[data-status=processing]").wait_for(timeout=60_000)
    page.locator("[data-status=processing] .preview").wait_for(timeout=120_000)
    page.evaluate("scrollTo(0, 0)")
    camera.shoot("queue", everywhere=True)


def sentences(path: Path, times: int) -> None:
    """The sentences of the reading one after another, so many times; the talk of two voices begins with the speech."""
    with wave.open(str(path), "wb") as joined:
        joined.setparams((1, 2, RATE, 0, "NONE", ""))
        if path.name == TALK:
            joined.writeframes(speech() + PAUSE)
        for source in sorted(AUDIO.glob("austen-*.wav")) * times:
            with wave.open(str(source), "rb") as part:
                joined.writeframes(part.readframes(part.getnframes()) + PAUSE)


def speech() -> bytes:
    """Eleven seconds of another voice."""
    with av.open(str(AUDIO / "jfk.flac")) as media:
        resampler = av.AudioResampler("s16", "mono", RATE)
        return b"".join(
            bytes(part.to_ndarray()) for frame in media.decode(audio=0) for part in resampler.resample(frame)
        )


def choose(page: Page, *paths: Path) -> None:
    """Give recordings to the page as a person does."""
    page.locator("input[type=file]").first.set_input_files(list(paths))


def ask(camera: Camera, path: str, body: Any = None, *, method: str = "", etag: object = None) -> Any:
    """The server's answer, as JSON."""
    headers = {"Content-Type": "application/json"} | ({"If-Match": f'"{etag}"'} if etag is not None else {})
    data = None if body is None else orjson.dumps(body)
    request = urllib.request.Request(camera.url + path, data, headers, method=method or ("POST" if data else "GET"))  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
        return orjson.loads(answer.read())


def wait(condition: Callable[[], bool], seconds: float) -> None:
    """Raises `TimeoutError` if it does not hold within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.2)


@contextmanager
def running_server(data: Path, inbox: Path) -> Iterator[str]:
    """`cesar serve` on a free port with an empty data folder and a folder to import from; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "CESAR_DATA_DIR": str(data),
        "CESAR_PORT": str(port),
        "CESAR_ENGINE": "pocketsphinx",
        "CESAR_IMPORT_FOLDERS": str(inbox),
    }
    command = [sys.executable, "-m", "app.cli", "serve"]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **settings}, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # nothing in that folder is worth waiting for
        server.wait()


def wait_until_ready(url: str) -> None:
    """Raises `TimeoutError` if the server does not answer within half a minute."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310 - our own server
                return True
        except OSError:
            return False

    wait(answers, 30)


if __name__ == "__main__":
    main()
