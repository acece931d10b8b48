"""The library in a real browser: recordings, their times and tags, copies, imports, exports, and the search over transcripts."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import SMALL
from tests.browser.conftest import AUDIO
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>.wav"
INTERVIEW = "2024-05-06 14.33.21 Interview.wav"
COPY = "copy of interview.wav"
SEEK = """(player, second) => new Promise(done => {
    player.onseeked = done;
    player.onloadedmetadata = () => { player.currentTime = second; };
    player.preload = "metadata";
})"""


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from which the admin allowed to import."""
    folder = tmp_path_factory.mktemp("inbox")
    (folder / "kennedy.flac").write_bytes((AUDIO / "jfk.flac").read_bytes())
    (folder / "notes.txt").write_text("not a recording")
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> Iterator[RunningServer]:
    """A server with an interview, its copy, and a recording whose name is meant to do harm."""
    server = RunningServer(tmp_path_factory.mktemp("library"), import_folders=inbox, timezone="UTC").start()
    sound = (AUDIO / "austen-0880.wav").read_bytes()
    for name, content in ((INTERVIEW, sound), (COPY, sound), (HOSTILE, (AUDIO / "austen-0890.wav").read_bytes())):
        answer = server.http.post("/transcribe", files=[("files", (name, content))], data={"modified": "1714998802000"})
        server.finish(answer.json()["tasks"][0]["id"])
    yield server
    server.close()


async def visit(page: Page, server: RunningServer, path: str) -> None:
    """Go to a place of the page; a missing word would show its key."""
    await page.goto(f"http://127.0.0.1:{server.port}/#{path}")
    await expect(page.get_by_role("status").get_by_text(re.compile("in all|shown|Nothing here")).first).to_be_visible()
    await expect(page.get_by_text(re.compile(r"library\.\w"))).to_have_count(0)


def files(server: RunningServer, **query: object) -> dict[str, dict[str, Any]]:
    """The recordings of a list, by name."""
    return {file["filename"]: file for file in server.http.get("/files", params=query).json()["files"]}


def decisions(server: RunningServer, name: str) -> list[tuple[str, object]]:
    """What was decided about a recording, oldest first."""
    history = server.http.get(f"/files/{files(server, hidden=True)[name]['id']}/decisions").json()["decisions"]
    return [(one["decision_type"], one["decision_value"]) for one in history]


async def test_recordings_are_listed_and_looked_for(page: Page, library: RunningServer) -> None:
    """Each with its time and how sure it is; what is typed narrows the list, and the address remembers it."""
    await visit(page, library, "/library")
    row = page.get_by_role("row").filter(has_text=INTERVIEW)
    await expect(row).to_contain_text("May 6, 2024")
    await expect(row).to_contain_text("uncertain")
    await expect(row.get_by_role("link", name="Transcript 1")).to_have_attribute("href", re.compile(r"#/tasks/\w+"))
    await page.get_by_role("button", name="Choose all shown").click()
    await page.get_by_role("checkbox", name=HOSTILE).uncheck()
    await expect(page.get_by_text("2 recordings chosen")).to_be_visible()
    await page.get_by_label("Name", exact=True).fill("copy")
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.reload()
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(page.get_by_label("Name", exact=True)).to_have_value("copy")
    await page.get_by_role("link", name="Recordings").click()
    await expect(page.get_by_role("row")).to_have_count(4)
    await expect(page.get_by_label("Name", exact=True)).to_have_value("")
    assert page.complaints == []


