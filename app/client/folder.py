"""Owns looking at a folder on the person's own disk: which recordings are in it, and which of them nobody writes to any more."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.client.recordings import Recording
from app.domain.filenames import extension_of, safe_filename
from app.domain.options import MEDIA_EXTENSIONS

State = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds: while both stay, so does the content."""


@dataclass(frozen=True, slots=True)
class Found:
    """A recording and the state in which it was seen."""

    recording: Recording
    path: Path
    state: State


def find(folder: Path) -> list[Found]:
    """Every recording below a folder, by name; hidden and empty files, and what links point to, are left out."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or extension_of(name) not in MEDIA_EXTENSIONS or path.is_symlink():
                continue
            state = state_of(path)
            if state is not None and state[0] > 0 and path.is_file():
                found.append(Found(Recording(safe_filename(name), path, None, state[0]), path, state))
    return found


def state_of(path: Path) -> State | None:
    """None for a file that is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def sha256_of(path: Path) -> str:
    """In lower-case hex. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Watch:
    """A folder that is looked at again and again: each recording is given out once, and again if it changes.

    One that is still being written keeps changing; it is given out when it has been the same for `settle_seconds`.
    """

    folder: Path
    settle_seconds: float
    clock: Callable[[], float] = time.monotonic
    _taken: dict[Path, State] = field(default_factory=dict)
    _since: dict[Path, tuple[State, float]] = field(default_factory=dict)

    def look(self) -> list[Found]:
        """What is new, and complete."""
        return [found for found in find(self.folder) if self._is_ready(found)]

    def took(self, found: Found) -> None:
        """It needs not be given out again in this state."""
        self._taken[found.path] = found.state
        self._since.pop(found.path, None)

    def put_off(self, found: Found) -> None:
        """It could not be taken just now: it is given out again after the time that a new one has to wait."""
        self._since[found.path] = (found.state, self.clock())

    def _is_ready(self, found: Found) -> bool:
        if self._taken.get(found.path) == found.state:
            return False
        state, since = self._since.get(found.path, (None, 0.0))
        if state != found.state:
            self._since[found.path] = (found.state, self.clock())
            return self.settle_seconds <= 0
        return self.clock() - since >= self.settle_seconds
