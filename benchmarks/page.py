"""What the page costs a browser: bytes, time to the first paint, the main thread under 50 events a second, ten hours of transcript.

A real chromium at a real server. Baselines are of the same run: the first paint of a bare answer of this server; the page while
nothing happens; the longest task while a transcript of three segments is opened. Of the main thread only processor time counts,
so that what else the machine does is no matter.

Usage: python -m benchmarks.page [SECONDS of events, 60 if not said]
"""

import asyncio
import json
import re
import sqlite3
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Browser, Page, WebSocketRoute, async_playwright

from benchmarks.machine import describe_machine
from tests.running_server import RunningServer

JS = (Path(__file__).parent.parent / "frontend" / "js").resolve()
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
TASKS = 30
EVENTS_A_SECOND = 50
LOADS = 7
SEGMENTS = 10_000
SCROLLS = 60

MOST_BYTES = 60 * 1024
MOST_PAINT = 1.0
MOST_BUSY = 0.30
MOST_TASK_MS = 100.0

FIRST_PAINT = """() => new Promise((done) => new PerformanceObserver((list) => done(list.getEntries()[0].startTime / 1000))
    .observe({ type: "paint", buffered: true }))"""


def loaded_at_once(start: str = "main.js") -> set[Path]:
    """A module, with every module of ours that it cannot run without."""
    waiting, found = [JS / start], set[Path]()
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        named = re.findall(
            r'^(?:import|export)\b[^;]*?from "(\.[^"]+)"|^import "(\.[^"]+)"', module.read_text(), re.MULTILINE
        )
        paths = [(module.parent / (first or second)).resolve() for first, second in named]
        waiting += [path for path in paths if path.is_relative_to(JS)]
    return found


def size(modules: set[Path]) -> int:
    """Bytes, uncompressed, comments included."""
    return sum(module.stat().st_size for module in modules)


async def first_paint(browser: Browser, url: str) -> float:
    """Seconds until something is seen, from an empty cache; the median."""
    taken: list[float] = []
    for _ in range(LOADS):
        page = await browser.new_page()
        await page.goto(url)
        taken.append(await page.evaluate(FIRST_PAINT))
        await page.close()
    return median(taken)


