"""The page's own modules: node runs their tests, they stay small, and they ask nobody but this server for anything."""

import re
import subprocess
import sys
from pathlib import Path

from scripts import page_tools

ROOT = Path(__file__).resolve().parents[3]
FRONTEND = ROOT / "frontend"

MOST_BYTES_AT_FIRST = 60 * 1024
"""What a browser has to load before the page works."""

MOST_BYTES = 165 * 1024
MOST_LINES = 250

HOSTS_THAT_NAME_A_FORMAT = {"www.w3.org"}
"""Namespaces of XML: written like addresses, and never asked for anything."""


def own_modules() -> list[Path]:
    """Every module that is ours."""
    return sorted((FRONTEND / "js").rglob("*.js"))


def test_nodes_tests_pass() -> None:
    """`node --test` over tests/page; a failure shows what node said."""
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "page_tools.py", "test"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_own_modules_are_small() -> None:
    """All of them together and those of the first view, before compression, comments included; and none of them long."""
    sizes = {path.relative_to(FRONTEND).as_posix(): path.stat().st_size for path in own_modules()}
    first = {path.relative_to(FRONTEND).as_posix() for path in page_tools.first_view()}
    assert sum(size for name, size in sizes.items() if name in first) <= MOST_BYTES_AT_FIRST, sizes
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    assert not [path for path in own_modules() if len(path.read_text().splitlines()) > MOST_LINES]


def test_each_module_says_what_it_owns() -> None:
    """Its first line is a sentence."""
    assert not [path for path in own_modules() if not path.read_text().startswith("// Owns ")]


def test_nothing_names_another_host() -> None:
    """The page works without any network but the way to its server."""
    files = [
        *own_modules(),
        *FRONTEND.glob("*.html"),
        *FRONTEND.glob("*.svg"),
        *FRONTEND.glob("css/*.css"),
        *FRONTEND.glob("locale/*/*.json"),
    ]
    named = {
        (path.name, host) for path in files for host in re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", path.read_text())
    }
    assert {(name, host) for name, host in named if host not in HOSTS_THAT_NAME_A_FORMAT} == set()


def test_the_first_view_is_fetched_at_once() -> None:
    """`index.html` names the modules of the first view and all words, and nothing else; `page_tools.py preload` brings it up to date."""
    index = (FRONTEND / "index.html").read_text()
    assert page_tools.with_preloads(index) == index
