"""The page's reducer, called in the browser that runs it: (state, action) → state."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

REPLAY = """
async (actions) => {
  const { initialState, reduce } = await import("/assets/js/store.js");
  return actions.reduce(reduce, initialState);
}
"""

TASK = {
    "id": "t", "filename": "a.wav", "status": "queued", "progress_percentage": 0, "progress_stage": "queued",
    "stage_percentage": 0, "message": "", "eta_seconds": None, "stalled": False, "queue_position": 1, "attempt": 1,
    "seq": 0, "epoch": "e", "duration_seconds": 10.0, "engine": None, "model": None, "detected_language": None,
    "speaker_count": None, "warnings": [], "diarization_error": None, "error": None, "error_code": None,
    "technical_detail": None, "retryable": None, "remedy": None, "result_text": None,
    "created_at": "2026-01-01T00:00:00+00:00", "started_at": None, "completed_at": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> dict[str, Any]:
    """The action that makes the Task known."""
    return {"type": "task_loaded", "task": TASK, "at": 0}


@pytest.fixture
async def page(browser: Browser, server: Server) -> Page:
    """A page of the server, where its modules can be imported."""
    page = await browser.new_page()
    await page.goto(server.url)
    return page


def event(seq: int, kind: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """The action of one event of the Task."""
    return {"type": "event_received", "event": {"type": kind, "task_id": "t", "seq": seq, **fields}, "at": at}


def progress(seq: int, percentage: int, at: int = 0, eta: float | None = None) -> dict[str, Any]:
    """The action of a progress event while transcribing."""
    fields = {"stage": "transcribing", "percentage": percentage, "stage_percentage": 0, "message": ""}
    return event(seq, "progress", at, **fields, eta_seconds=eta, stalled=False)


def segment(seq: int, index: int, text: str) -> dict[str, Any]:
    """The action of a segment event."""
    return event(seq, "segment", index=index, start=float(index), end=index + 1.0, text=text, speaker=None)


async def task_after(page: Page, *actions: dict[str, Any]) -> dict[str, Any]:
    """The Task after these actions."""
    state = await page.evaluate(REPLAY, list(actions))
    return state["tasks"]["t"]


async def test_an_event_that_comes_twice_counts_once(page: Page, loaded: dict[str, Any]) -> None:
    """Replayed events change nothing."""
    once = [loaded, segment(1, 0, "one"), progress(2, 20), segment(3, 1, "two")]
    assert await task_after(page, *once, *once[1:]) == await task_after(page, *once)


async def test_the_bar_never_falls_within_an_attempt(page: Page, loaded: dict[str, Any]) -> None:
    """A lower percentage is not shown."""
    assert (await task_after(page, loaded, progress(1, 30), progress(2, 25)))["percentage"] == 30


async def test_a_new_attempt_starts_from_nothing(page: Page, loaded: dict[str, Any]) -> None:
    """Bar, text and problem of the attempt before are gone."""
    failed = event(3, "error", error_code="x", user_message="x", technical_detail=None, retryable=True, remedy="x")
    again = event(4, "status", status="queued", queue_position=1, attempt=2)
    task = await task_after(page, loaded, progress(1, 30), segment(2, 0, "one"), failed, again)
    assert (task["percentage"], task["segments"], task["problem"], task["attempt"]) == (0, [], None, 2)


async def test_a_snapshot_replaces_what_was_known(page: Page, loaded: dict[str, Any]) -> None:
    """After `recovered: false` the snapshot's events, which share one number, are all taken, and live ones go on behind them."""
    answer = {"type": "subscribed", "task_id": "t", "epoch": "new", "seq": 7, "recovered": False}
    snapshot = [
        event(7, "status", status="processing", queue_position=None, attempt=1),
        progress(7, 22),
        event(7, "segments_revised", segments=[{"index": 0, "start": 0, "end": 1, "text": "anew", "speaker": None}]),
    ]
    actions = [
        loaded,
        segment(1, 0, "old"),
        segment(2, 1, "older"),
        {"type": "event_received", "event": answer, "at": 0},
    ]
    task = await task_after(page, *actions, *snapshot, segment(8, 1, "next"))
    assert [one["text"] for one in task["segments"]] == ["anew", "next"]
    assert (task["status"], task["percentage"], task["seq"]) == ("processing", 22, 8)


async def test_a_task_read_over_http_does_not_swallow_events_on_their_way(page: Page, loaded: dict[str, Any]) -> None:
    """The bar may run ahead of the stream, but the segments in between still arrive."""
    ahead = {
        "type": "task_loaded",
        "task": {**TASK, "seq": 5, "progress_percentage": 35, "status": "processing"},
        "at": 0,
    }
    task = await task_after(page, loaded, ahead, segment(1, 0, "one"), progress(2, 20), segment(3, 1, "two"))
    assert [one["text"] for one in task["segments"]] == ["one", "two"]
    assert task["percentage"] == 35


async def test_the_estimate_is_smoothed(page: Page, loaded: dict[str, Any]) -> None:
    """One wild estimate moves the end only part of the way."""
    task = await task_after(page, loaded, progress(1, 11, at=0, eta=20), progress(2, 12, at=1000, eta=119))
    assert 20_000 < task["endsAt"] < 70_000
