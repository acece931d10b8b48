"""Makes docs/screenshots/page.png: the real page, a real server, real recordings, one of them at work.

Usage: python scripts/screenshots.py [--scheme light|dark] [--width 1100] [--output FILE]
"""

import argparse
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import FilePayload, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
AUDIO = ROOT / "tests" / "fixtures" / "audio"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

PAUSE = bytes(24_000)
"""Three quarters of a second of silence at 16 kHz: a reader's breath between two sentences."""


def main() -> None:
    """Start everything, take the picture, end everything."""
    arguments = parsed_arguments()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with running_server() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(
            viewport={"width": arguments.width, "height": arguments.height},
            color_scheme=arguments.scheme,
            device_scale_factor=2,
        )
        page.goto(url)
        fill(page)
        page.screenshot(path=arguments.output, animations="disabled")
        browser.close()
    print(f"{arguments.output} written")


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    parser.add_argument("--width", type=int, default=1100)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "screenshots" / "page.png")
    return parser.parse_args()


def fill(page: Page) -> None:
    """One recording done, one at work with words already there, one waiting."""
    page.locator("#connection[data-state=live]").wait_for()
    page.set_input_files("#file-input", AUDIO / "jfk.flac")
    page.locator("[data-status=completed]").wait_for(timeout=120_000)
    page.set_input_files("#file-input", talk())
    page.locator("[data-status=processing]").wait_for(timeout=60_000)
    page.set_input_files("#file-input", AUDIO / "austen-0890.wav")
    page.locator("[data-status=queued]").wait_for(timeout=60_000)
    page.locator("[data-status=processing] .segment-text").nth(1).wait_for(timeout=120_000)


def talk() -> FilePayload:
    """The sentences of the reading one after another, twice, as one recording."""
    content = io.BytesIO()
    with wave.open(content, "wb") as joined:
        for number, source in enumerate(sorted(AUDIO.glob("austen-*.wav")) * 2):
            with wave.open(str(source), "rb") as part:
                if number == 0:
                    joined.setparams(part.getparams())
                joined.writeframes(part.readframes(part.getnframes()) + PAUSE)
    return {"name": "sense-and-sensibility.wav", "mimeType": "audio/wav", "buffer": content.getvalue()}


@contextmanager
def running_server() -> Iterator[str]:
    """`cesar serve` on a free port with an empty data folder; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = {"CESAR_DATA_DIR": folder, "CESAR_PORT": str(port), "CESAR_ENGINE": "pocketsphinx"}
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
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


if __name__ == "__main__":
    main()
