"""Every view and state of the page, looked at by axe-core: no barrier of weight, nothing too small to press, nothing sticking out."""

import asyncio
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.accessibility import serious
from tests.browser.conftest import AUDIO
from tests.browser.witness import drop, slow_down, wait_for_connection
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

WHOLE = {
    "engine": "tests.fakes.scripted_engine:create_whole",
    "align_model": "tests.fakes.scripted_aligner:create",
    "diarize_model": "tests.fakes.scripted_diarizer:create",
}
LOOKS = [("light", 1280), ("dark", 360)]
"""Both colour schemes, both layouts."""


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from which the admin allowed to import."""
    folder = tmp_path_factory.mktemp("inbox")
    (folder / "kennedy.flac").write_bytes((AUDIO / "jfk.flac").read_bytes())
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> Iterator[RunningServer]:
    """A server whose engine does as the request says."""
    started = RunningServer(tmp_path_factory.mktemp("barriers"), import_folders=inbox, **WHOLE).start()
    yield started
    started.close()


@pytest_asyncio.fixture(loop_scope="session", params=LOOKS, ids=["light", "dark and narrow"])
async def page(page: Page, server: RunningServer, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """The page in one of its looks; what the test `look`s at is asked for barriers, and must have none."""
    scheme, width = request.param
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 800})
    page.base = f"http://127.0.0.1:{server.port}/#"
    page.found = {}
    yield page
    assert page.found == {}


async def look(page: Page, state: str) -> None:
    """Keep what is wrong with the page in this state."""
    found: list[Any] = await serious(page)
    if not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("sideways")
    if found:
        page.found[state] = found


@dataclass(frozen=True)
class Tasks:
    """Ids of a Task of each kind."""

    done: str
    partial: str
    failed: str
    running: str
    file: str


@pytest.fixture(scope="module")
def tasks(server: RunningServer, inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Tasks:
    """A Task of every kind, two of them of the same recording; the one at work stays there."""
    folder = tmp_path_factory.mktemp("recordings")

    def submit(name: str, script: str, *, finish: bool = True) -> str:
        path = folder / name
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, 8_000, 0, "NONE", ""))
            out.writeframes(bytes(2 * 8_000 * 30) + name.encode() * 2)
        (task,) = server.submit(path, initial_prompt=script, diarize="true")
        if finish:
            server.finish(task)
        return task

    done = submit("Interview in the garden.wav", "segments=8 speakers=3")
    submit("Interview in the garden.wav", "segments=2")
    partial = submit("2024-05-06 Kitchen.wav", "segments=4 diarize=hf_token_invalid")
    failed = submit("Tape 3.wav", "raise=out_of_memory")
    running = submit("Under way.wav", "segments=200 delay=3", finish=False)
    submit("Waiting.wav", "segments=1", finish=False)
    cancelled = submit("Second thoughts.wav", "segments=1", finish=False)
    server.http.post(f"/tasks/{cancelled}/cancel")
    file = server.task(done)["file_id"]
    tags = {"decision_type": "tag_assignment", "decision_value": ["garden", "oral history"]}
    assert server.http.post(f"/files/{file}/decisions", json=tags).status_code < 300
    assert server.http.post("/jobs", json={"job_type": "import", "folder": str(inbox)}).status_code < 300
    return Tasks(done, partial, failed, running, file)


async def test_while_there_is_nothing(page: Page) -> None:
    """Before the first recording."""
    words = "Nothing here"
    for path in ("/", "/library/files", "/library/duplicates", "/library/jobs", "/search?q=nothing"):
        await page.goto(page.base + path)
        await expect(page.get_by_text(words).first).to_be_visible()
        await look(page, f"empty {path}")


async def test_the_queue(page: Page, tasks: Tasks) -> None:
    """Rows of every kind, uploads on their way, options, a message, the help, and no connection."""
    await page.goto(page.base + "/")
    await wait_for_connection(page, "live")
    await page.locator(f"[data-task='{tasks.running}'] .preview").wait_for()
    await page.locator(".problem summary").first.click()
    await page.get_by_text("Options").first.click()
    await look(page, "rows and options")
    await slow_down(page, 20_000)
    await drop(page, *[(f"On its way {number}.flac", (AUDIO / "jfk.flac").read_bytes()) for number in range(3)])
    await expect(page.get_by_text("Uploading", exact=True).first).to_be_visible()
    await look(page, "uploading")
    await page.get_by_role("button", name="Cancel all").first.click()
    await page.get_by_role("button", name="Delete: Second thoughts.wav").click()
    await page.get_by_role("button", name="Undo").focus()  # then it stays
    await look(page, "a message")
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("button", name="Keyboard shortcuts").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await look(page, "help")


async def test_without_a_server(page: Page, tasks: Tasks) -> None:
    """Neither socket nor answers."""
    sockets: list[WebSocketRoute] = []

    def meet(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    await page.route_web_socket("**/ws*", meet)
    await page.goto(page.base + "/")
    await wait_for_connection(page, "live")
    await page.context.set_offline(True)  # sockets that are open stay so by themselves
    for socket in sockets:
        await socket.close(code=1011)
    await wait_for_connection(page, "offline")
    await look(page, "away")


async def test_transcripts(page: Page, server: RunningServer, tasks: Tasks) -> None:
    """Growing, whole, without speakers, failed."""
    for name in ("running", "partial", "done"):
        await page.goto(f"{page.base}/tasks/{getattr(tasks, name)}")
        await page.locator(".segment").first.wait_for()
        await page.evaluate("scrollTo(0, 0)")  # a row that is half under the player is no target
        await look(page, f"transcript {name}")
    await page.goto(f"{page.base}/tasks/{tasks.failed}")
    await page.locator(".problem").wait_for()
    await look(page, "transcript failed")


async def test_a_transcript_being_worked_on(page: Page, server: RunningServer, tasks: Tasks) -> None:
    """Found in, written in, with its dialogs, and with somebody else's words beside one's own."""
    await page.goto(f"{page.base}/tasks/{tasks.done}")
    await expect(page.locator(".saved")).to_have_text("Saved")
    await page.keyboard.press("Control+f")
    await page.keyboard.type("number")
    await expect(page.locator(".find [role=status]")).to_contain_text("1 of")
    await look(page, "find")
    await page.keyboard.press("Escape")
    for dialog in ("Speakers", "Export"):
        await page.get_by_role("button", name=dialog, exact=True).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await look(page, dialog)
        await page.keyboard.press("Escape")
    await asyncio.to_thread(overwrite, server, tasks.done, f"Theirs, at {page.viewport_size['width']} px.")
    await page.locator("[data-index='3'] p.words").dblclick()
    await page.locator("[data-index='3'] textarea").fill("Mine.")
    await expect(page.locator(".conflict")).to_be_visible()
    await look(page, "conflict")
    await page.get_by_role("button", name="Take theirs").click()


def overwrite(server: RunningServer, task: str, text: str) -> None:
    """Somebody else's edit of the fourth segment."""
    whole = server.http.get(f"/tasks/{task}/transcript")
    path = f"/tasks/{task}/segments/{whole.json()['segments'][3]['id']}"
    assert server.http.patch(path, json={"text": text}, headers={"If-Match": whole.headers["etag"]}).status_code == 200


async def test_the_library(page: Page, tasks: Tasks) -> None:
    """Lists, one recording with everything folded out, copies, errands, a question, hits."""
    await page.goto(f"{page.base}/library/files")
    await page.get_by_role("button", name="Choose all shown").click()
    await page.locator("main").get_by_text("Export", exact=True).click()
    await look(page, "recordings, chosen")
    await page.locator("main").get_by_role("button", name="Delete").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await look(page, "a question")
    await page.keyboard.press("Escape")
    places = {
        f"/library/files/{tasks.file}": "dl",
        "/library/duplicates": "section audio",
        "/library/jobs": "progress",
        "/search?q=segment": ".hits li",
    }
    for path, ready in places.items():
        await page.goto(page.base + path)
        await page.locator(f"main {ready}").first.wait_for()
        await page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        await look(page, path)
