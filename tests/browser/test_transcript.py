"""The view of one transcript in a real browser: read, played, corrected, searched, taken away, printed."""

import json
import re
import sqlite3
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.accessibility import SMALL
from tests.running_server import RunningServer, wait_for

pytestmark = pytest.mark.browser

WHOLE = {
    "engine": "tests.fakes.scripted_engine:create_whole",
    "align_model": "tests.fakes.scripted_aligner:create",
    "diarize_model": "tests.fakes.scripted_diarizer:create",
}
SECONDS = 60
MANY = 10_000
HIGHLIGHTED = "name => [...(CSS.highlights.get(name) ?? [])].map(range => range.toString())"
ON_TOP = """() => {
    const {left, top, width, height} = document.activeElement.getBoundingClientRect();
    return document.activeElement.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""
Recording = Callable[..., str]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose engine does as the request says, with words and speakers."""
    server = RunningServer(tmp_path_factory.mktemp("studio"), **WHOLE)
    server.start()
    yield server
    server.close()


@pytest.fixture
def transcribed(studio: RunningServer, tmp_path: Path) -> Recording:
    """A minute of silence, with the transcript that a script says; the Task's id."""

    def transcribe(script: str = "segments=6 speakers=2", *, wait: bool = True, name: str = "interview.wav") -> str:
        path = tmp_path / name
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8_000)
            out.writeframes(bytes(2 * 8_000 * SECONDS))
        (task_id,) = studio.submit(path, initial_prompt=script, diarize="true")
        if wait:
            studio.finish(task_id)
        return task_id

    return transcribe


@pytest.fixture
def words(studio: RunningServer) -> Callable[[str], list[str]]:
    """What the server says that a transcript is."""
    return lambda task_id: [one["text"] for one in studio.http.get(f"/tasks/{task_id}/transcript").json()["segments"]]


async def opened(page: Page, server: RunningServer, task_id: str, rows: int = 6) -> None:
    """The page, with the transcript in it."""
    await page.goto(f"http://127.0.0.1:{server.port}/#/tasks/{task_id}")
    await expect(page.locator(".segment")).to_have_count(rows)
    await expect(page.locator(".saved")).to_have_text("Saved")


async def write(page: Page, at: int, text: str) -> None:
    """Open the segment at this place and type something else."""
    row = page.locator(f"[data-index='{at}']")
    await row.locator("p.words").dblclick()
    await row.locator("textarea").fill(text)


async def test_it_grows_while_it_is_made_and_gets_words_and_speakers(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """Segments come one by one; what diarization revises is shown in place; then it can be edited."""
    task_id = transcribed("segments=8 delay=0.2 speakers=2", wait=False)
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    await expect(page.locator("[data-index='0'] p.words")).to_have_text("Segment number 0.")
    assert await page.locator(".segment").count() < 8
    await expect(page.locator(".segment")).to_have_count(8)
    await expect(page.locator("[data-index='1'] b")).to_have_text("SPEAKER_01")
    await expect(page.locator(".saved")).to_have_text("Saved")
    assert page.complaints == []


async def test_what_is_written_is_saved_by_itself_and_can_be_taken_back(
    page: Page, studio: RunningServer, transcribed: Recording, words: Callable[[str], list[str]]
) -> None:
    """A text goes to the server without a button; undo and redo are changes of their own."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    await write(page, 2, "Quite  another text. ")
    await expect(page.locator(".saved")).to_have_text("Saved")
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-index='2'] p.words")).to_have_text("Quite another text.")
    assert words(task_id)[2] == "Quite another text."
    await page.keyboard.press("Control+z")
    await expect(page.locator("[data-index='2'] p.words")).to_have_text("Segment number 2.")
    await expect(page.locator(".saved")).to_have_text("Saved")
    assert words(task_id)[2] == "Segment number 2."
    await page.get_by_role("button", name="Redo").click()
    await expect(page.locator("[data-index='2'] p.words")).to_have_text("Quite another text.")
    await page.reload()
    await expect(page.locator("[data-index='2'] p.words")).to_have_text("Quite another text.")
    assert page.complaints == []


async def test_segments_are_cut_and_joined_by_keyboard_alone(
    page: Page, studio: RunningServer, transcribed: Recording, words: Callable[[str], list[str]]
) -> None:
    """Control and Enter cuts at the caret, a button joins again; the focus stays in the text and comes back to its row."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    await page.locator("[data-index='1'] button").last.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Home")
    for _ in range(len("Segment ")):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-index='2'] p.words")).to_have_text("number 1.")
    await expect(page.locator("[data-index='1'] textarea")).to_be_focused()
    assert words(task_id)[1:3] == ["Segment", "number 1."]
    await page.get_by_role("button", name="Join with next").click()
    await expect(page.locator("[data-index='2'] p.words")).to_have_text("Segment number 2.")
    assert words(task_id)[1] == "Segment number 1."
    await page.locator("[data-index='1'] textarea").press("Escape")
    await expect(page.locator("[data-index='1'] > button").last).to_be_focused()
    assert page.complaints == []


