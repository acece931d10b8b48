"""One afternoon with five recordings: everything that can break does, and the page ends as the server says."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Server
from tests.browser.witness import DONE_WITHIN, drop, row_of, wait_for_connection, wait_for_status

pytestmark = pytest.mark.browser

SPEECH = Path(__file__).parent.parent / "fixtures" / "speech"
SHORT = sorted(SPEECH.glob("single-*.wav"))


@pytest.mark.timeout(300)
async def test_five_recordings_survive_everything(page: Page, own_server: Server, long_recording: Path) -> None:
    """Sent together; server and worker are killed in mid-work; reloaded with sockets blocked; all end well, and as the server tells."""
    recordings = [long_recording, *SHORT]
    blocked = False

    async def meet(socket: WebSocketRoute) -> None:
        if blocked:
            await socket.close(code=1011)
        else:
            socket.connect_to_server()

    await page.route_web_socket("**/ws*", meet)
    await page.goto(own_server.url)
    await wait_for_connection(page, "live")
    await drop(page, *[(path.name, path.read_bytes()) for path in recordings])
    await until(lambda: all_sent(own_server, len(recordings)))
    await wait_for_status(row_of(page, long_recording.name), "processing")
    await row_of(page, long_recording.name).locator(".preview").wait_for(timeout=DONE_WITHIN)

    await asyncio.to_thread(own_server.kill)
    await expect(page.locator("#connection")).not_to_have_attribute("data-state", "live", timeout=DONE_WITHIN)
    await expect(page.locator("[data-task]")).to_have_count(len(recordings))
    blocked = True
    await asyncio.to_thread(own_server.start)
    await page.reload()
    await wait_for_connection(page, "polling")
    for path in recordings:
        await wait_for_status(row_of(page, path.name), "completed")
    await as_told(page, own_server, recordings)

    blocked = False
    await wait_for_connection(page, "live")
    await as_told(page, own_server, recordings)
    assert await page.evaluate("window.witnessed.violations") == []


def tasks(server: Server) -> list[dict[str, Any]]:
    """Every Task as the server tells it, with its text."""
    return [server.get(f"/tasks/{task['id']}") for task in server.get("/tasks")["tasks"]]


def all_sent(server: Server, count: int) -> bool:
    """Whether every byte of every recording has arrived."""
    told = tasks(server)
    return len(told) == count and not any(task["uploading"] for task in told)


async def until(condition: Callable[[], bool]) -> None:
    """Ask until it holds. Raises `TimeoutError`."""
    async with asyncio.timeout(DONE_WITHIN / 1000):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.1)


async def as_told(page: Page, server: Server, recordings: list[Path]) -> None:
    """Each row shows the status, the name and the first words of the server's Task; one had to begin again."""
    told = await asyncio.to_thread(tasks, server)
    assert {task["filename"] for task in told} == {path.name for path in recordings}
    assert max(task["attempt"] for task in told) == 2
    for task in told:
        row = page.locator(f"[data-task='{task['id']}']")
        await expect(row).to_have_attribute("data-status", task["status"])
        await expect(row.locator(".task-name")).to_have_text(task["filename"])
        shown = await row.locator(".preview").inner_text()
        assert shown
        assert task["result_text"].startswith(shown.removesuffix("…"))
