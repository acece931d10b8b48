"""The command `cesar` as a process of its own: started, written down, interrupted, judged by what it leaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running_server import ROOT, is_running, wait_for

AUDIO = ROOT / "tests" / "fixtures" / "audio"
SMALL_ENGINE = "pocketsphinx"

Result = subprocess.CompletedProcess[str]


class Command:
    """`python -m app.cli` with a data folder of its own; `settings` are names of settings without their prefix."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self._told = folder.with_name(
            f"{folder.name}-stderr.txt"
        )  # beside it: that nothing is made in it may be the point
        given = {"data_dir": folder / "data", "engine": SMALL_ENGINE, "offline": True, **settings}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CESAR_", "HF_"))}
        self._environment = kept | {f"CESAR_{name.upper()}": str(value) for name, value in given.items()}

    def run(self, *arguments: str | Path, seconds: float = 90) -> Result:
        """Run to the end."""
        with self.started(*arguments) as process:
            out, _ = process.communicate(timeout=seconds)
            return Result(process.args, process.returncode, out, self.told)

    @property
    def told(self) -> str:
        """What the command started last has written to stderr so far."""
        return self._told.read_text()

    @contextmanager
    def started(self, *arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
        """Start; what still runs at the end is killed."""
        command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
        with self._told.open("wb") as told:
            process = subprocess.Popen(
                command, env=self._environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=told, text=True
            )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def interrupt(self, process: "subprocess.Popen[str]", when: Callable[[], bool], seconds: float = 60) -> Result:
        """SIGINT as soon as something is so; how it ended."""
        wait_for(when, seconds)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=seconds)
        return Result(process.args, process.returncode, out, self.told)


def ended(pids: list[int]) -> bool:
    """Whether none of these processes runs."""
    return not any(is_running(pid) for pid in pids)