async def test_a_change_by_somebody_else_is_never_overwritten_unseen(
    page: Page, studio: RunningServer, transcribed: Recording, words: Callable[[str], list[str]]
) -> None:
    """Other segments' changes are taken in; of the same one both versions are shown, and one is chosen."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    theirs(studio, task_id, 4, "Theirs, elsewhere.")
    await write(page, 0, "Mine, at the beginning.")
    await expect(page.locator("[data-index='4'] p.words")).to_have_text("Theirs, elsewhere.")
    await expect(page.locator(".saved")).to_have_text("Saved")
    assert words(task_id)[0] == "Mine, at the beginning."
    for at, button, kept in ((1, "Keep yours", "Mine."), (2, "Take theirs", "Theirs.")):
        await page.route("**/segments/**", partial(late, partial(theirs, studio, task_id, at, "Theirs.")), times=1)
        await write(page, at, "Mine.")
        notice = page.locator(".conflict")
        await expect(notice).to_contain_text("Theirs.")
        await expect(notice).to_contain_text("Mine.")
        await notice.get_by_role("button", name=button).click()
        await expect(page.locator(".saved")).to_have_text("Saved")
        assert words(task_id)[at] == kept
    assert [one for one in page.complaints if "412" not in one] == []


async def late(before: Callable[[], None], route: Route) -> None:
    """Let a request of the page go on once somebody else was faster."""
    before()
    await route.continue_()


async def test_what_others_change_is_shown_while_one_reads(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """Words and names come by themselves; what is being written meanwhile stays, and Undo overwrites nobody's words unseen."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    await write(page, 2, "Mine.")
    await expect(page.locator(".saved")).to_have_text("Saved")
    theirs(studio, task_id, 4, "Theirs.")
    await expect(page.locator("[data-index='4'] p.words")).to_have_text("Theirs.")
    await expect(page.locator("[data-index='2'] textarea")).to_have_value("Mine.")
    await expect(page.locator("[data-index='2'] textarea")).to_be_focused()
    theirs(studio, task_id, 2, "Theirs, too.")
    await expect(page.locator("[data-index='2'] textarea")).to_have_value("Theirs, too.")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".conflict")).to_contain_text("Segment number 2.")
    await page.get_by_role("button", name="Take theirs").click()
    await expect(page.locator("[data-index='2'] textarea")).to_have_value("Theirs, too.")
    assert page.complaints == []


def theirs(server: RunningServer, task_id: str, at: int, text: str) -> None:
    """Somebody else's edit."""
    change(server, task_id, at, {"text": text})


def change(server: RunningServer, task_id: str, at: int, what: dict[str, str]) -> None:
    """An edit that this page does not make."""
    whole = server.http.get(f"/tasks/{task_id}/transcript")
    path = f"/tasks/{task_id}/segments/{whole.json()['segments'][at]['id']}"
    assert server.http.patch(path, json=what, headers={"If-Match": whole.headers["etag"]}).status_code == 200


