"""The frame of the page in a real browser: dialogs, shortcuts, second thoughts, and what is told to those who look elsewhere."""

import asyncio
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.conftest import AUDIO
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

RECORDING = AUDIO / "austen-0890.wav"
WITHIN = 30_000
HEARD = "p[role=status].visually-hidden"
UNDO_FOR = 8_000

LOOK_AWAY = "window.away = false; Object.defineProperty(document, 'hidden', { get: () => window.away })"
"""A tab that can be looked away from, which headless browsers otherwise are not."""

NOTIFICATIONS = """
window.shown = [];
window.Notification = class {
  static permission = "default";
  static requestPermission = async () => (Notification.permission = "granted");
  constructor(title, { body }) { window.shown.push([title, body]); }
};
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose engine does as the request says."""
    started = RunningServer(
        tmp_path_factory.mktemp("shell"), engine="tests.fakes.scripted_engine:create", diarize="false"
    ).start()
    yield started
    started.close()


LISTEN = """() => {
  window.heard = [];
  const place = document.querySelector("p[role=status].visually-hidden");
  const note = () => window.heard.push([performance.now(), place.textContent]);
  new MutationObserver(note).observe(place, { childList: true, characterData: true, subtree: true });
}"""


async def submit(server: RunningServer, script: str = "segments=3") -> str:
    """A Task that does as the script says; its id."""
    (task_id,) = await asyncio.to_thread(server.submit, RECORDING, initial_prompt=script)
    return task_id


async def opened(page: Page, server: RunningServer, place: str = "") -> None:
    """The page, live, with what accompanies it: keys, messages, the screen reader's sentences."""
    await page.goto(f"http://127.0.0.1:{server.port}/#/{place}")
    await whole(page)


async def whole(page: Page) -> None:
    """Wait for the connection, and for what is fetched when the browser has nothing better to do."""
    await page.locator("#connection[data-state=live]").wait_for(timeout=WITHIN)
    await page.locator(HEARD).wait_for(timeout=WITHIN, state="attached")


async def finished(page: Page, server: RunningServer) -> str:
    """A finished Task in its row; its id."""
    task_id = await submit(server)
    await page.locator(f"[data-task='{task_id}'][data-status=completed]").wait_for(timeout=WITHIN)
    return task_id


async def test_the_help_lists_shortcuts_and_turns_them_off_for_good(page: Page, server: RunningServer) -> None:
    """`?` opens it, Escape closes it and gives the focus back; switched off, keys do nothing, also after a reload."""
    await opened(page, server)
    opener = page.get_by_role("button", name="Keyboard shortcuts")
    await opener.focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    await page.get_by_label("Use keyboard shortcuts").uncheck()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.reload()
        await whole(page)
    await opener.click()
    await page.get_by_label("Use keyboard shortcuts").check()
    assert page.complaints == []


async def test_a_part_that_cannot_be_fetched_says_so_and_is_fetched_again(page: Page, server: RunningServer) -> None:
    """The transcript comes while nobody waits; where it could not be had, there are words and another try."""
    await page.route("**/js/library/view.js", lambda route: route.abort())
    async with page.expect_request("**/js/transcript/view.js"):
        await opened(page, server)
    await page.get_by_role("link", name="Library").click()
    missing = page.get_by_role("alert")
    await expect(missing).to_contain_text("The server cannot be reached.")
    await page.unroute("**/js/library/view.js")
    await missing.get_by_role("button", name="Try now").click()
    await expect(missing).to_have_count(0)
    await expect(page.locator("#main")).not_to_be_empty()


async def test_a_key_typed_into_a_field_is_only_a_letter(page: Page, server: RunningServer) -> None:
    """Shortcuts keep out of what is written."""
    await opened(page, server)
    await page.locator("#url").press("?")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator("#url")).to_have_value("?")


async def test_a_deleted_task_can_be_taken_back_and_is_deleted_otherwise(page: Page, server: RunningServer) -> None:
    """The row goes at once; Undo brings it back; without it, the server forgets the Task when the message has gone."""
    await opened(page, server)
    task_id = await finished(page, server)
    row = page.locator(f"[data-task='{task_id}']")
    await row.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row).to_be_visible()
    assert (await asyncio.to_thread(server.task, task_id))["status"] == "completed"
    await row.get_by_role("button", name="Delete").click()
    await page.mouse.move(0, 0)
    await expect(page.get_by_role("button", name="Undo")).to_have_count(0, timeout=UNDO_FOR + 5_000)
    await expect(row).to_have_count(0)
    async with asyncio.timeout(WITHIN / 1000):
        while (await asyncio.to_thread(server.http.get, f"/tasks/{task_id}")).status_code != 404:
            await asyncio.sleep(0.1)


