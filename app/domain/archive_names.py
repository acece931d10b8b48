"""Owns the names of files inside an archive: each once, and harmless wherever somebody unpacks it."""

import re
from collections.abc import Collection
from typing import Final

from app.domain.filenames import FALLBACK_NAME, safe_filename

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*]')
"""Not allowed in names on Windows."""
_LEADING: Final = " .-~"
"""Names that begin so are hidden, taken for options, or for somebody's home."""
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
"""What Windows takes for a device, whatever the ending."""
_LONGEST_STEM: Final = 200
"""In bytes of UTF-8: leaves room for a number and an ending."""


class ArchiveNames:
    """Gives out stems, one for each recording; `talk`, then `talk-2`, and no two whole names that differ in case alone.

    `endings` are those that every stem gets, without their dot.
    """

    def __init__(self, endings: Collection[str]) -> None:
        self._endings = endings
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def stem(self, filename: str) -> str:
        """A name without its ending for whatever is made of this recording."""
        stem = harmless_stem(filename)
        number = self._numbers.get(stem.casefold(), 1)
        name = stem if number == 1 else f"{stem}-{number}"
        while not self._taken.isdisjoint(whole := self._whole(name)):
            number += 1
            name = f"{stem}-{number}"
        self._taken |= whole
        self._numbers[stem.casefold()] = number + 1
        return name

    def _whole(self, stem: str) -> set[str]:
        """Stems alone do not tell: `talk` as `verbose.json` and `talk.verbose` as `json` are one name."""
        return {f"{stem}.{ending}".casefold() for ending in self._endings}


def harmless_stem(filename: str) -> str:
    """The name of a recording without its ending, fit for every file system."""
    name = safe_filename(filename)
    stem, dot, _ = name.rpartition(".")
    shown = _FORBIDDEN.sub("_", stem if dot and stem.strip(_LEADING) else name).lstrip(_LEADING)
    short = shown.encode()[:_LONGEST_STEM].decode(errors="ignore").rstrip(" .")
    if not short:
        return FALLBACK_NAME
    return f"_{short}" if short.partition(".")[0].strip().lower() in _DEVICES else short