async def test_what_is_written_without_a_server_is_sent_when_it_is_back(
    page: Page,
    context: BrowserContext,
    studio: RunningServer,
    transcribed: Recording,
    words: Callable[[str], list[str]],
) -> None:
    """It says so, keeps the text over a reload, and saves it."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    await context.route("**/segments/**", lambda route: route.abort())
    await write(page, 3, "Written offline.")
    await expect(page.locator(".saved")).to_contain_text("Not saved")
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.locator("[data-index='3'] p.words")).to_have_text("Written offline.")
    await context.unroute("**/segments/**")
    await expect(page.locator(".saved")).to_have_text("Saved", timeout=10_000)
    assert words(task_id)[3] == "Written offline."


async def test_what_was_written_offline_is_sent_wherever_the_page_is_opened(
    page: Page,
    context: BrowserContext,
    studio: RunningServer,
    transcribed: Recording,
    words: Callable[[str], list[str]],
) -> None:
    """Nobody has to come back to that very transcript; who has to decide between two texts is told so."""
    task_id = transcribed()
    other = transcribed(name="second.wav")
    await context.route("**/segments/**", lambda route: route.abort())
    for one in (task_id, other):
        await opened(page, studio, one)
        await write(page, 3, "Written offline.")
        await expect(page.locator(".saved")).to_contain_text("Not saved")
    await page.goto("about:blank")
    theirs(studio, other, 3, "Theirs.")
    await context.unroute("**/segments/**")
    await page.goto(f"http://127.0.0.1:{studio.port}/")
    await expect(page.locator(".toasts")).to_contain_text("second.wav", timeout=15_000)
    wait_for(lambda: words(task_id)[3] == "Written offline.", 10)
    assert words(other)[3] == "Theirs."
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{other}")
    await page.get_by_role("button", name="Keep yours").click()
    await expect(page.locator(".saved")).to_have_text("Saved")
    assert words(other)[3] == "Written offline."


async def test_what_is_written_is_saved_when_the_view_is_left_at_once(
    page: Page, studio: RunningServer, transcribed: Recording, words: Callable[[str], list[str]]
) -> None:
    """Nobody has to wait for the pause after which a text is saved; coming back shows it, without a conflict."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    await write(page, 5, "Written in a hurry.")
    await page.get_by_role("link", name="Library", exact=True).click()
    await expect(page.locator(".segment")).to_have_count(0)
    await page.go_back()
    await expect(page.locator("[data-index='5'] p.words")).to_have_text("Written in a hurry.")
    await expect(page.locator(".saved")).to_have_text("Saved")
    await expect(page.locator(".conflict")).to_have_count(0)
    assert words(task_id)[5] == "Written in a hurry."
    assert page.complaints == []


async def test_what_is_written_is_saved_when_the_page_is_closed_at_once(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """The pause after which a text is saved ends with the page."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    await write(page, 4, "Written and closed.")
    await page.reload()
    await expect(page.locator("[data-index='4'] p.words")).to_have_text("Written and closed.")
    await expect(page.locator(".saved")).to_have_text("Saved")
    assert page.complaints == []


async def test_names_that_were_given_by_hand_are_changed_and_joined(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """Where the machine told no speakers apart, people's names for segments are all there is of them."""
    task_id = transcribed("segments=4 diarize=hf_token_invalid")
    for at, name in enumerate(("Ada", "Ben", "Ada", "Ben")):
        change(studio, task_id, at, {"speaker": name})
    await opened(page, studio, task_id, 4)
    await page.get_by_role("button", name="Speakers", exact=True).click()
    await page.get_by_label("Ben", exact=True).fill("Bea")
    await page.keyboard.press("Tab")
    await expect(page.locator(".segment b")).to_have_text(["Ada", "Bea", "Ada", "Bea"])
    await page.get_by_label("Bea is the same person").select_option("Ada")
    await page.get_by_role("button", name="Make them one").click()
    await expect(page.locator(".segment b")).to_have_text(["Ada"])
    await page.keyboard.press("Escape")
    for names in (["Ada", "Bea", "Ada", "Bea"], ["Ada", "Ben", "Ada", "Ben"]):
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator(".segment b")).to_have_text(names)
        await expect(page.locator(".saved")).to_have_text("Saved")
    assert page.complaints == []


