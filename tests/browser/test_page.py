"""The page with a real server, a real recording and a real browser."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import AUDIO, Server
from tests.browser.witness import (
    DONE_WITHIN,
    drop,
    drop_recording,
    row_of,
    slow_down,
    wait_for_connection,
    wait_for_status,
    wait_for_text,
)
from tests.fakes.spoken import word_error_rate

pytestmark = pytest.mark.browser


async def test_a_dropped_recording_becomes_text_before_ones_eyes(
    page: Page, server: Server, three_sentences: Path
) -> None:
    """The bar rises through many values, text shows before the end, the words are right enough, and the engine is named."""
    await page.goto(server.url)
    await wait_for_connection(page, "live")
    row = await drop_recording(page, three_sentences)
    await wait_for_status(row, "completed")
    seen = await page.evaluate("window.witnessed")
    assert len(set(seen["percentages"])) >= 5
    assert seen["percentages"] == sorted(seen["percentages"])
    assert max(seen["texts"]) > 0
    await expect(row).to_contain_text("PocketSphinx, the small built-in engine: expect more wrong words")
    await row.get_by_role("link", name=three_sentences.name).click()
    first_sentence = await page.locator(".segment .words").first.inner_text()
    heard = re.sub(r"\bmr\b", "mister", first_sentence)  # the same word, as its dictionary spells it
    assert word_error_rate((AUDIO / "austen-0870.txt").read_text(), heard) <= 0.35
    assert page.complaints == []
    assert seen["violations"] == []


async def test_the_upload_itself_is_seen(page: Page, server: Server) -> None:
    """While the bytes travel over a slow line, a bar says how many have arrived."""
    await page.goto(server.url)
    await slow_down(page, 600_000)
    await drop(page, ("slow line.flac", (AUDIO / "jfk.flac").read_bytes()))
    await wait_for_status(row_of(page, "slow line.flac"), "completed")
    shown = await page.evaluate("window.witnessed.uploads")
    assert shown == sorted(shown)
    assert len(set(shown) - {0, 100}) >= 3


async def test_what_is_no_recording_is_told_in_words(page: Page, server: Server) -> None:
    """A text named .wav gets a sentence, a remedy and, folded, the technical part with the request's id."""
    await page.goto(server.url)
    await drop(page, ("letter.wav", b"Dear Cesar, this is only a letter. " * 100))
    problem = page.locator("article", has_text="letter.wav").locator(".problem:visible")
    await expect(problem).to_contain_text("holds no audio that could be read", timeout=DONE_WITHIN)
    await expect(problem).to_contain_text("Check that the file plays on your computer")
    facts = problem.locator(".problem-facts")
    await expect(facts).to_be_hidden()
    await problem.get_by_text("Details").click()
    await expect(facts).to_contain_text("not_media")


async def test_an_address_that_cannot_be_fetched_is_told_in_words(page: Page, server: Server) -> None:
    """An unreachable server and a private address both end in a sentence with a remedy."""
    await page.goto(server.url)
    field = page.get_by_label("Address of a recording")
    await field.fill(server.closed_address)
    await page.get_by_role("button", name="Fetch").click()
    unreachable = page.locator(".problem:visible", has_text="The other server could not be reached.")
    await expect(unreachable).to_contain_text("Check the address, then retry.", timeout=DONE_WITHIN)
    await field.fill("http://10.0.0.1/talk.wav")
    await field.press("Enter")
    refused = page.locator(".problem:visible", has_text="This address may not be fetched.")
    await expect(refused).to_contain_text("Use a public http or https address.", timeout=DONE_WITHIN)


async def test_cancel_retry_and_delete(page: Page, own_server: Server, long_recording: Path) -> None:
    """A running Task is cancelled, begins again from nothing when retried, and is gone for good when deleted."""
    await page.goto(own_server.url)
    row = await drop_recording(page, long_recording)
    await wait_for_text(row)
    await row.get_by_role("button", name="Cancel").click()
    await wait_for_status(row, "cancelled")
    await row.get_by_role("button", name="Retry").click()
    await wait_for_status(row, "processing")
    await expect(row).to_contain_text("attempt 2")
    await row.get_by_role("button", name="Cancel").click()
    await wait_for_status(row, "cancelled")
    await row.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)
    await page.reload()
    await expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    assert page.complaints == []


async def test_a_narrow_phone_needs_no_sideways_scrolling(page: Page, server: Server) -> None:
    """At 360 px everything fits, also a name that cannot be broken between words."""
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(server.url)
    name = f"{'averyveryverylongname' * 6}.wav"
    await drop(page, (name, (AUDIO / "austen-0880.wav").read_bytes()), ("letter.wav", b"words " * 200))
    await wait_for_status(row_of(page, name), "completed")
    await page.get_by_text("Options").click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
