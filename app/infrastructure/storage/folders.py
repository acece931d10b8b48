"""Owns reading folders of this machine from which recordings are imported: nothing leads out of those that the admin named."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from app.domain.errors import CesarError
from app.domain.filenames import extension_of
from app.domain.options import MEDIA_EXTENSIONS
from app.services.folder_import import FoundFile

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LARGEST: Final = 2**63 - 1
_PLAIN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A named pipe must not make an import wait for whoever writes into it."""


class ImportFolders:
    """`app.services.folder_import.Folders` and `app.services.errand_intake.AllowedFolders` on the folders of the settings.

    A requested folder is followed through links and `..` once, and has to end below an allowed one; below it no link is followed, and
    every file is opened step by step from there, so that nothing which is exchanged meanwhile leads elsewhere.
    """

    def __init__(self, allowed: Iterable[Path]) -> None:
        self._allowed = tuple(allowed)

    def there(self) -> list[str]:
        """The allowed folders that are there. One that cannot even be looked at, such as a share that is away, hides no other."""
        # Path.is_dir raises where it may not look.
        return sorted(str(folder.absolute()) for folder in self._allowed if os.path.isdir(folder))  # noqa: PTH112

    def check(self, folder: str) -> str:
        """Where a folder really is. Raises `CesarError("folder_refused")` for one that is not there, or not below an allowed one."""
        try:
            asked = Path(folder)
            resolved = asked.resolve(strict=True) if asked.is_absolute() else None
            roots = [Path(root).resolve(strict=True) for root in self.there()]
        except (OSError, ValueError, RuntimeError):
            resolved, roots = None, []
        if resolved is None or not any(resolved.is_relative_to(root) for root in roots) or not resolved.is_dir():
            # The same answer for a folder that is not there: what else this machine has is nobody's business.
            raise CesarError("folder_refused")
        return str(resolved)

    def find(self, folder: str) -> list[FoundFile]:
        """Every recording below a folder, by name, and what cannot be looked into; hidden files and folders are left out."""
        root = self.check(folder)
        found: list[FoundFile] = []

        def tell(problem: OSError) -> None:
            name = _shown(str(problem.filename or ""))
            found.append(FoundFile(name, name, 0, 0, problem.strerror))

        for place, folders, names, descriptor in os.fwalk(root, follow_symlinks=False, onerror=tell):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if extension_of(name) in MEDIA_EXTENSIONS and not name.startswith("."):
                    path = os.path.join(place, name)  # noqa: PTH118 - what the walk gives are strings
                    found += _plain_file(path, os.path.relpath(path, root), name, descriptor)
        return found

    @contextmanager
    def open(self, found: FoundFile) -> Iterator[BinaryIO]:
        """Read one. Raises `CesarError`: `folder_refused` if it cannot be read as a plain file, `upload_interrupted` if it changes."""
        if found.problem is not None:
            raise CesarError("folder_refused", found.problem)
        root = self.check(found.path[: -len(found.below)] or "/")
        try:
            descriptor = _open_below(root, found.below)
        except OSError as problem:
            raise CesarError("folder_refused", problem.strerror) from None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CesarError("folder_refused", "it is no longer there as a plain file")
            yield file
            if _state(os.fstat(descriptor)) != (found.size_bytes, found.modified_ns):
                raise CesarError("upload_interrupted", "the file is still being written")


def _plain_file(path: str, below: str, name: str, folder: int) -> list[FoundFile]:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        path.encode()
    except OSError:
        return []
    except UnicodeEncodeError:
        return [FoundFile(_shown(path), _shown(below), 0, 0, "its name is not UTF-8")]
    return [FoundFile(path, below, *_state(status))] if stat.S_ISREG(status.st_mode) else []


def _shown(path: str) -> str:
    return os.fsencode(path).decode(errors="replace")


def _state(status: os.stat_result) -> tuple[int, int]:
    """Size and time of change; a time that a disk made up is brought into the range of what a database can keep."""
    return status.st_size, max(-_LARGEST, min(status.st_mtime_ns, _LARGEST))


def _open_below(root: str, below: str) -> int:
    """A descriptor of the file, reached from its root one step after the other, and through no link."""
    *folders, name = below.split("/")
    descriptor = os.open(root, _FOLDER)
    try:
        for folder in folders:
            inner = os.open(folder, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        return os.open(name, _PLAIN, dir_fd=descriptor)
    finally:
        os.close(descriptor)
