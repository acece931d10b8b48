"""The queue in a real browser: recordings sent in pieces, together, cut off and continued; rows, batches, order, duplicates."""

import asyncio
import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import AUDIO
from tests.browser.witness import drop, row_of, slow_down, wait_for_connection, wait_for_status
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

SLOW = 400_000
"""Bytes per second at which an upload can be watched."""

LIST_CHANGES = """
() => {
  window.changed = new Set();
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const part = (target.nodeType === 1 ? target : target.parentElement)?.closest(".meter, .preview, .task-head, .tasks");
      window.changed.add(part?.className);
    }
  }).observe(document.querySelector(".tasks"), { subtree: true, childList: true, attributes: true, characterData: true });
}
"""
PASTE = """
(text) => {
  const goods = new DataTransfer();
  goods.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: goods, bubbles: true }));
}
"""
DRAG = """
([type, isWithin]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["x"], "x.wav"));
  const relatedTarget = isWithin ? document.querySelector("h1") : null;
  const event = new DragEvent(type, { dataTransfer, relatedTarget, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
  return event.defaultPrevented;
}
"""
Tone = Callable[[str], Path]


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose engine does as the request says."""
    server = RunningServer(tmp_path_factory.mktemp("queue"))
    server.start()
    yield server
    server.close()


@pytest.fixture
def tone(tmp_path: Path) -> Tone:
    """Ten seconds of silence under a name; no two are the same bytes."""

    def make(name: str) -> Path:
        path = tmp_path / name
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, 8_000, 0, "NONE", ""))
            out.writeframes(bytes(2 * 8_000 * 10) + name.encode() * 2)
        return path

    return make


async def visit(page: Page, server: RunningServer, path: str = "") -> None:
    """The queue, connected."""
    await page.goto(f"http://127.0.0.1:{server.port}/{path}")
    await wait_for_connection(page, "live")


def action(page: Page, words: str, name: str) -> Locator:
    """A button of the row of this name."""
    return page.get_by_role("button", name=f"{words}: {name}", exact=True)


def percent_of(row: Locator) -> Locator:
    """What the row says of how far it is."""
    return row.locator(".percent")


async def test_files_dropped_together_are_a_batch_and_keep_their_rows(
    page: Page, scripted: RunningServer, tone: Tone
) -> None:
    """Each row is the same element from the first byte to the end; the head of the batch counts; two are sent at a time."""
    await visit(page, scripted)
    await slow_down(page, SLOW // 4)
    together = [tone(f"together {number}.wav") for number in range(4)]
    await drop(page, *[(path.name, path.read_bytes()) for path in together])
    rows = page.locator("li:has(> article)", has_text="together")
    await expect(rows).to_have_count(4)
    await expect(page.locator(".batch")).to_contain_text("4 recordings sent together")
    await page.evaluate(
        "document.querySelectorAll('li:has(> article)').forEach((row) => (row.marked = row.innerText.slice(0, 14)))"
    )
    await expect(page.get_by_text("Uploading", exact=True)).to_have_count(2)
    await expect(page.get_by_text("Waiting to be sent")).to_have_count(2)
    for path in together:
        await wait_for_status(row_of(page, path.name), "completed")
    await expect(page.locator(".batch")).to_contain_text("4 of 4 finished")
    marks = await rows.evaluate_all("(rows) => rows.map((row) => row.marked === row.innerText.slice(0, 14))")
    assert marks == [True] * 4
    assert page.complaints == []


async def test_an_upload_is_paused_and_goes_on(page: Page, scripted: RunningServer) -> None:
    """Paused it stands still; then it goes on from there, and one Task comes of it."""
    await visit(page, scripted)
    await slow_down(page, SLOW)
    name = "paused.flac"
    await drop(page, (name, (AUDIO / "jfk.flac").read_bytes()))
    row = row_of(page, name)
    await expect(percent_of(row)).to_have_text(re.compile(r"[1-9]\d%"))
    await action(page, "Pause", name).click()
    await expect(row).to_contain_text("Upload paused")
    before = await percent_of(row).inner_text()
    await page.wait_for_timeout(600)
    assert await percent_of(row).inner_text() == before
    await action(page, "Go on", name).click()
    await wait_for_status(row, "completed")
    assert page.complaints == []


async def test_an_upload_survives_the_death_of_the_server(page: Page, tmp_path: Path) -> None:
    """The server is killed while bytes travel; when it is back the upload goes on by itself with what is missing."""
    server = RunningServer(tmp_path).start()
    try:
        await visit(page, server)
        await slow_down(page, SLOW)
        sent: list[int] = []
        page.on(
            "request", lambda request: request.method == "PATCH" and sent.append(int(request.headers["upload-offset"]))
        )
        await drop(page, ("cut off.flac", (AUDIO / "jfk.flac").read_bytes()))
        row = row_of(page, "cut off.flac")
        await expect(percent_of(row)).to_have_text(re.compile(r"[3-9]\d%"))
        await asyncio.to_thread(server.kill)
        await expect(row).to_contain_text("Upload interrupted; it goes on by itself", timeout=30_000)
        await asyncio.to_thread(server.start)
        await wait_for_status(row, "completed")
        assert max(sent) > 0
        (task,) = server.http.get("/tasks").json()["tasks"]
        assert task["attempt"] == 1
    finally:
        server.close()


async def test_after_a_reload_the_file_is_chosen_again(page: Page, scripted: RunningServer, tmp_path: Path) -> None:
    """What was begun waits; another file is refused in words, the same one goes on from where it stood."""
    path, other = tmp_path / "chosen again.flac", tmp_path / "other.flac"
    path.write_bytes((AUDIO / "jfk.flac").read_bytes())
    other.write_bytes(bytes(1000))
    await visit(page, scripted)
    await slow_down(page, SLOW)
    await page.locator("input[type=file]").first.set_input_files(path)
    row = row_of(page, path.name)
    await expect(percent_of(row)).to_have_text(re.compile(r"[3-9]\d%"))
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.reload()
    await expect(row).to_contain_text("Not all of it is here")
    begun: list[int] = []
    page.on(
        "request", lambda request: request.method == "PATCH" and begun.append(int(request.headers["upload-offset"]))
    )
    await row.locator("input[type=file]").set_input_files(other)
    await expect(row.locator(".problem")).to_contain_text("This is another file than the one that was begun.")
    await row.locator("input[type=file]").set_input_files(path)
    await wait_for_status(row, "completed")
    assert begun[0] > 100_000
    await expect(row.locator(".problem")).to_have_count(0)


async def test_a_folder_gives_its_recordings(page: Page, scripted: RunningServer, tone: Tone) -> None:
    """What is no recording is left out, and that is said."""
    folder = tone("from folder 1.wav").parent
    tone("from folder 2.wav")
    (folder / "notes.txt").write_text("no recording")
    (folder / "._from folder 1.wav").write_text("what a Mac leaves behind")
    await visit(page, scripted)
    await page.locator("input[webkitdirectory]").set_input_files(folder)
    for number in (1, 2):
        await wait_for_status(row_of(page, f"from folder {number}.wav"), "completed")
    await expect(page.locator(".toasts")).to_contain_text("2 files of the folder are no recordings and were left out.")
    assert page.complaints == []


async def test_what_is_refused_does_not_hold_up_the_others(page: Page, scripted: RunningServer, tone: Tone) -> None:
    """The others are one batch all the same; the refusal is told where recordings come in, under the file's name."""
    await visit(page, scripted)
    names = ("taken 1.wav", "taken 2.wav")
    first, second = ((name, tone(name).read_bytes()) for name in names)
    await drop(page, first, ("letter.pdf", b"%PDF"), second)
    told = page.locator(".intake .problem-message")
    await expect(told).to_have_text("letter.pdf: Files of this kind are not accepted.")
    jobs = set()
    for name in names:
        await wait_for_status(row_of(page, name), "completed")
        jobs.add(scripted.task(str(await row_of(page, name).get_attribute("data-task")))["job_id"])
    assert len(jobs) == 1
    await expect(told).to_have_count(1)


