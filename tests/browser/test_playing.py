"""Recordings in a real browser: played, and sought in before all of it is there."""

import wave
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Page

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

SECONDS = 900
SEEK = """
async ([source, to]) => {
    const player = new Audio(source);
    player.preload = "metadata";
    const told = (name) => new Promise((done, failed) => {
        player.addEventListener(name, done, {once: true});
        player.addEventListener("error", () => failed(player.error.message), {once: true});
    });
    await told("loadedmetadata");
    const seeked = told("seeked");
    player.currentTime = to;
    await seeked;
    return {duration: player.duration, at: player.currentTime, seekable: player.seekable.end(0)};
}
"""


async def test_a_browser_seeks_in_a_recording(page: Page, server: Server, tmp_path: Path) -> None:
    """It jumps near the end of a quarter of an hour with a range that begins there, and stands there."""
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(2 * 16_000 * SECONDS))
    await page.goto(server.url)
    async with httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
        answer = await client.post("/transcribe", files=[("files", (path.name, path.read_bytes()))])
    file = answer.json()["tasks"][0]["file_id"]
    ranges: list[tuple[str, int]] = []
    page.on("response", lambda got: ranges.append((got.request.headers.get("range", ""), got.status)))
    seen = await page.evaluate(SEEK, [f"/files/{file}/media", SECONDS - 10])
    assert seen == {"duration": SECONDS, "at": SECONDS - 10, "seekable": SECONDS}
    begins = [int(asked.removeprefix("bytes=").partition("-")[0]) for asked, status in ranges if status == 206]
    assert max(begins) > path.stat().st_size * 0.9
    assert page.complaints == []
