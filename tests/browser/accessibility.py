"""Owns the look for barriers: axe-core in the page, and what it finds of weight."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[2]
AXE = Path(sys.prefix) / "page" / "node_modules" / "axe-core" / "axe.min.js"


@cache
def axe() -> str:
    """axe-core, of the version that the page's lock names."""
    subprocess.run([sys.executable, ROOT / "scripts" / "page_tools.py", "install"], check=True)
    return AXE.read_text()


async def serious(page: Page) -> list[tuple[str, list[str]]]:
    """What is serious or critical, with the elements concerned. Evaluated, since the page's policy lets no foreign script in.

    With the rule that axe leaves off by itself: what is pressed measures 24 px, or has that much room around it.
    """
    await page.evaluate(axe())
    found: dict[str, Any] = await page.evaluate("axe.run({ rules: { 'target-size': { enabled: true } } })")
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


SMALL = """[...document.querySelectorAll("a, button, input, select, textarea, summary")].flatMap(one => {
    const {width, height} = (one.closest("label") ?? one).getBoundingClientRect();
    const hidden = !one.checkVisibility() || one.closest(".skip") || !width;
    return hidden || (width >= 24 && height >= 24) ? [] : [`${one.outerHTML.slice(0, 120)} ${width} × ${height}`];
})"""
"""What can be pressed and is less than 24 px wide or high; of what has a label, the label."""
