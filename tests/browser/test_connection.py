"""The page when its connection breaks: it says so, loses nothing, and comes back by itself."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import AUDIO, Server
from tests.browser.witness import (
    bar_of,
    drop,
    drop_recording,
    row_of,
    slow_down,
    text_of,
    wait_for_connection,
    wait_for_status,
    wait_for_text,
)

pytestmark = pytest.mark.browser


async def test_a_killed_server_costs_nothing(page: Page, own_server: Server, long_recording: Path) -> None:
    """Server and worker die in mid-task; after a restart the same page, never reloaded, shows the whole transcript."""
    await page.goto(own_server.url)
    await page.evaluate("window.neverReloaded = true")
    row = await drop_recording(page, long_recording)
    await wait_for_text(row)
    await asyncio.to_thread(own_server.kill)
    await wait_for_connection(page, "reconnecting")
    await expect(page.locator("#connection")).to_contain_text("Reconnecting")
    await asyncio.to_thread(own_server.start)
    await wait_for_connection(page, "live")
    await wait_for_status(row, "completed")
    assert await page.evaluate("window.neverReloaded") is True
    task = (await asyncio.to_thread(own_server.get, "/tasks"))["tasks"][0]
    assert task["attempt"] == 2
    assert (await text_of(row)).split() == task["result_text"].split()


async def test_a_reload_shows_the_same_task_going_on(page: Page, own_server: Server, long_recording: Path) -> None:
    """After a reload in mid-task the bar stands where it stood, the text so far is there, and both go on."""
    await page.goto(own_server.url)
    row = await drop_recording(page, long_recording)
    await wait_for_text(row)
    before, words = await bar_of(row), await text_of(row)
    await page.reload()
    await wait_for_text(row)
    assert await bar_of(row) >= before
    assert (await text_of(row)).startswith(words)
    await wait_for_status(row, "completed")
    assert page.complaints == []


async def test_without_sockets_the_page_asks_instead(page: Page, server: Server) -> None:
    """Where sockets are blocked the page says "Polling" and shows bar, text and end; when they are let through it is live again."""
    blocked = True

    async def meet(socket: WebSocketRoute) -> None:
        if blocked:
            await socket.close(code=1011)
        else:
            socket.connect_to_server()

    await page.route_web_socket("**/ws*", meet)
    await page.goto(server.url)
    await wait_for_connection(page, "polling")
    await expect(page.locator("#connection")).to_contain_text("Polling")
    await drop(page, ("asked for.flac", (AUDIO / "jfk.flac").read_bytes()))
    row = row_of(page, "asked for.flac")
    await wait_for_status(row, "completed")
    assert "country" in await text_of(row)
    assert max(await page.evaluate("window.witnessed.percentages")) > 10
    blocked = False
    await wait_for_connection(page, "live")


async def test_an_upload_that_was_cut_off_is_sent_again(page: Page, own_server: Server) -> None:
    """The server dies while the bytes travel; after its restart the page sends them again, and one Task comes of it."""
    await page.goto(own_server.url)
    await wait_for_connection(page, "live")
    await slow_down(page, 400_000)
    await drop(page, ("cut off.flac", (AUDIO / "jfk.flac").read_bytes()))
    await page.locator(".upload .detail", has_text="of 1.2 MB").wait_for()
    await asyncio.to_thread(own_server.kill)
    await expect(page.locator(".upload .problem")).to_contain_text("sent again by itself")
    await asyncio.to_thread(own_server.start)
    await wait_for_status(row_of(page, "cut off.flac"), "completed")
    assert (await asyncio.to_thread(own_server.get, "/tasks"))["total"] == 1


async def test_a_task_sent_from_elsewhere_appears(context: BrowserContext, page: Page, server: Server) -> None:
    """What one window submits is seen, live, in another."""
    await page.goto(server.url)
    await wait_for_connection(page, "live")
    other = await context.new_page()
    await other.goto(server.url)
    await drop(other, ("from elsewhere.wav", (AUDIO / "austen-0890.wav").read_bytes()))
    row = row_of(page, "from elsewhere.wav")
    await wait_for_status(row, "completed")
    await wait_for_text(row)