async def test_a_batch_is_counted_as_a_whole_also_where_some_of_it_is_shown(
    page: Page, scripted: RunningServer, tone: Tone
) -> None:
    """A page that was opened with a search in its address knows two of three; the head speaks of three."""
    files = [("files", (path.name, path.read_bytes())) for path in map(tone, ("part a.wav", "part b.wav", "rest.wav"))]
    job = scripted.http.post("/transcribe", files=files).json()
    for task in job["tasks"]:
        scripted.finish(task["id"])
    await visit(page, scripted, "#/?q=part")
    await expect(page.locator("[data-task]")).to_have_count(2)
    await expect(page.locator(".batch")).to_contain_text("3 recordings sent together")
    await expect(page.locator(".batch")).to_contain_text("3 of 3 finished")
    await expect(page.locator("[data-task]")).to_have_count(2)
    await expect(page.locator(".more")).to_have_count(0)


async def test_an_address_can_be_pasted_anywhere(page: Page, scripted: RunningServer) -> None:
    """It stands in the field, which has the focus; what cannot be fetched is told beneath it or in its row."""
    await visit(page, scripted)
    await page.evaluate(PASTE, "https://example.invalid/talk.mp3")
    field = page.get_by_label("Address of a recording")
    await expect(field).to_have_value("https://example.invalid/talk.mp3")
    await expect(field).to_be_focused()
    await field.press("Enter")
    await expect(page.locator(".problem").first).to_be_visible()


