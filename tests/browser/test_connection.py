"""The page when its connection breaks: it says so, loses nothing, and comes back by itself."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import AUDIO
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

RECORDING = AUDIO / "austen-0890.wav"
SLOW = "segments=30 delay=0.25"
WITHIN = 30_000
"""Milliseconds that a busy machine may take."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that may be killed, whose engine takes as long as the request says."""
    started = RunningServer(tmp_path, engine="tests.fakes.scripted_engine:create", diarize="false").start()
    yield started
    started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(page: Page) -> Page:
    """A page so high that a whole transcript is seen."""
    await page.set_viewport_size({"width": 1000, "height": 3000})
    return page


async def opened(page: Page, server: RunningServer, place: str = "") -> None:
    """The page, live."""
    await page.goto(f"http://127.0.0.1:{server.port}/#/{place}")
    await expect(connection(page)).to_have_attribute("data-state", "live", timeout=WITHIN)


def connection(page: Page) -> Locator:
    """What the page says of its connection."""
    return page.locator("#connection")


async def texts(page: Page) -> list[str]:
    """The transcript as the page shows it."""
    return await page.locator(".segment .words").all_inner_texts()


def lines(number: int) -> list[str]:
    """The first segments of the scripted engine."""
    return [f"Segment number {index}." for index in range(number)]


async def submit(server: RunningServer, script: str) -> str:
    """A Task that does as the script says; its id."""
    (task_id,) = await asyncio.to_thread(server.submit, RECORDING, initial_prompt=script)
    return task_id


async def test_a_killed_server_costs_nothing(page: Page, server: RunningServer) -> None:
    """Server and worker die in mid-task; after a restart the same page, never reloaded, shows the whole transcript."""
    task_id = await submit(server, SLOW)
    await opened(page, server, f"tasks/{task_id}")
    await page.evaluate("window.neverReloaded = true")
    await expect(page.locator(".segment .words").nth(3)).to_be_visible(timeout=WITHIN)
    await asyncio.to_thread(server.kill_all)
    await expect(connection(page)).to_contain_text(re.compile("Reconnecting|Offline"), timeout=WITHIN)
    await expect(connection(page)).to_contain_text("last heard")
    await asyncio.to_thread(server.start)
    await expect(connection(page)).to_have_attribute("data-state", "live", timeout=WITHIN)
    task = await asyncio.to_thread(server.finish, task_id)
    await expect(page.locator(".segment .words")).to_have_count(30, timeout=WITHIN)
    assert await page.evaluate("window.neverReloaded") is True
    assert task["attempt"] == 2
    assert await texts(page) == lines(30)


async def test_a_reload_shows_the_same_task_going_on(page: Page, server: RunningServer) -> None:
    """After a reload in mid-task the text so far is there, and goes on to what it would have been."""
    task_id = await submit(server, SLOW)
    await opened(page, server, f"tasks/{task_id}")
    await expect(page.locator(".segment .words").nth(3)).to_be_visible(timeout=WITHIN)
    before = await texts(page)
    await page.reload()
    await expect(page.locator(".segment .words").nth(len(before) - 1)).to_be_visible(timeout=WITHIN)
    assert (await texts(page))[: len(before)] == before
    await expect(page.locator(".segment .words")).to_have_count(30, timeout=WITHIN)
    assert await texts(page) == lines(30)
    assert page.complaints == []


async def test_without_sockets_the_page_asks_instead(page: Page, server: RunningServer) -> None:
    """Where sockets are blocked the page says "Polling" and shows bar, text and end; when they are let through it is live again."""
    blocked = True

    async def meet(socket: WebSocketRoute) -> None:
        if blocked:
            await socket.close(code=1011)
        else:
            socket.connect_to_server()

    await page.route_web_socket("**/ws*", meet)
    await page.goto(f"http://127.0.0.1:{server.port}/")
    await expect(connection(page)).to_contain_text("Polling", timeout=WITHIN)
    task_id = await submit(server, "segments=12 delay=0.5")
    row = page.locator(f"[data-task='{task_id}']")
    bar = row.get_by_role("progressbar")
    await expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[1-9]\d"), timeout=WITHIN)
    await row.get_by_role("link").click()
    await expect(page.locator(".segment .words").first).to_be_visible(timeout=WITHIN)
    await expect(page.locator(".segment .words")).to_have_count(12, timeout=WITHIN)
    blocked = False
    await expect(connection(page)).to_have_attribute("data-state", "live", timeout=WITHIN)


async def test_a_task_sent_from_elsewhere_appears(page: Page, server: RunningServer) -> None:
    """What somebody else submits is seen, live."""
    await opened(page, server)
    task_id = await submit(server, "segments=3")
    row = page.locator(f"[data-task='{task_id}']")
    await expect(row).to_have_attribute("data-status", "completed", timeout=WITHIN)
    await expect(row).to_contain_text("Segment number 0.")


async def test_a_server_of_another_release_is_noticed(page: Page, server: RunningServer) -> None:
    """A page that was made by another release than the one that now answers says so, and can be reloaded."""
    async with page.expect_response("**/health"):
        await opened(page, server)
    await expect(page.locator(".newer")).to_have_count(0)
    await page.route("**/health", lambda route: route.fulfill(json={"version": "99.0"}))
    await asyncio.to_thread(server.kill_all)
    await asyncio.to_thread(server.start)
    notice = page.locator(".newer")
    await expect(notice).to_contain_text("A new version of the server is running (99.0).", timeout=WITHIN)
    await notice.get_by_role("button", name="Reload the page").click()
    await expect(connection(page)).to_have_attribute("data-state", "live", timeout=WITHIN)
    await expect(notice).to_have_count(0)


async def test_without_a_network_it_says_offline_and_tries_at_once_when_it_is_back(
    context: BrowserContext, page: Page, server: RunningServer
) -> None:
    """The browser's own word on the network is taken."""
    sockets: list[WebSocketRoute] = []

    async def meet(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    await page.route_web_socket("**/ws*", meet)
    await opened(page, server)
    await context.set_offline(True)
    await page.route("**/health/live", lambda route: route.abort())
    await page.route_web_socket("**/ws*", lambda socket: socket.close(code=1011))
    await sockets[-1].close(code=1011)
    await expect(connection(page)).to_have_attribute("data-state", "offline", timeout=WITHIN)
    await page.unroute("**/health/live")
    await page.route_web_socket("**/ws*", meet)
    await context.set_offline(False)
    await expect(connection(page)).to_have_attribute("data-state", "live", timeout=WITHIN)


async def test_a_connection_that_is_open_and_silent_is_called_so(page: Page, server: RunningServer) -> None:
    """It is asked, then called silent, then let go; the next one is live again."""
    mute = False

    async def meet(socket: WebSocketRoute) -> None:
        behind = socket.connect_to_server()
        behind.on_message(lambda message: None if mute else socket.send(message))

    await page.clock.install()
    await page.route_web_socket("**/ws*", meet)
    await opened(page, server)
    mute = True
    for seconds in (36, 5):
        await page.clock.fast_forward(seconds * 1000)
    await expect(connection(page)).to_have_attribute("data-state", "stale")
    await expect(connection(page)).to_contain_text("Silent")
    mute = False
    await page.clock.fast_forward(12_000)
    await expect(connection(page)).to_have_attribute("data-state", "live", timeout=WITHIN)
