"""How much of a browser's time the page takes while much happens, and what it keeps in place meanwhile."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.conftest import AUDIO
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

TASKS = 30
SECONDS = 10
EVENTS_A_SECOND = 50
MOST_BUSY = 0.30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose worker does nothing, so that all Tasks stay unfinished."""
    started = RunningServer(tmp_path_factory.mktemp("busy"), engine="tests.fakes.scripted_engine:create").start()
    yield started
    started.close()


async def test_fifty_events_a_second_leave_the_browser_time(page: Page, server: RunningServer) -> None:
    """The main thread computes for less than a third of the time; the focused button is still the same element."""
    recording = AUDIO / "austen-0890.wav"
    ids = [(await asyncio.to_thread(server.submit, recording, initial_prompt="hang"))[0] for _ in range(TASKS)]
    sockets: list[WebSocketRoute] = []

    async def meet(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    await page.route_web_socket("**/ws*", meet)
    await page.goto(f"http://127.0.0.1:{server.port}/")
    await expect(page.locator("[data-task]")).to_have_count(TASKS, timeout=30_000)
    button = page.locator(f"[data-task='{ids[3]}'] .task-actions button").first
    await button.evaluate("element => { element.focus(); window.held = element; }")
    line = await page.context.new_cdp_session(page)
    await line.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = await computed(line)
    began = time.monotonic()
    for number in range(SECONDS * EVENTS_A_SECOND):
        sockets[-1].send(json.dumps([progress(ids[number % TASKS], number)]))
        await asyncio.sleep(max(0, began + (number + 1) / EVENTS_A_SECOND - time.monotonic()))
    busy = (await computed(line) - before) / (time.monotonic() - began)
    assert busy <= MOST_BUSY, f"{busy:.0%}"
    assert await page.evaluate("document.activeElement === window.held")
    assert page.complaints == []


def progress(task_id: str, number: int) -> dict[str, Any]:
    """One progress event, newer than whatever the server said."""
    part = number * 100 // (SECONDS * EVENTS_A_SECOND)
    bar = {"stage": "transcribing", "percentage": 10 + part * 3 // 10, "stage_percentage": part, "message": ""}
    rest = {"eta_seconds": 60.0, "stalled": False, "timestamp": "2026-01-01T00:00:00+00:00"}
    return {"type": "progress", "task_id": task_id, "seq": 1_000 + number, **bar, **rest}


async def computed(line: Any) -> float:
    """Seconds for which the page's main thread has computed so far."""
    metrics = (await line.send("Performance.getMetrics"))["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "TaskDuration")
