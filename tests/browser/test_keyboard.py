"""The whole way of a recording by keyboard alone: nothing is dropped, nothing is clicked, and where one is can be seen at every step."""

import re
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.witness import reach, row_of, wait_for_connection, wait_for_status
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

NAME = "interview.wav"
WHOLE = {
    "engine": "tests.fakes.scripted_engine:create_whole",
    "align_model": "tests.fakes.scripted_aligner:create",
    "diarize_model": "tests.fakes.scripted_diarizer:create",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server whose transcripts have words and speakers."""
    started = RunningServer(tmp_path, diarize="true", **WHOLE).start()
    yield started
    started.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Half a minute of silence."""
    path = tmp_path / NAME
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", ""))
        out.writeframes(bytes(2 * 8_000 * 30))
    return path


async def test_from_the_file_to_the_library_and_back(page: Page, server: RunningServer, recording: Path) -> None:
    """Chosen, followed, opened, played, corrected, a speaker named, exported, tagged."""
    await send(page, server, recording)
    await correct(page)
    await take_away(page)
    await tag(page)
    await reach(page, "Queue")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"#/$"))
    await expect(row_of(page, NAME)).to_be_visible()
    assert page.complaints == []


async def send(page: Page, server: RunningServer, recording: Path) -> None:
    """Choose the recording, wait for its end, open the transcript."""
    await page.goto(f"http://127.0.0.1:{server.port}/")
    await wait_for_connection(page, "live")
    await reach(page, "Choose files")
    async with page.expect_file_chooser() as chooser:
        await page.keyboard.press("Enter")
    await (await chooser.value).set_files(recording)
    await wait_for_status(row_of(page, NAME), "completed")
    await reach(page, NAME)
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await expect(page.locator(".saved")).to_have_text("Saved")


async def correct(page: Page) -> None:
    """Play and stop, write in a segment, give a speaker a name."""
    await reach(page, "Play")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Pause", exact=True)).to_be_focused()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Play", exact=True)).to_be_focused()

    await reach(page, "Edit the words at 0:10")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-index='1'] textarea")).to_be_focused()
    await page.keyboard.press("End")
    await page.keyboard.type(" And more.")
    await page.keyboard.press("Escape")
    words = page.locator("[data-index='1'] p.words")
    await expect(words).to_have_text("Segment number 1. And more.")
    await expect(page.locator(".saved")).to_have_text("Saved")

    await reach(page, "Speakers")
    await page.keyboard.press("Enter")
    await reach(page, "SPEAKER_01")
    await page.keyboard.type("Ada")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Speakers", exact=True)).to_be_focused()
    await expect(page.locator("[data-index='1'] b")).to_have_text("Ada")


async def take_away(page: Page) -> None:
    """Download it as text."""
    await reach(page, "Export")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").locator("pre")).to_contain_text("Ada: Segment number 1. And more.")
    await reach(page, "Download")
    async with page.expect_download() as download:
        await page.keyboard.press("Enter")
    assert (await download.value).suggested_filename == "interview.txt"
    await page.keyboard.press("Escape")


async def tag(page: Page) -> None:
    """Find the recording in the library and put a word on it."""
    await reach(page, "Library")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name=NAME)).to_be_visible()
    await reach(page, NAME, kind="a")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    await reach(page, "Tag")
    await page.keyboard.type("garden")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="garden", exact=True)).to_be_visible()
