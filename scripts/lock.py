"""Owns the lock files: resolves what pyproject and the engines ask for, and writes the exact version of every package.

Usage: .venv/bin/python scripts/lock.py
"""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from console import CommandFailed, Console, pip_command, stop
from install_engines import REQUIREMENTS, ROOT, WHISPERX

_HEAD = """\
# Exact versions of every package ({build} build), written by `make lock`: do not edit.
# A range in pyproject.toml says what Cesar can work with; this says what it was tried with.
"""


def resolve(requirements: Path, console: Console) -> list[dict[str, Any]]:
    """What pip would install for Cesar, its tools and these engines together. Nothing is installed."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        options = ("--quiet", "--dry-run", "--ignore-installed", "--report", report)
        python = Path(sys.executable)
        console.run(pip_command(python, "install", *options, "-r", requirements, "-e", f"{ROOT}[dev]"))
        chosen: list[dict[str, Any]] = json.loads(report.read_text())["install"]
        return chosen


def lines_of(chosen: list[dict[str, Any]]) -> list[str]:
    """`name==version` of each package, sorted, without Cesar itself and without the label of a local build."""
    versions = {
        re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower(): item["metadata"]["version"].partition("+")[0]
        for item in chosen
        if not item.get("download_info", {}).get("dir_info", {}).get("editable")
    }
    name, version = WHISPERX.split("==")
    return [f"{package}=={number}" for package, number in sorted({**versions, name: version}.items())]


def main() -> None:
    """Write both lock files."""
    console = Console(Path("/dev/null"))
    for build in ("cpu", "cuda"):
        console.say(f"Resolving the {build} build")
        try:
            lines = lines_of(resolve(REQUIREMENTS / f"engines-{build}.txt", console))
        except CommandFailed as failure:
            stop(f"pip found no set of versions that fit together:\n{failure.tail}")
        target = REQUIREMENTS / f"locked-{build}.txt"
        target.write_text(_HEAD.format(build=build) + "\n".join(lines) + "\n")
        console.say(f"{target.relative_to(ROOT)}: {len(lines)} packages")


if __name__ == "__main__":
    main()
