"""Owns what the browser tests do on the page and see of it: drop files, find rows, remember what every bar showed."""

import asyncio
import base64
from pathlib import Path

from playwright.async_api import Locator, Page

WITNESS = """
window.witnessed = { percentages: [], texts: [], uploads: [], violations: [] };
document.addEventListener("securitypolicyviolation", (event) => window.witnessed.violations.push(event.violatedDirective));
document.addEventListener("DOMContentLoaded", () => {
  const look = () => {
    for (const row of document.querySelectorAll("[data-task]")) {
      const bar = row.querySelector(".bar[aria-valuenow]");
      const shown = { processing: window.witnessed.percentages, queued: window.witnessed.uploads }[row.dataset.status];
      if (!shown || !bar) continue;
      shown.push(Number(bar.getAttribute("aria-valuenow")));
      window.witnessed.texts.push(row.querySelector(".preview")?.textContent.length ?? 0);
    }
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
});
"""

DROP = """
(files) => {
  const goods = new DataTransfer();
  for (const { name, content } of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    goods.items.add(new File([bytes], name));
  }
  for (const type of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: goods, bubbles: true, cancelable: true }));
}
"""

FOCUS = """
(() => {
  const { activeElement: has } = document;
  if (has === document.body) return null;
  const rings = [null, "::after"].map((part) => getComputedStyle(has, part));
  const { top, bottom, width } = has.getBoundingClientRect();
  return {
    name: (has.getAttribute("aria-label") ?? has.labels?.[0]?.innerText ?? has.innerText).trim(),
    ring: Math.max(...rings.map(({ outlineStyle, outlineWidth }) => (outlineStyle === "none" ? 0 : parseFloat(outlineWidth)))),
    kind: has.localName,
    seen: width > 0 && bottom > 0 && top < innerHeight,
  };
})()
"""

DONE_WITHIN = 120_000
"""Milliseconds that a recording may take on a busy machine."""

CONNECTED_WITHIN = 30_000
"""Milliseconds that the connection may take to change."""


async def drop(page: Page, *files: tuple[str, bytes]) -> None:
    """Let files (name and content) fall onto the page, once it is there."""
    await page.locator(".drop").wait_for()
    await page.evaluate(DROP, [{"name": name, "content": base64.b64encode(data).decode()} for name, data in files])


async def drop_recording(page: Page, path: Path) -> Locator:
    """Drop one recording; the row of its Task."""
    await drop(page, (path.name, await asyncio.to_thread(path.read_bytes)))
    return row_of(page, path.name)


def row_of(page: Page, name: str) -> Locator:
    """The row of the Task of this file name."""
    return page.locator("[data-task]").filter(has=page.get_by_role("heading", name=name, exact=True))


async def wait_for_status(row: Locator, status: str) -> None:
    """Wait until the row shows this status."""
    await row.and_(row.page.locator(f"[data-status={status}]")).wait_for(timeout=DONE_WITHIN)


async def wait_for_connection(page: Page, state: str) -> None:
    """Wait until the page says that its connection is in this state."""
    await page.locator(f"#connection[data-state={state}]").wait_for(timeout=CONNECTED_WITHIN)


async def wait_for_text(row: Locator) -> None:
    """Wait until some of the transcript can be read."""
    await row.locator(".preview").wait_for(timeout=DONE_WITHIN)


async def text_of(row: Locator) -> str:
    """What the row shows of the transcript: the newest words while it runs, then the first."""
    return await row.locator(".preview").inner_text()


async def bar_of(row: Locator) -> int:
    """The percentage that the row's bar shows."""
    return int(await row.get_by_role("progressbar").get_attribute("aria-valuenow") or 0)


async def slow_down(page: Page, upload: int) -> None:
    """Let the page's uploads travel no faster than this, in bytes per second."""
    line = await page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
    await line.send("Network.emulateNetworkConditions", limits)


async def reach(page: Page, name: str, *, kind: str = "", most: int = 80) -> None:
    """Press Tab until the element of this name (and kind) has the focus; each stop on the way is in sight and has a ring around it."""
    on_the_way = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(FOCUS)
        if stop is None:
            continue
        assert stop["ring"] > 0, stop
        assert stop["seen"], stop
        if stop["name"] == name and kind in ("", stop["kind"]):
            return
        on_the_way.append(stop["name"])
    raise AssertionError(f"{name!r} is none of {on_the_way}")