async def test_a_recording_is_dated_and_tagged(page: Page, library: RunningServer) -> None:
    """The time that somebody sets counts, a tag filters the list, and both are undone where they are listed."""
    await visit(page, library, "/library")
    await page.get_by_role("link", name=HOSTILE).click()
    await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    await page.get_by_label("Tag").fill("garden")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="garden")).to_be_visible()
    await page.get_by_text("What says when it was recorded").click()
    await page.get_by_label("Correct it").fill("2001-02-03T04:05:06")
    await page.get_by_role("button", name="Set").click()
    await expect(page.get_by_text("a person, certain")).to_be_visible()
    assert files(library)[HOSTILE]["effective_timestamp"]["value"].startswith("2001-02-0")
    await page.get_by_text("Decisions").click()
    await page.get_by_role("button", name=re.compile("^Undo: Recorded Feb 3, 2001")).click()
    await expect(page.get_by_text("a person, certain")).to_have_count(0)
    await expect(page.locator("details :focus")).to_have_count(1)
    await page.get_by_label("Tag", exact=True).fill("roof")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Remove: roof").click()
    await expect(page.get_by_role("link", name="roof")).to_have_count(0)
    await expect(page.get_by_role("link", name="garden")).to_be_focused()
    await page.get_by_role("link", name="garden").click()
    await expect(page.get_by_role("row")).to_have_count(2)
    assert [kind for kind, _ in decisions(library, HOSTILE)] == [
        "tag_assignment", "timestamp_override", "timestamp_override", "tag_assignment", "tag_assignment",
    ]  # fmt: skip
    assert page.complaints == []


async def test_copies_are_heard_side_by_side_and_discarded(page: Page, library: RunningServer) -> None:
    """Turning to the other copy stays at the same second; a discarded one leaves the list, with the reason, and comes back."""
    await visit(page, library, "/library/duplicates")
    group = page.get_by_role("region")
    await expect(group).to_contain_text("The same bytes, 100%")
    player = group.locator("audio")
    await player.evaluate(SEEK, 1.5)
    await group.get_by_role("radio").nth(1).check()
    await expect(player).to_have_js_property("currentTime", 1.5)
    await expect(player).to_have_js_property(
        "currentSrc", f"http://127.0.0.1:{library.port}/files/{files(library)[COPY]['id']}/media"
    )
    copy = group.get_by_role("article").filter(has_text=COPY)
    await copy.get_by_label("Reason").fill("the phone’s")
    await page.keyboard.press("Enter")
    await copy.get_by_role("button", name="Discard").click()
    await expect(copy).to_contain_text("Discarded")
    assert COPY not in files(library)
    assert files(library, hidden=True)[COPY]["hidden"]
    await copy.get_by_text("Decisions").click()
    await copy.get_by_role("button", name="Undo: Discarded: the phone’s").click()
    await expect(copy).to_contain_text("Kept")
    assert COPY in files(library)
    assert decisions(library, COPY) == [("discard_duplicate", "the phone’s"), ("keep_duplicate", None)]
    assert page.complaints == []


async def test_a_folder_is_imported_and_transcripts_are_exported(
    page: Page, library: RunningServer, inbox: Path, tmp_path: Path
) -> None:
    """Both are seen to their end without reloading; a folder that nobody allowed is refused in words."""
    await visit(page, library, "/library/jobs")
    folder = page.get_by_label(re.compile("Folder"))
    await folder.fill("/etc")
    await folder.press("Enter")
    await expect(page.get_by_role("main").get_by_text("This folder may not be imported.")).to_be_visible()
    await expect(page.locator("#folders option")).to_have_attribute("value", str(inbox))
    await folder.fill(str(inbox))
    await folder.press("Enter")
    await expect(page.get_by_role("link", name="kennedy.flac")).to_be_visible(timeout=20_000)
    await expect(page.get_by_role("row").filter(has_text="kennedy.flac")).to_contain_text(str(inbox))
    await visit(page, library, "/library/files")
    await page.get_by_role("checkbox", name=INTERVIEW).check()
    await page.get_by_text("Export", exact=True).click()
    await page.get_by_role("checkbox", name="srt").check()
    await page.get_by_role("button", name="Make an archive").click()
    link = page.get_by_role("link", name="Download the archive")
    await expect(link).to_be_visible(timeout=20_000)
    async with page.expect_download() as coming:
        await link.click()
    await (await coming.value).save_as(tmp_path / "bundle.zip")
    assert {Path(name).suffix for name in zipfile.ZipFile(tmp_path / "bundle.zip").namelist()} >= {".txt", ".srt"}
    assert [text for text in page.complaints if "403" not in text] == []


