"""Owns the names of files inside an archive: each once, and harmless wherever somebody unpacks it."""

import re
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
    """Gives out stems, one for each recording; `talk`, then `talk-2`, and never two that differ in case alone."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def stem(self, filename: str) -> str:
        """A name without its ending for whatever is made of this recording."""
        stem = harmless_stem(filename)
        number = self._numbers.get(stem.casefold(), 1)
        name = stem if number == 1 else f"{stem}-{number}"
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name.casefold())
        self._numbers[stem.casefold()] = number + 1
        return name


def harmless_stem(filename: str) -> str:
    """The name of a recording without its ending, fit for every file system."""
    name = safe_filename(filename)
    stem, dot, _ = name.rpartition(".")
    shown = _FORBIDDEN.sub("_", stem if dot and stem.strip(_LEADING) else name).lstrip(_LEADING)
    short = shown.encode()[:_LONGEST_STEM].decode(errors="ignore").rstrip(" .")
    if not short:
        return FALLBACK_NAME
    return f"_{short}" if short.partition(".")[0].strip().lower() in _DEVICES else short