async def test_order_filter_and_search_stand_in_the_address(page: Page, scripted: RunningServer, tone: Tone) -> None:
    """They hold after a reload; names are ordered as people count."""
    for name in ("sorted 10.wav", "sorted 9.wav"):
        scripted.finish(*scripted.submit(tone(name)))
    await visit(page, scripted)
    await page.get_by_label("Search by name").fill("SORTED")
    await page.get_by_label("Order").select_option("name")
    await expect(page.locator(".task-name")).to_have_text(["sorted 9.wav", "sorted 10.wav"])
    await page.get_by_label("Show").select_option("failed")
    await expect(page.get_by_text("No recording here matches.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Show")).to_have_value("failed")
    await page.get_by_label("Show").select_option("done")
    await expect(page.locator(".task-name")).to_have_text(["sorted 9.wav", "sorted 10.wav"])
    assert page.url.endswith("#/?q=SORTED&status=done&sort=name")


async def test_older_tasks_come_when_one_scrolls(page: Page, tmp_path: Path) -> None:
    """Sixty Tasks: fifty are read, the rest when the end of the list is seen."""
    server = RunningServer(tmp_path).start()
    try:
        await asyncio.to_thread(many, server, 60)
        await visit(page, server)
        await expect(page.locator("[data-task]")).to_have_count(50)
        await page.mouse.wheel(0, 100_000)
        await expect(page.locator("[data-task]")).to_have_count(60)
        await expect(page.locator(".more")).to_have_count(0)
    finally:
        server.close()


def many(server: RunningServer, count: int) -> None:
    """So many Tasks, cancelled before they ran."""
    content = (AUDIO / "austen-0880.wav").read_bytes()
    files = [("files", (f"{number}.wav", content)) for number in range(count)]
    job = server.http.post("/transcribe", files=files, data={"initial_prompt": "delay=1"}).json()
    server.http.post(f"/jobs/{job['id']}/cancel")


async def test_progress_draws_only_the_meter(page: Page, scripted: RunningServer, tone: Tone) -> None:
    """While a Task transcribes, nothing in the list changes but its bar, its line and its newest words."""
    (task_id,) = scripted.submit(tone("drawn.wav"), initial_prompt="segments=12 delay=0.2")
    await visit(page, scripted)
    row = page.locator(f"[data-task='{task_id}']")
    await row.locator(".preview").wait_for()
    await page.evaluate(LIST_CHANGES)
    await expect(row.locator(".preview")).to_contain_text("number 8.")
    shown = [int(number) for number in re.findall(r"number (\d+)", await row.locator(".preview").inner_text())]
    assert shown == [shown[-1] - 2, shown[-1] - 1, shown[-1]]
    assert set(await page.evaluate("[...window.changed]")) <= {"meter", "preview"}
    assert re.search(r"0:\d\d of 0:10", await row.locator(".line").inner_text())
    await expect(row.locator(".pace")).to_contain_text("× real time")
    await wait_for_status(row, "completed")


async def test_focus_stays_in_the_row(page: Page, scripted: RunningServer, tone: Tone) -> None:
    """The button that had it goes away with the end of the Task; then the row's name has it."""
    (task_id,) = scripted.submit(tone("focused.wav"), initial_prompt="segments=10 delay=0.6")
    await visit(page, scripted)
    row = page.locator(f"[data-task='{task_id}']")
    cancel = action(page, "Cancel", "focused.wav")
    await cancel.focus()
    await page.wait_for_timeout(300)
    await expect(cancel).to_be_focused()
    await wait_for_status(row, "completed")
    await expect(row.get_by_role("link", name="focused.wav")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"#/tasks/{task_id}$"))


async def test_a_batch_is_cancelled_and_what_failed_is_retried(page: Page, scripted: RunningServer, tone: Tone) -> None:
    """Cancel all ends what is not finished; retry failed repeats what failed and nothing else."""
    files = [("files", (path.name, path.read_bytes())) for path in (tone("batch a.wav"), tone("batch b.wav"))]
    script = {"initial_prompt": "segments=3 delay=0.5 raise=OSError after=1"}
    job = scripted.http.post("/transcribe", files=files, data=script).json()
    failed, waiting = job["tasks"]
    await visit(page, scripted)
    await wait_for_status(page.locator(f"[data-task='{failed['id']}']"), "failed")
    head = page.locator(".batch", has_text="1 failed")
    await head.get_by_role("button", name="Cancel all").click()
    await wait_for_status(page.locator(f"[data-task='{waiting['id']}']"), "cancelled")
    await expect(head).to_contain_text("2 of 2 finished")
    await head.get_by_role("button", name="Retry failed").click()
    await expect(page.locator(f"[data-task='{failed['id']}']")).to_contain_text("attempt 2")