async def busy(page: Page, ids: list[str], url: str, seconds: float) -> tuple[float, float]:
    """The share of the main thread's time: while nothing happens, and while events come."""
    sockets: list[WebSocketRoute] = []

    async def meet(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    await page.route_web_socket("**/ws*", meet)
    await page.goto(url)
    await page.locator("[data-task]").nth(TASKS - 1).wait_for()
    line = await page.context.new_cdp_session(page)
    await line.send("Performance.enable", {"timeDomain": "threadTicks"})
    shares = []
    for rate in (0, EVENTS_A_SECOND):
        before, began = await computed(line), time.monotonic()
        length = seconds if rate else min(seconds, 10.0)
        for number in range(int(length * rate)):
            sockets[-1].send(json.dumps([progress(ids[number % TASKS], number, int(length * rate))]))
            await asyncio.sleep(max(0, began + (number + 1) / rate - time.monotonic()))
        await asyncio.sleep(max(0, began + length - time.monotonic()))
        shares.append((await computed(line) - before) / (time.monotonic() - began))
    return shares[0], shares[1]


def progress(task_id: str, number: int, of: int) -> dict[str, Any]:
    """One progress event, newer than whatever the server said."""
    part = number * 100 // of
    bar = {"stage": "transcribing", "percentage": 10 + part * 3 // 10, "stage_percentage": part, "message": ""}
    rest = {"eta_seconds": 60.0, "stalled": False, "timestamp": "2026-01-01T00:00:00+00:00"}
    return {"type": "progress", "task_id": task_id, "seq": 1_000 + number, **bar, **rest}


async def computed(line: Any) -> float:
    """Seconds for which the page's main thread has computed so far."""
    metrics = (await line.send("Performance.getMetrics"))["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


async def longest_task(browser: Browser, url: str, last: int) -> float:
    """Milliseconds that one task took of the main thread while a transcript was opened and scrolled to its end."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await browser.start_tracing(page=page, categories=["toplevel"])
    await page.goto(url)
    await page.locator(f"[data-index='0'][aria-setsize='{last + 1}']").wait_for(timeout=60_000)
    for _ in range(SCROLLS):
        await page.mouse.wheel(0, 3_000)
        await page.wait_for_timeout(30)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await page.locator(f"[data-index='{last}']").wait_for()
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    await page.close()
    threads = {(one["pid"], one["tid"]): one["args"]["name"] for one in events if one["name"] == "thread_name"}
    main = [
        one for one in events if "RunTask" in one["name"] and threads.get((one["pid"], one["tid"])) == "CrRendererMain"
    ]
    return float(max(one.get("tdur", 0) / 1000 for one in main))


def recording(folder: Path) -> Path:
    """Ten seconds of silence."""
    path = folder / "silence.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", ""))
        out.writeframes(bytes(2 * 8_000 * 10))
    return path


def lengthen(database: Path, task: str) -> None:
    """Put ten hours of words where a short transcript was."""
    with sqlite3.connect(database, timeout=30) as rows:
        (key,) = rows.execute("SELECT id FROM tasks WHERE uuid = ?", (task,)).fetchone()
        rows.execute("DELETE FROM segments WHERE task_id = ?", (key,))
        rows.executemany(
            'INSERT INTO segments (task_id, "index", start, "end", text, speaker, words) VALUES (?, ?, ?, ?, ?, ?, ?)',
            ((key, *segment(at)) for at in range(SEGMENTS)),
        )
        rows.execute("UPDATE tasks SET transcript_version = transcript_version + 1 WHERE id = ?", (key,))


def segment(at: int) -> tuple[Any, ...]:
    """Ten words in 3.6 seconds."""
    begin, speaker = at * 3.6, f"SPEAKER_{at // 5 % 3:02d}"
    words = [
        {
            "word": f"word{at * 10 + place}",
            "start": round(begin + place * 0.36, 3),
            "end": round(begin + place * 0.36 + 0.3, 3),
            "score": 0.9,
            "speaker": speaker,
        }
        for place in range(10)
    ]
    return at, begin, begin + 3.5, " ".join(str(one["word"]) for one in words), speaker, json.dumps(words)


def told(name: str, value: float, most: float, baseline: float, show: Callable[[float], str]) -> bool:
    """Print one figure beside its baseline and what was promised; whether the promise is kept."""
    kept = value <= most
    ratio = value / baseline if baseline else 0.0
    print(
        f"{name}: {show(value)} (promised: ≤ {show(most)}; baseline {show(baseline)}, ratio {ratio:.2f})   {'ok' if kept else 'MISSED'}"
    )
    return kept


async def measure(folder: Path, seconds: float) -> bool:
    """All that needs a browser; whether every promise is kept."""
    server = RunningServer(folder, diarize="false").start()
    try:
        base = f"http://127.0.0.1:{server.port}"
        (short,) = server.submit(recording(folder))
        (long,) = server.submit(recording(folder))
        for task in (short, long):
            server.finish(task)
        lengthen(server.database, long)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            browser_version = browser.version
            bare, paint = await first_paint(browser, f"{base}/health/live"), await first_paint(browser, base)
            plain = await longest_task(browser, f"{base}/#/tasks/{short}", 2)
            longest = await longest_task(browser, f"{base}/#/tasks/{long}", SEGMENTS - 1)
            ids = [server.submit(recording(folder), initial_prompt="hang")[0] for _ in range(TASKS)]
            idle, share = await busy(await browser.new_page(), ids, f"{base}/#/?status=open", seconds)
            await browser.close()
    finally:
        server.close()
    print(f"chromium {browser_version}; the baselines: a bare answer, three segments, the page at rest")
    return all(
        [
            told("first paint on loopback", paint, MOST_PAINT, bare, lambda value: f"{value:.2f} s"),
            told(
                f"longest task with {SEGMENTS} segments", longest, MOST_TASK_MS, plain, lambda value: f"{value:.0f} ms"
            ),
            told(
                f"main thread at {EVENTS_A_SECOND} events/s for {seconds:.0f} s",
                share,
                MOST_BUSY,
                idle,
                lambda value: f"{value:.1%}",
            ),
        ]
    )


def main() -> int:
    """Print figures, baselines and machine; 1 if a promise is not kept."""
    print(describe_machine("playwright", "uvicorn", "starlette"))
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    first, whole = loaded_at_once(), set(JS.rglob("*.js"))
    bytes_kept = told(
        "own JS of the first view", size(first), MOST_BYTES, size(whole), lambda value: f"{value / 1024:.1f} KiB"
    )
    print(f"   (its baseline is all own JS: {len(whole)} modules, {len(first)} of them loaded at once)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        kept = asyncio.run(measure(Path(folder), seconds))
    return 0 if kept and bytes_kept else 1


if __name__ == "__main__":
    sys.exit(main())