async def test_speakers_get_names_and_two_become_one(page: Page, studio: RunningServer, transcribed: Recording) -> None:
    """A name is shown everywhere; all that a speaker says is given to the one who is the same person, and taken back by one Undo."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    await page.get_by_role("button", name="Speakers").click()
    await page.get_by_label("SPEAKER_00", exact=True).fill("Ada")
    await page.keyboard.press("Tab")
    await expect(page.locator("[data-index='2'] b")).to_have_text("Ada")
    await page.get_by_label("SPEAKER_01 is the same person").select_option("Ada")
    await page.get_by_role("button", name="Make them one").click()
    await expect(page.locator(".segment b")).to_have_count(1)
    await expect(page.locator(".segment.voice-0")).to_have_count(6)
    await expect(page.locator(".speaker-line")).to_have_count(1)
    assert labels(studio, task_id) == ["SPEAKER_00"] * 6
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("[data-index='1'] b")).to_have_text("SPEAKER_01")
    await expect(page.get_by_role("button", name="Undo")).to_be_focused()
    await expect(page.locator(".saved")).to_have_text("Saved")
    assert labels(studio, task_id) == ["SPEAKER_00", "SPEAKER_01"] * 3
    assert page.complaints == []


async def test_speakers_of_very_many_segments_share_a_name(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """Nobody waits for thousands of requests; it reads as one speaker at once."""
    task_id = transcribed("segments=1000 speakers=2")
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    await page.get_by_role("button", name="Speakers").click()
    await page.get_by_label("SPEAKER_01 is the same person").select_option("SPEAKER_00")
    await page.get_by_role("button", name="Make them one").click()
    await expect(page.locator(".segment b")).to_have_text(["Speaker 1"])
    await expect(page.locator(".saved")).to_have_text("Saved")
    assert {one["name"] for one in studio.http.get(f"/tasks/{task_id}/speakers").json()["speakers"]} == {"Speaker 1"}
    assert page.complaints == []


def labels(server: RunningServer, task_id: str) -> list[str]:
    """Who says each segment."""
    return [one["speaker_label"] for one in server.http.get(f"/tasks/{task_id}/transcript").json()["segments"]]


async def test_the_machines_words_come_back_after_a_question(
    page: Page, studio: RunningServer, transcribed: Recording, words: Callable[[str], list[str]]
) -> None:
    """Only a segment that was changed offers it."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    again = page.get_by_role("button", name="As the machine heard it")
    await write(page, 1, "Something else.")
    await expect(again).to_be_visible()
    await again.click()
    await page.get_by_role("dialog").get_by_role("button", name="As the machine heard it").click()
    await expect(page.locator("[data-index='1'] textarea")).to_have_value("Segment number 1.")
    await expect(page.locator(".saved")).to_have_text("Saved")
    await expect(again).to_have_count(0)
    assert words(task_id)[1] == "Segment number 1."
    assert page.complaints == []


