"""Owns the tables in docs/ that follow from the code: settings, errors, close codes, events, status moves, stages, log lines.

Usage: .venv/bin/python scripts/write_docs.py [--check]

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. `--check` writes nothing and fails when a table is not
what the code says.
"""

import argparse
import ast
import dataclasses
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, get_args

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.core.config import Settings  # noqa: E402 - the tables show this checkout, wherever else Cesar may be installed
from app.domain.errors import CATALOGUE, WARNINGS  # noqa: E402
from app.domain.events import Event  # noqa: E402
from app.domain.lifecycle import MOVES, JobStatus  # noqa: E402
from app.domain.progress import ANCHORS  # noqa: E402
from app.infrastructure.websocket.close_codes import CLOSE_CODES, CloseCode  # noqa: E402

_REGION = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n).*?(<!-- end (?P=name) -->)", re.DOTALL)
_LEVELS = ("debug", "info", "warning", "error", "exception")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(head)]
    lines.append(["---"] * len(lines[0]))
    lines.extend([[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def settings() -> str:
    """Every setting: the name in the environment, the default, the meaning."""
    rows = (
        (f"`CESAR_{name.upper()}`", _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return table(("variable", "default", "meaning"), rows)


def _default(value: object) -> str:
    if value is None or value == frozenset() or not isinstance(value, str | int | float | bool):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def errors() -> str:
    """The catalogue of errors."""
    rows = (
        (f"`{e.code}`", str(e.http_status), "yes" if e.retryable else "no", e.sentence, e.remedy)
        for e in CATALOGUE.values()
    )
    return table(("code", "HTTP", "retryable", "what it says", "what to do"), rows)


def warnings() -> str:
    """The warnings that a Task can carry."""
    return table(("code", "what it says"), ((f"`{code}`", sentence) for code, sentence in WARNINGS.items()))


def close_codes() -> str:
    """Every code with which a socket ends."""
    rows = (
        (f"`{c.code}`", c.name, _come_back(c), c.meaning) for c in sorted(CLOSE_CODES.values(), key=lambda c: c.code)
    )
    return table(("code", "name", "connect again", "meaning"), rows)


def _come_back(close_code: CloseCode) -> str:
    return "yes" if close_code.come_back else "no"


def events() -> str:
    """Every event of a Task, with the fields of its own."""
    rows = (
        (f"`{kind.type}`", ", ".join(f"`{field.name}`" for field in dataclasses.fields(kind)), _first_line(kind))
        for kind in get_args(Event)
    )
    return table(("type", "fields beside `type`, `task_id`, `seq`, `timestamp`", "meaning"), rows)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def moves() -> str:
    """Every move of the life of a Task."""
    rows = (
        (f"`{status.value}`", ", ".join(f"`{s.value}`" for s in JobStatus if s in MOVES[status]) or "–")
        for status in MOVES
    )
    return table(("from", "to"), rows)


def stages() -> str:
    """The stages of a running Task."""
    rows = (
        (f"`{stage.value}`", str(first) if first == last else f"{first}–{last}")
        for stage, (first, last) in ANCHORS.items()
    )
    return table(("stage", "percent"), rows)


def log_lines() -> str:
    """Every line that Cesar itself can write to its log."""
    found = {line for path in sorted((ROOT / "app").rglob("*.py")) for line in _logged(path)}
    return table(("line", "level", "keys"), sorted(found))


def _logged(path: Path) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="logger"), attr=level),
                args=[ast.Constant(value=str(event)), *_],
                keywords=keywords,
            ) if level in _LEVELS:
                keys = ", ".join(f"`{keyword.arg}`" for keyword in keywords if keyword.arg)
                yield f"`{event}`", "error, with traceback" if level == "exception" else level, keys


TABLES: Final[dict[str, Callable[[], str]]] = {
    "settings": settings,
    "errors": errors,
    "warnings": warnings,
    "close-codes": close_codes,
    "events": events,
    "moves": moves,
    "stages": stages,
    "log-lines": log_lines,
}


def rendered(text: str) -> str:
    """A document with all its tables as the code has them. Raises KeyError for a region that has no table."""
    return _REGION.sub(lambda region: f"{region[1]}{TABLES[region['name']]()}{region[3]}", text)


def main() -> None:
    """Write, or check, every document."""
    arguments = argparse.ArgumentParser(description="Write the tables of the documentation.")
    arguments.add_argument("--check", action="store_true", help="write nothing, fail when a table is out of step")
    arguments.add_argument("--folder", type=Path, default=ROOT / "docs", help="where the documents are")
    chosen = arguments.parse_args()
    behind = [path for path in sorted(chosen.folder.rglob("*.md")) if rendered(path.read_text()) != path.read_text()]
    for path in behind:
        print(f"{path.name} {'is not in step with the code: run `make docs`' if chosen.check else 'written'}")
        if not chosen.check:
            path.write_text(rendered(path.read_text()))
    raise SystemExit(1 if chosen.check and behind else 0)


if __name__ == "__main__":
    main()
