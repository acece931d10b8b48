"""Owns what the person named on the command line: files of this machine and web addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from app.domain.filenames import safe_filename


class UsageError(Exception):
    """The command cannot be carried out as it was given; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One argument: a file (`path`, `size` in bytes) or an address (`url`). `name` is what is shown and what outputs are named after."""

    name: str
    path: Path | None = None
    url: str | None = None
    size: int = 0


def find_recordings(arguments: Sequence[str]) -> list[Recording]:
    """The recordings that were named.

    Raises:
        UsageError: a file is not there, is no file, is empty, or may not be read.
    """
    return [_address(argument) if _is_address(argument) else _file(argument) for argument in arguments]


def _is_address(argument: str) -> bool:
    return argument.lower().startswith(("http://", "https://"))


def _address(argument: str) -> Recording:
    try:
        path = unquote(urlsplit(argument).path)
    except ValueError as problem:
        raise UsageError(f"{argument} is not a web address: {problem}.") from None
    return Recording(name=safe_filename(PurePosixPath(path).name), url=argument)


def _file(argument: str) -> Recording:
    path = Path(argument)
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
    except IsADirectoryError:
        raise UsageError(
            f"{argument} is a folder: name the files in it, for example {argument.rstrip('/')}/*."
        ) from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else None
        raise UsageError(f"{argument} cannot be read: {reason or problem}.") from None
    if size == 0:
        raise UsageError(f"{argument} is empty.")
    return Recording(name=safe_filename(path.name), path=path, size=size)
