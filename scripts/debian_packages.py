"""Owns the system packages that the tests need (never the program itself): a browser, and letters for it to draw.

Usage: python scripts/debian_packages.py
"""

import os
import shutil
import subprocess
from pathlib import Path

from console import CommandFailed, Console, stop

_APT_GET = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/System/Library/Fonts"))


def missing() -> list[str]:
    """Names of the Debian packages that are needed and not there."""
    packages = [] if any(map(shutil.which, _BROWSERS)) else ["chromium"]
    return packages if _has_fonts() else [*packages, "fonts-dejavu-core"]


def _has_fonts() -> bool:
    return any(next(folder.rglob("*.[to]t[fc]"), None) for folder in _FONT_FOLDERS)


def apt_get() -> list[str] | None:
    """How apt-get can be called without anybody typing a password; None where it cannot."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return _APT_GET
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", *_APT_GET]
    return None


def install(packages: list[str], console: Console) -> None:
    """Install Debian packages; ends the program with a clear message where that is not possible."""
    command = apt_get()
    by_hand = f"Please install by hand, then start again: {' '.join(packages)}"
    if command is None:
        stop(f"These system packages are needed, and there is no apt-get that may be used here.\n{by_hand}")
    console.say(f"Installing system packages: {' '.join(packages)}")
    try:
        console.run([*command, "update", "-q"])
        console.run([*command, "install", "-q", "-y", "--no-install-recommends", *packages])
    except CommandFailed as failure:
        stop(f"{failure} failed:\n{failure.tail}\n{by_hand}")


if __name__ == "__main__":
    needed = missing()
    if needed:
        install(needed, Console(Path(os.devnull)))