async def test_words_follow_the_recording_and_a_click_in_them_seeks(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """The slider moves by keys, the word that is said is marked, a click on another word plays from there."""
    task_id = transcribed()
    await opened(page, studio, task_id)
    slider = page.get_by_role("slider", name="Position in the recording")
    await slider.focus()
    for _ in range(15):
        await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_attribute("aria-valuetext", "0:15")
    await expect(page.locator("[aria-current=true]")).to_contain_text("Segment number 1.")
    assert await page.evaluate(HIGHLIGHTED, "said") == ["number"]
    await page.locator("[data-index='3'] p.words").click(position={"x": 5, "y": 10})
    await expect(page.locator("[aria-current=true]")).to_contain_text("Segment number 3.")
    assert await page.evaluate(HIGHLIGHTED, "said") == ["Segment"]
    await page.locator("body").press("k")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(page.locator(".player-time")).to_contain_text("0:31")
    await page.get_by_label("Playback speed").select_option("2")
    assert await page.evaluate("document.querySelector('audio').playbackRate") == 2
    await page.reload()
    await expect(page.get_by_label("Playback speed")).to_have_value("2")
    assert page.complaints == []


async def test_finding_marks_counts_and_goes_on(page: Page, studio: RunningServer, transcribed: Recording) -> None:
    """The page's own search opens by Control and F, counts, and comes to places that are far from sight."""
    task_id = transcribed("segments=300 speakers=2")
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    await expect(page.locator(".saved")).to_have_text("Saved")
    await page.keyboard.press("Control+f")
    await page.keyboard.type("NUMBER 29")
    await expect(page.locator(".find [role=status]")).to_have_text("1 of 11")
    await page.keyboard.press("Shift+Enter")
    await expect(page.locator(".find [role=status]")).to_have_text("11 of 11")
    await expect(page.locator("[data-index='299']")).to_be_in_viewport()
    assert await page.evaluate(HIGHLIGHTED, "looked") == ["number 29"]
    await page.keyboard.press("Escape")
    await expect(page.locator(".find")).to_have_count(0)
    assert page.complaints == []


async def test_an_export_shows_its_first_lines_and_is_named_as_the_recording(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """Options belong to the format; the preview follows them."""
    task_id = transcribed(name="My talk.wav")
    await opened(page, studio, task_id)
    await page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator("pre")).to_contain_text("SPEAKER_00: Segment number 0.")
    await dialog.get_by_role("checkbox", name="Speakers").uncheck()
    await expect(dialog.locator("pre")).not_to_contain_text("SPEAKER")
    await dialog.get_by_label("Format").select_option("srt")
    await expect(dialog.locator("pre")).to_contain_text("00:00:00,000 -->")
    await dialog.get_by_label("Characters in a line").fill("10")
    await page.keyboard.press("Tab")
    await expect(dialog.locator("pre")).to_contain_text("number 0.\n")
    async with page.expect_download() as download:
        await dialog.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "My talk.srt"
    assert page.complaints == []


async def test_paper_has_every_segment(page: Page, studio: RunningServer, transcribed: Recording) -> None:
    """Printing does not stop where the window does."""
    task_id = transcribed("segments=200 speakers=2")
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    await expect(page.locator(".saved")).to_have_text("Saved")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert await page.locator(".paper p").count() == 200
    assert await page.locator(".paper p").last.text_content() == "0:59  SPEAKER_01: Segment number 199."
    await page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert await page.locator(".paper p").count() == 0


async def test_without_speakers_and_without_a_recording_it_says_what_to_do(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """A partial Task can repeat its speakers; a failed one can be retried."""
    task_id = transcribed("segments=6 diarize=hf_token_invalid")
    await opened(page, studio, task_id)
    await expect(page.get_by_role("button", name="Retry speakers only")).to_be_visible()
    failed = transcribed("raise=out_of_memory")
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{failed}")
    await expect(page.locator(".problem-message")).to_be_visible()
    await expect(page.get_by_role("button", name="Retry", exact=True)).to_be_visible()
    await expect(page.get_by_role("slider")).to_be_visible()
    await expect(page.locator(".transcript-tools")).to_have_count(0)


async def test_the_outline_comes_when_the_server_has_time(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """It is drawn as soon as it can be had; who is refused for now asks again."""
    task_id = transcribed()
    busy = {"error": {"code": "unavailable", "message": "Not now.", "retryable": True}}
    await page.route("**/peaks?*", lambda route: route.fulfill(status=503, json=busy), times=1)
    await opened(page, studio, task_id)
    drawn = page.locator(".outline path").first
    await expect(drawn).to_have_attribute("d", "")
    await expect(drawn).to_have_attribute("d", re.compile("M0.5 .*v"), timeout=15_000)
    assert (await drawn.bounding_box() or {}).get("width", 0) > 100
    assert [one for one in page.complaints if "503" not in one] == []


async def test_what_has_the_focus_is_not_under_the_player(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """Going up by keys shows each button that comes."""
    task_id = transcribed("segments=60 speakers=2")
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    await expect(page.locator(".saved")).to_have_text("Saved")
    await page.mouse.wheel(0, 1_500)
    await page.locator("[data-index='30'] button").first.focus()
    for _ in range(24):
        await page.keyboard.press("Shift+Tab")
        assert await page.evaluate(ON_TOP)


async def test_a_recording_that_is_gone_or_that_nobody_can_play_is_told(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """The transcript is there all the same, to be read and corrected."""
    task_id = transcribed()
    await page.route("**/media", lambda route: route.fulfill(body=b"no sound", content_type="audio/wav"))
    await opened(page, studio, task_id)
    await expect(page.get_by_text("This browser cannot play the recording.")).to_be_visible()
    with sqlite3.connect(studio.database, timeout=30) as rows:
        rows.execute("UPDATE files SET storage_path = NULL WHERE uuid = ?", (studio.task(task_id)["file_id"],))
    await page.reload()
    await expect(page.get_by_text("The recording itself was removed. Its transcript is kept.")).to_be_visible()
    await expect(page.get_by_role("slider")).to_have_count(0)
    await expect(page.locator(".segment")).to_have_count(6)
    await expect(page.locator(".saved")).to_have_text("Saved")


async def test_a_film_is_seen(page: Page, studio: RunningServer, tmp_path: Path) -> None:
    """A recording with pictures that move has them above its outline, and they move with it."""
    (task_id,) = studio.submit(film(tmp_path / "film.webm"), initial_prompt="segments=3")
    studio.finish(task_id)
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    picture = page.locator(".player video")
    await expect(picture).to_have_js_property("videoWidth", 64)
    await page.get_by_role("slider").press("End")
    await expect(picture).to_have_js_property("currentTime", 2)
    assert page.complaints == []


def film(path: Path) -> Path:
    """Two seconds of black and of silence."""
    with av.open(path, "w") as out:
        picture, sound = out.add_stream("libvpx", rate=10), out.add_stream("libopus", rate=48_000, layout="mono")
        picture.width = picture.height = 64
        for _ in range(20):
            out.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        for at in range(0, 96_000, 960):
            silence = av.AudioFrame.from_ndarray(numpy.zeros((1, 960), dtype=numpy.int16), "s16", "mono")
            silence.sample_rate, silence.pts = 48_000, at
            out.mux(sound.encode(silence))
        out.mux(picture.encode())
        out.mux(sound.encode())
    return path


async def test_what_is_pressed_is_large_enough(page: Page, studio: RunningServer, transcribed: Recording) -> None:
    """24 px each way on a phone, also of the tools that come when somebody writes and looks for words."""
    task_id = transcribed()
    await page.set_viewport_size({"width": 360, "height": 740})
    await opened(page, studio, task_id)
    await page.get_by_role("button", name="Find").click()
    await page.get_by_label("Edit the words at 0:00").click()
    assert await page.evaluate(SMALL) == []
    for dialog in ("Export", "Speakers"):
        await page.get_by_role("button", name=dialog).click()
        assert await page.evaluate(SMALL) == []
        await page.keyboard.press("Escape")


async def test_the_focused_row_stays_when_it_is_scrolled_away(
    page: Page, studio: RunningServer, transcribed: Recording
) -> None:
    """Rows come and go, but never the one with the focus."""
    task_id = transcribed("segments=300 speakers=2")
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    await page.locator("[data-index='3'] button").first.focus()
    await page.mouse.wheel(0, 9_000)
    await expect(page.locator("[data-index='4']")).to_have_count(0)
    await expect(page.locator("[data-index='3'] button").first).to_be_focused()


async def test_ten_hours_scroll_without_a_long_task(
    page: Page, browser: Browser, studio: RunningServer, transcribed: Recording
) -> None:
    """10 000 segments with 100 000 words: opened and scrolled through, nothing keeps the page's thread for 100 ms."""
    task_id = transcribed("segments=3 speakers=2")
    lengthen(studio.database, task_id)
    await browser.start_tracing(page=page, categories=["toplevel"])
    await page.goto(f"http://127.0.0.1:{studio.port}/#/tasks/{task_id}")
    await expect(page.locator("[data-index='0']")).to_have_attribute("aria-setsize", str(MANY), timeout=40_000)
    for _ in range(40):
        await page.mouse.wheel(0, 3_000)
        await page.wait_for_timeout(30)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await expect(page.locator(f"[data-index='{MANY - 1}']")).to_be_visible()
    longest = longest_task(json.loads(await browser.stop_tracing())["traceEvents"])
    assert 0 < longest < 100
    assert page.complaints == []


def longest_task(events: list[dict[str, Any]]) -> float:
    """Milliseconds of processor time that one task took of the page's main thread; what other programs took does not count."""
    threads = {(one["pid"], one["tid"]): one["args"]["name"] for one in events if one["name"] == "thread_name"}
    return max(
        one.get("tdur", 0) / 1000
        for one in events
        if "RunTask" in one["name"] and threads.get((one["pid"], one["tid"])) == "CrRendererMain"
    )


def lengthen(database: Path, task: str) -> None:
    """Put ten hours of words where a short transcript was."""
    with sqlite3.connect(database, timeout=30) as rows:
        (key,) = rows.execute("SELECT id FROM tasks WHERE uuid = ?", (task,)).fetchone()
        rows.execute("DELETE FROM segments WHERE task_id = ?", (key,))
        rows.executemany(
            'INSERT INTO segments (task_id, "index", start, "end", text, speaker, words) VALUES (?, ?, ?, ?, ?, ?, ?)',
            ((key, *segment(at)) for at in range(MANY)),
        )
        rows.execute("UPDATE tasks SET transcript_version = transcript_version + 1 WHERE id = ?", (key,))


def segment(at: int) -> tuple[Any, ...]:
    """Ten words in 3.6 seconds."""
    texts = [f"word{at * 10 + place}" for place in range(10)]
    begin, speaker = at * 3.6, f"SPEAKER_{at // 5 % 3:02d}"
    times = [(round(begin + place * 0.36, 3), round(begin + place * 0.36 + 0.3, 3)) for place in range(10)]
    words = [
        {"word": text, "start": start, "end": end, "score": 0.9, "speaker": speaker}
        for text, (start, end) in zip(texts, times, strict=True)
    ]
    return at, begin, begin + 3.5, " ".join(texts), speaker, json.dumps(words)
