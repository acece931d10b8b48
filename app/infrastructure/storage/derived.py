"""Owns where things rest that were made from recordings: derived/ab/<32 hex digits>.<kind>, made once and kept until the recording goes."""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from app.infrastructure.storage.disk import private, reporting_full_disk

FOLDER: Final = "derived"
LOOK_SECONDS: Final = 0.1
_NAME: Final = re.compile(r"([0-9a-f]{32})\.([a-z0-9]+)(?:\.part)?", re.ASCII)


class LocalDerived:
    """The `DerivedFiles` port below the folder of the media; everything inside can be deleted at any time."""

    def __init__(self, media: Path) -> None:
        self._root = media / FOLDER
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def find(self, key: str, kind: str) -> Path | None:
        """Where it is, if it was made."""
        place = self._place(key, kind)
        return place if place.is_file() else None

    def make(self, key: str, kind: str, make: Callable[[BinaryIO], None], check: Callable[[], None]) -> None:
        """Have it made. One makes it; whoever asks meanwhile, in any process, waits for that one."""
        place = self._place(key, kind)
        with reporting_full_disk():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            _make_once(place, make, check)

    def keys(self) -> Iterator[str]:
        """Of which objects something is kept, or was begun."""
        for path in self._root.glob("??/*"):
            if found := _NAME.fullmatch(path.name):
                yield found[1]

    def remove(self, key: str) -> None:
        """Forget everything that was made from an object; what is being made now is finished for those who wait, and kept by nobody."""
        remove_derived(self._root.parent, key)

    def _place(self, key: str, kind: str) -> Path:
        return self._root / key[:2] / f"{key}.{kind}"


def remove_derived(media: Path, key: str) -> None:
    """Forget everything that was made from the object with this key."""
    for path in (media / FOLDER / key[:2]).glob(f"{key}.*"):
        path.unlink(missing_ok=True)


def _make_once(place: Path, make: Callable[[BinaryIO], None], check: Callable[[], None]) -> None:
    unfinished = place.with_name(f"{place.name}.part")
    with open(unfinished, "ab", opener=private) as file:
        _lock(file, check)
        # Whoever had the lock before has finished, failed, or died in the middle.
        if place.exists():
            unfinished.unlink(missing_ok=True)
            return
        _fill(file, make)
        with suppress(FileNotFoundError):  # the recording was deleted meanwhile
            unfinished.rename(place)


def _fill(file: BinaryIO, make: Callable[[BinaryIO], None]) -> None:
    file.truncate(0)
    try:
        make(file)
    except BaseException:
        file.truncate(0)  # the name stays for those who wait for their turn
        raise
    file.flush()
    os.fsync(file.fileno())


def _lock(file: BinaryIO, check: Callable[[], None]) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            check()
            time.sleep(LOOK_SECONDS)
        else:
            return
