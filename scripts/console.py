"""Owns what the set-up shows: one line per step with the time so far, and pip's progress in short."""

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

_ACTIVITY = re.compile(
    r"^\s*(?:Collecting (?P<collecting>[\w.\-\[\]]+)"
    r"|Downloading (?:\S*/)?(?P<downloading>[^\s/]+?)-\d\S* \((?P<size>[^)]+)\)"
    r"|Processing (?:\S*/)?(?P<local>[^\s/]+?)-\d\S*"
    r"|Building (?:wheel|editable) for (?P<building>[\w.\-]+)"
    r"|(?P<preparing>Preparing|Installing build|Getting requirements).*"
    r"|Installing collected packages: (?P<installing>.*))"
)
_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_OF_SILENCE = 15.0


class CommandFailed(Exception):
    """A command of the set-up failed; `tail` holds its last lines."""

    def __init__(self, command: Sequence[str], tail: str) -> None:
        super().__init__(" ".join(command))
        self.tail = tail


class Console:
    """Prints steps; everything a command says goes to `log`, and only its gist to the person who waits."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """One line with the minutes and seconds since the beginning."""
        elapsed = int(time.monotonic() - self._started)
        print(f"[{elapsed // 60}:{elapsed % 60:02}] {text}", flush=True)

    def run(self, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
        """Run a command, showing what it is at; its output.

        Raises:
            CommandFailed: its exit status was not 0.
        """
        words = [str(word) for word in command]
        with self._log.open("a") as log:
            log.write(f"\n$ {' '.join(words)}\n")
            with subprocess.Popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                env=dict(env) if env is not None else None,
            ) as process:
                output = self._follow(process.stdout or (), log)
        if process.returncode != 0:
            raise CommandFailed(words, "".join(output[-40:]))
        return "".join(output)

    def _follow(self, stream: Iterable[str], log: IO[str]) -> list[str]:
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_pump, args=(stream, lines), daemon=True).start()
        output: list[str] = []
        activity, shown, shown_at = "", "", time.monotonic()
        while (line := _next_line(lines)) is not None:
            output.append(line)
            log.write(line)
            activity = describe(line) or activity
            since = time.monotonic() - shown_at
            if activity and since > (_SECONDS_OF_SILENCE if activity == shown else _SECONDS_BETWEEN_LINES):
                self.say(f"  {activity}")
                shown, shown_at = activity, time.monotonic()
        return output


def _pump(stream: Iterable[str], lines: "queue.Queue[str | None]") -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _next_line(lines: "queue.Queue[str | None]") -> str | None:
    """The next line, None at the end, an empty string after a second in which nothing was said."""
    try:
        return lines.get(timeout=1.0)
    except queue.Empty:
        return ""


def describe(line: str) -> str | None:
    """What a line of pip's output says it is at, in a few words; None if it is of no interest."""
    match = _ACTIVITY.match(line)
    if match is None:
        return None
    if match["installing"]:
        return f"putting {match['installing'].count(',') + 1} packages in place …"
    if match["downloading"]:
        return f"downloading {match['downloading']} ({match['size']})"
    if match["building"]:
        return f"building {match['building']} …"
    if match["preparing"]:
        return "preparing a build …"
    return f"fetching {match['collecting'] or match['local']} …"


def pip_command(python: Path, *words: str | Path) -> list[str | Path]:
    """A pip command line that neither asks nor draws bars."""
    return [python, "-m", "pip", "--disable-pip-version-check", "--no-input", *words]


def constrained(constraints: Path) -> dict[str, str]:
    """The environment in which pip's own builds take the locked versions too."""
    return {**os.environ, "PIP_CONSTRAINT": str(constraints), "PIP_PROGRESS_BAR": "off", "PYTHONUNBUFFERED": "1"}


def stop(text: str) -> NoReturn:
    """End the set-up with a message for the person who started it."""
    print(f"\n{text}", file=sys.stderr, flush=True)
    raise SystemExit(1)
