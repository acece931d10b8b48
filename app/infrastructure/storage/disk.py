"""Owns what the operating system says about a full disk, and how files and folders are made durable."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.domain.errors import CesarError

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No space, over quota, or beyond the largest file this process may write: to a person all three are a full disk."""


@contextmanager
def reporting_full_disk() -> Iterator[None]:
    """Turn a full disk into `CesarError("disk_full")`; any other OSError passes."""
    try:
        yield
    except OSError as problem:
        if problem.errno in FULL:
            raise CesarError("disk_full", problem.strerror) from problem
        raise


def private(path: str, flags: int) -> int:
    """An opener: what it makes is its owner's alone, and a link is not followed."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def settle(path: Path, place: Path) -> None:
    """Move a complete file to its place for good; the folder of the place is made where it is missing.

    It gets the time of now: it may have waited for long, and what nobody claims yet is spared while it is young.
    """
    folder = place.parent
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
    os.utime(path)
    path.rename(place)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