async def test_only_speakers_are_retried(page: Page, tmp_path: Path, tone: Tone) -> None:
    """A Task without speakers offers to repeat that part; its words stay."""
    whole = {
        "engine": "tests.fakes.scripted_engine:create_whole",
        "align_model": "tests.fakes.scripted_aligner:create",
        "diarize_model": "tests.fakes.scripted_diarizer:create",
    }
    server = RunningServer(tmp_path, **whole).start()
    try:
        (task_id,) = server.submit(tone("speakers.wav"), initial_prompt="diarize=hf_token_invalid", diarize="true")
        await visit(page, server)
        row = page.locator(f"[data-task='{task_id}']")
        await wait_for_status(row, "partial")
        await expect(row.locator(".note")).to_contain_text("Speakers could not be told apart")
        asked: list[str | None] = []
        page.on("request", lambda request: request.url.endswith("/retry") and asked.append(request.post_data))
        await action(page, "Retry speakers", "speakers.wav").click()
        await expect(row).to_contain_text("attempt 2")
        assert asked == ['{"from":"diarizing"}']
        await expect(row.locator(".preview")).to_contain_text("Segment number 0.")
    finally:
        server.close()


async def test_what_was_here_before_leads_to_the_earlier_transcript(
    page: Page, scripted: RunningServer, tone: Tone
) -> None:
    """Transcribed again, taken over, refused: each says so, has the link, and the last two can be transcribed anyway."""
    path = tone("heard.wav")
    (first,) = scripted.submit(path)
    scripted.finish(first)
    await visit(page, scripted)
    await drop(page, ("again.wav", path.read_bytes()))
    again = row_of(page, "again.wav")
    link = again.get_by_role("link", name="Open the earlier transcript")
    await expect(link).to_have_attribute("href", f"#/tasks/{first}")
    await wait_for_status(again, "completed")
    await page.get_by_text("Options").click()
    await page.get_by_label("If it was here before").select_option("reuse")
    await drop(page, ("taken over.wav", path.read_bytes()))
    over = row_of(page, "taken over.wav")
    await expect(over).to_contain_text("This recording was here before; its transcript was taken over.")
    await over.get_by_role("button", name="Transcribe anyway").click()
    await expect(over).to_contain_text("attempt 2")
    await page.get_by_label("If it was here before").select_option("refuse")
    await drop(page, ("refused.wav", path.read_bytes()))
    refused = row_of(page, "refused.wav")
    await expect(refused.locator(".problem")).to_contain_text("This recording was transcribed before.")
    before = await page.locator("[data-task]").count()
    await refused.get_by_role("button", name="Transcribe anyway").click()
    await expect(page.locator("[data-task]")).to_have_count(before + 1)


async def test_a_deleted_row_can_be_taken_back(page: Page, scripted: RunningServer, tone: Tone) -> None:
    """Delete hides it at once and offers to undo."""
    scripted.finish(*scripted.submit(tone("deleted.wav")))
    await visit(page, scripted)
    row = row_of(page, "deleted.wav")
    await action(page, "Delete", "deleted.wav").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row).to_have_count(1)


async def test_after_a_deletion_the_keyboard_goes_on_in_the_next_row(
    page: Page, scripted: RunningServer, tone: Tone
) -> None:
    """And nobody is told of older Tasks that are not there."""
    for name in ("below.wav", "above.wav"):
        scripted.finish(*scripted.submit(tone(name)))
    await visit(page, scripted)
    await action(page, "Delete", "above.wav").focus()
    await page.keyboard.press("Enter")
    await expect(row_of(page, "above.wav")).to_have_count(0)
    await expect(row_of(page, "below.wav").get_by_role("link")).to_be_focused()
    await expect(page.locator(".more")).to_have_count(0)


async def test_a_drag_that_leaves_takes_its_curtain_along(page: Page, scripted: RunningServer) -> None:
    """Even if what was under the pointer went away meanwhile; and on other views a file never replaces the page."""
    await visit(page, scripted)
    curtain = page.locator(".curtain")
    for step in (["dragenter", False], ["dragenter", True], ["dragleave", True]):
        await page.evaluate(DRAG, step)
        await expect(curtain).to_be_visible()
    await page.evaluate(DRAG, ["dragleave", False])
    await expect(curtain).to_have_count(0)
    await page.get_by_role("link", name="Search").click()
    await expect(page.locator(".drop")).to_have_count(0)
    assert await page.evaluate(DRAG, ["drop", False])
    assert page.complaints == []
