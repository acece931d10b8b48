"""Owns the line that every benchmark prints first: on what it ran."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def describe_machine(*packages: str) -> str:
    """Cores, processor, Python, and the versions of the packages that matter to the figures below it."""
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    usable = len(os.sched_getaffinity(0))
    return f"{usable} cores, {_processor()}, Python {platform.python_version()}, {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
