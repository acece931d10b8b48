"""Owns the set-up: virtual environment, locked dependencies, engines. What is already done is not done again.

Usage: python3 scripts/set_up.py [--dev] [--engines-required]

Runs on the standard library alone. Each step leaves a stamp in the environment, made from the content of everything the step
depends on, so that a second run takes a moment and a changed pin is noticed.
"""

import argparse
import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import debian_packages
from console import CommandFailed, Console, constrained, pip_command, stop
from install_engines import REQUIREMENTS, ROOT, EnginesFailed, choose_build, constraints_of, install

VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
LOG: Final = ROOT / ".venv" / "set-up.log"


def fingerprint(*parts: str | Path) -> str:
    """A hash over texts and the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def is_stamped(step: str, key: str) -> bool:
    """Whether a step was done with exactly these ingredients."""
    stamp = VENV / f".{step}.stamp"
    return stamp.exists() and stamp.read_text() == key


def stamp(step: str, key: str) -> None:
    """Remember that a step was done with these ingredients."""
    (VENV / f".{step}.stamp").write_text(key)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time: a second `make` waits for the first instead of installing into the same folder."""
    with (ROOT / "pyproject.toml").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_environment() -> None:
    """Make `.venv`, or make it anew when its Python is gone or another one."""
    key = fingerprint(str(VENV), sys.version)
    if (
        is_stamped("python", key)
        and subprocess.run([PYTHON, "-c", ""], capture_output=True, check=False).returncode == 0
    ):
        return
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Setting Cesar up in {VENV} with Python {version}. The first time takes a few minutes.", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True, check=False).returncode != 0:
        # Debian cuts this part of Python's standard library off.
        debian_packages.install(["python3-venv"], Console(Path("/dev/null")))
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    stamp("python", key)


def install_cesar(console: Console, build: str, dev: bool) -> None:
    """Install Cesar itself and everything it imports; with `dev`, what checks and tests need too."""
    constraints = constraints_of(build)
    key = fingerprint(ROOT / "pyproject.toml", constraints, Path(__file__))
    steps = ["cesar", "dev"] if dev else ["cesar"]
    if all(is_stamped(step, key) for step in steps):
        return
    console.say("Installing Cesar and the development tools" if dev else "Installing Cesar")
    target = f"{ROOT}[dev]" if dev else str(ROOT)
    try:
        console.run(pip_command(PYTHON, "install", "-c", constraints, "-e", target), constrained(constraints))
    except CommandFailed as failure:
        stop(f"Cesar's dependencies could not be installed; everything pip said is in {LOG}.\n{failure.tail}")
    for step in steps:
        stamp(step, key)


def install_engines(console: Console, build: str, required: bool) -> None:
    """Install WhisperX; where that fails and is not `required`, say what the person gets instead, and go on."""
    key = fingerprint(
        build,
        constraints_of(build),
        *sorted(REQUIREMENTS.glob("engines-*.txt")),
        Path(__file__).with_name("install_engines.py"),
    )
    if build == "skip" or is_stamped("engines", key):
        return
    size = "about 7 GB" if build == "cuda" else "about 2 GB"
    console.say(f"Installing WhisperX and pyannote.audio for this machine ({build}, {size} on disk)")
    try:
        install(PYTHON, build, console)
    except EnginesFailed as failure:
        if required:
            stop(f"WhisperX could not be installed: {failure}\nThe tests need it; everything pip said is in {LOG}.")
        console.say(f"WhisperX could not be installed: {failure}")
        console.say("Going on with the small built-in engine (pocketsphinx: English only, more wrong words).")
        console.say(f"The next `make run` tries again. Everything pip said is in {LOG}.")
        return
    stamp("engines", key)


def main() -> None:
    """Do what is not done yet."""
    arguments = argparse.ArgumentParser(description="Set Cesar up in .venv.")
    arguments.add_argument("--dev", action="store_true", help="also install what checks and tests need")
    arguments.add_argument("--engines-required", action="store_true", help="fail when WhisperX cannot be installed")
    chosen = arguments.parse_args()
    try:
        build = choose_build()
    except EnginesFailed as failure:
        stop(str(failure))
    with alone():
        make_environment()
        console = Console(LOG)
        install_cesar(console, build, chosen.dev)
        install_engines(console, build, chosen.engines_required)


if __name__ == "__main__":
    main()