async def test_what_was_deleted_is_deleted_when_the_page_is_closed(page: Page, server: RunningServer) -> None:
    """Nobody waits for a message on a page that is gone."""
    await opened(page, server)
    task_id = await finished(page, server)
    await page.locator(f"[data-task='{task_id}']").get_by_role("button", name="Delete").click()
    await page.goto("about:blank")
    for _ in range(50):
        answer = await asyncio.to_thread(server.http.get, f"/tasks/{task_id}")
        if answer.status_code == 404:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the Task is still there")


async def test_whoever_looks_elsewhere_is_told_of_the_end(page: Page, server: RunningServer) -> None:
    """The permission is asked on a click; a Job that ends while the tab is hidden is told, and counted in the title until it is seen."""
    await page.add_init_script(LOOK_AWAY)
    await page.add_init_script(NOTIFICATIONS)
    await opened(page, server)
    await page.get_by_role("button", name="Tell me when a job is done").click()
    await expect(page.get_by_role("button", name="Tell me when a job is done")).to_have_count(0)
    await page.evaluate("window.away = true")
    await submit(server, "segments=4 delay=0.4")
    await expect(page).to_have_title(re.compile("%"), timeout=WITHIN)
    await expect(page).to_have_title(re.compile(r"^\(1\)"), timeout=WITHIN)
    assert await page.evaluate("window.shown") == [["The transcript is ready", "austen-0890.wav"]]
    await page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page).to_have_title("Cesar")


async def test_a_screen_reader_hears_of_it_at_most_every_two_seconds(page: Page, server: RunningServer) -> None:
    """Start and end of a Task are said; what comes up in between waits its turn."""
    await opened(page, server)
    await page.evaluate(LISTEN)
    await submit(server, "segments=8 delay=0.6")
    await expect(page.locator(HEARD)).to_contain_text("done", timeout=WITHIN)
    heard: list[list[Any]] = await page.evaluate("window.heard")
    assert all(later[0] - earlier[0] > 1_900 for earlier, later in itertools.pairwise(heard))
    assert any("at work" in text for _, text in heard)


async def test_a_failure_is_told_with_its_remedy_and_can_be_copied(
    context: BrowserContext, page: Page, server: RunningServer
) -> None:
    """Words and remedy are seen; code and detail are folded away, and on the clipboard after a click."""
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await opened(page, server)
    task_id = await submit(server, "raise=out_of_memory")
    problem = page.locator(f"[data-task='{task_id}'] .problem")
    await expect(problem.locator(".problem-message")).to_be_visible(timeout=WITHIN)
    facts = problem.locator(".problem-facts")
    await expect(facts).to_be_hidden()
    await problem.get_by_text("Details").click()
    await expect(facts).to_contain_text("out_of_memory")
    await problem.get_by_role("button", name="Copy").click()
    await expect(problem.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert "out_of_memory" in copied
    assert (await problem.locator(".problem-message").inner_text()) in copied


async def test_the_skip_link_leads_past_the_head(page: Page, server: RunningServer) -> None:
    """The first stop of the keyboard; it stays where it is in the address."""
    await opened(page, server, "library")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("#/library")


async def test_another_view_begins_at_its_top_and_the_first_is_found_where_it_was(
    page: Page, server: RunningServer
) -> None:
    """Following a link moves the focus into the new view; coming back finds the old place."""
    await page.set_viewport_size({"width": 800, "height": 400})
    await opened(page, server)
    for _ in range(6):
        await finished(page, server)
    link = page.locator("[data-task] h3 a").nth(4)
    await link.click()
    await expect(page.locator("#main")).to_be_focused()
    assert await page.evaluate("scrollY") == 0
    await page.go_back()
    await expect(link).to_be_in_viewport()
    assert page.complaints == []


async def test_the_title_of_the_tab_says_where_one_is(page: Page, server: RunningServer) -> None:
    """Several transcripts in several tabs are told apart."""
    await opened(page, server)
    task_id = await finished(page, server)
    await page.get_by_role("link", name="Library").click()
    await expect(page).to_have_title("Library · Cesar")
    await page.goto(f"http://127.0.0.1:{server.port}/#/tasks/{task_id}")
    await expect(page).to_have_title(f"{RECORDING.name} · Cesar")


async def test_pictures_are_part_of_the_page(page: Page, server: RunningServer) -> None:
    """None has to be fetched when it is first shown: the server may be away by then."""
    await opened(page, server)
    await finished(page, server)
    shown = await page.evaluate("[...document.querySelectorAll('use')].map((use) => use.href.baseVal)")
    assert shown
    assert [name for name in shown if await page.locator(f"symbol{name}").count() != 1] == []