async def test_a_recording_is_deleted_after_a_question(page: Page, library: RunningServer) -> None:
    """What goes and what stays is said first; Escape keeps everything."""
    library.submit(AUDIO / "austen-0870.wav")
    await visit(page, library, "/library/files")
    await page.get_by_role("checkbox", name="austen-0870.wav").check()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("dialog")).to_contain_text("What stays: archives that were exported")
    await page.keyboard.press("Escape")
    assert "austen-0870.wav" in files(library)
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("link", name="austen-0870.wav")).to_have_count(0)
    assert "austen-0870.wav" not in files(library)
    assert page.complaints == []


async def test_all_transcripts_are_searched_as_one_types(page: Page, library: RunningServer) -> None:
    """What was looked for is marked, a hit leads to its second, and what cannot be looked for is told."""
    await page.goto(f"http://127.0.0.1:{library.port}/#/search")
    await page.get_by_label("Search all transcripts").press_sequentially("segment 2", delay=30)
    hits = page.locator(".hits li")
    await expect(hits).to_have_count(3)
    await expect(hits.first.locator("mark")).to_have_text(["Segment", "2"])
    await expect(hits.first.get_by_role("link")).to_have_attribute("href", re.compile(r"#/tasks/[\w-]+\?t=[\d.]+"))
    await page.get_by_label("Search all transcripts").fill("nothing-of-that-kind")
    await expect(page.get_by_text("Nothing here.")).to_be_visible()
    await page.get_by_label("Search all transcripts").fill("!!")
    await page.locator(".problem summary").click()
    await expect(page.get_by_role("main").get_by_text("q needs at least one letter or digit")).to_have_count(1)
    assert [text for text in page.complaints if "400" not in text] == []


async def test_phones_get_cards(page: Page, library: RunningServer) -> None:
    """At 360 px nothing sticks out, and each cell says what it is."""
    await page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/library/files", "/library/duplicates", "/library/jobs"):
        await visit(page, library, path)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await page.evaluate(SMALL) == []
    await visit(page, library, "/library/files")
    cell = page.get_by_role("cell").nth(1)
    assert await cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Name"'
    assert page.complaints == []


async def test_a_recording_is_transcribed_again_and_one_of_its_transcripts_is_exported(
    page: Page, library: RunningServer
) -> None:
    """With options of its own; where there are several transcripts, those that are chosen go into the archive."""
    file = files(library)[INTERVIEW]
    await page.goto(f"http://127.0.0.1:{library.port}/#/library/files/{file['id']}")
    await page.locator(".options summary").click()
    await page.get_by_label("Language").select_option("de")
    await page.get_by_role("button", name="Transcribe again").click()
    await expect(page.locator(".task")).to_have_count(4)
    again = library.http.get("/tasks").json()["tasks"][0]
    assert again["options"]["language"] == "de"
    library.finish(again["id"])
    await page.go_back()
    await page.get_by_text("Export", exact=True).click()
    await expect(page.get_by_role("checkbox", name="Transcript 2")).to_be_checked()
    await page.get_by_role("checkbox", name="Transcript 1").check()
    await page.get_by_role("button", name="Make an archive").click()
    await expect(page.get_by_role("cell", name="2 of 2 · done").first).to_be_visible(timeout=20_000)
    assert page.complaints == []


async def test_tags_that_are_removed_quickly_are_all_gone(page: Page, library: RunningServer) -> None:
    """Who does not wait for the first answer loses nothing, and neither does somebody else who tags meanwhile."""
    file = files(library)[COPY]["id"]
    decide(library, file, ["attic", "barn", "cellar"])
    await page.goto(f"http://127.0.0.1:{library.port}/#/library/files/{file}")
    await expect(page.get_by_role("link", name="cellar")).to_be_visible()
    decide(library, file, ["attic", "barn", "cellar", "theirs"])
    await page.evaluate("""document.querySelectorAll("[aria-label^='Remove: ']").forEach((button) => button.click())""")
    await expect(page.get_by_role("link", name="attic")).to_have_count(0)
    await expect(page.get_by_role("link", name="cellar")).to_have_count(0)
    assert files(library)[COPY]["tags"] == ["theirs"]
    assert page.complaints == []


def decide(server: RunningServer, file: str, tags: list[str]) -> None:
    """Somebody else's tags."""
    ruling = {"decision_type": "tag_assignment", "decision_value": tags}
    assert server.http.post(f"/files/{file}/decisions", json=ruling).status_code == 201
