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


def sync_folder(folder: Path) -> None:
    """Make the names inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
