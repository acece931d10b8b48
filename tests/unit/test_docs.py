"""The documents say what the code does."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from app.core.config import Settings
from app.domain.errors import CATALOGUE, WARNINGS
from app.domain.events import Event
from app.domain.lifecycle import MOVES
from app.domain.progress import TaskProgressStage
from app.infrastructure.websocket.close_codes import CLOSE_CODES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def write_docs(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts/write_docs.py", *arguments], capture_output=True, text=True, check=False
    )


def rows_of(document: Path, table: str) -> dict[str, str]:
    """The rows of a written table by their first cell."""
    region = document.read_text().split(f"<!-- begin {table} -->")[1].split(f"<!-- end {table} -->")[0]
    cells = (re.match(r"\| `([^`]+)` \|(.*)", line) for line in region.splitlines())
    return {cell[1]: cell[2] for cell in cells if cell}


def test_every_setting_is_documented() -> None:
    """Each setting stands in the table of operations.md, with a meaning."""
    rows = rows_of(DOCS / "operations.md", "settings")
    assert set(rows) == {f"CESAR_{name.upper()}" for name in Settings.model_fields}
    assert [name for name, row in rows.items() if len(row.split("|")[1].strip()) < 10] == []


def test_every_error_is_documented() -> None:
    """Each code of the catalogue stands in errors.md with its sentence and its remedy."""
    rows = rows_of(DOCS / "errors.md", "errors")
    assert set(rows) == set(CATALOGUE)
    assert [
        code for code, row in rows.items() if CATALOGUE[code].sentence not in row or CATALOGUE[code].remedy not in row
    ] == []


def test_every_warning_is_documented() -> None:
    """Each warning stands in errors.md."""
    assert set(rows_of(DOCS / "errors.md", "warnings")) == set(WARNINGS)


def test_every_close_code_is_documented() -> None:
    """Each close code stands in errors.md, and the protocol names it."""
    assert set(rows_of(DOCS / "errors.md", "close-codes")) == {str(code) for code in CLOSE_CODES}
    protocol = (DOCS / "protocol.md").read_text()
    assert [code for code in CLOSE_CODES if not re.search(rf"\b{code}\b", protocol)] == []


def test_every_event_is_documented() -> None:
    """Each event type stands in architecture.md, and the protocol names it."""
    types = {kind.type for kind in get_args(Event)}
    assert set(rows_of(DOCS / "architecture.md", "events")) == types
    protocol = (DOCS / "protocol.md").read_text()
    assert [type_ for type_ in types if not re.search(rf"[`\"]{type_}[`\"]", protocol)] == []


def test_every_status_and_move_is_documented() -> None:
    """Each move of the lifecycle stands in architecture.md, and no other."""
    rows = rows_of(DOCS / "architecture.md", "moves")
    documented = {start: set(re.findall(r"`(\w+)`", targets)) for start, targets in rows.items()}
    assert documented == {start.value: {target.value for target in targets} for start, targets in MOVES.items()}


def test_every_stage_is_documented() -> None:
    """Each stage stands in architecture.md."""
    assert set(rows_of(DOCS / "architecture.md", "stages")) == {stage.value for stage in TaskProgressStage}


def test_tables_are_in_step() -> None:
    """`make docs` would change nothing."""
    result = write_docs("--check")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ("operations.md", "`CESAR_PORT`"),
        ("errors.md", "`4008`"),
        ("errors.md", "`worker_lost`"),
        ("architecture.md", "`segment`"),
    ],
)
def test_a_missing_row_is_noticed_and_written_again(tmp_path: Path, document: str, line: str) -> None:
    """Without one of its rows a document fails the check, and writing brings the row back."""
    copy = tmp_path / document
    whole = (DOCS / document).read_text()
    copy.write_text("".join(row for row in whole.splitlines(keepends=True) if not row.startswith(f"| {line} |")))
    assert copy.read_text() != whole
    assert write_docs("--check", "--folder", tmp_path).returncode == 1
    assert write_docs("--folder", tmp_path).returncode == 0
    assert copy.read_text() == whole


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link and picture of a document exists, and so does the heading that it points to."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        path = document.parent / name if name else document
        if not path.exists() or (heading and heading not in _anchors(path)):
            broken.append(target)
    assert broken == []


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_names_the_two_commands_first() -> None:
    """The first block of commands in the README is `make run` and `make test`, and the Makefile has both."""
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    assert [line.split("#")[0].strip() for line in block[1].splitlines()] == ["make run", "make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in ("run", "test"))


def test_make_targets_in_documents_exist() -> None:
    """No document tells to call a target that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for document in DOCUMENTS for name in re.findall(r"`make ([a-z-]+)", document.read_text())}
    assert named - targets == set()


def test_every_direct_dependency_is_locked_and_has_a_reason() -> None:
    """What pyproject.toml asks for is pinned in both lock files, within its range; run-time dependencies say why they are there."""
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    names = {_name(line) for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]}
    for build in ("cpu", "cuda"):
        locked = {
            _name(line) for line in (ROOT / f"requirements/locked-{build}.txt").read_text().splitlines() if "==" in line
        }
        assert names - locked == set(), "run `make lock`"
    block = text.split("dependencies = [")[1].split("\n]")[0]
    assert [line for line in block.splitlines() if line.strip().startswith('"') and "#" not in line] == []


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=~!\[ ;]", requirement)[0]).lower()


def test_decisions_carry_their_numbers() -> None:
    """No two decisions share a number, and each page's title carries its own."""
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert len({page.name[:4] for page in pages}) == len(pages)
    assert [page.name for page in pages if not page.read_text().startswith(f"# {int(page.name[:4])}. ")] == []


def test_copied_docs_are_whole(tmp_path: Path) -> None:
    """Writing every document of a copy changes none of them: no region is unknown, none is left open."""
    shutil.copytree(DOCS, tmp_path / "docs")
    assert write_docs("--folder", tmp_path / "docs").stdout == ""
    begins = [name for path in DOCS.rglob("*.md") for name in re.findall(r"<!-- begin ([\w-]+) -->", path.read_text())]
    ends = [name for path in DOCS.rglob("*.md") for name in re.findall(r"<!-- end ([\w-]+) -->", path.read_text())]
    assert begins == ends
