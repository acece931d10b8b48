"""Owns where transcripts go: standard output, one file, or a folder with one file per recording."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from app.client.recordings import Recording, UsageError
from app.services.export_service import MEDIA_TYPES, ending_of

FORMATS: Final = tuple(MEDIA_TYPES)
_JOINABLE: Final = ("json", "verbose_json", "diarized_json", "txt", "md")
"""Formats of which several transcripts can follow each other in one stream: a line of JSON each, or texts under headings."""


class Destination(Protocol):
    """Takes finished transcripts, in any order."""

    def deliver(self, position: int, transcript: bytes | None) -> str | None:
        """The transcript of the recording at `position` (None: it has none); the file it went to, if it is one. Raises OSError."""

    def close(self) -> None:
        """Write what was held back. Raises OSError."""


def choose_format(wanted: str | None, output: str | None) -> str:
    """The format asked for, else the one that the output file's ending names, else txt. Raises `UsageError`."""
    chosen = wanted or _format_of(output or "") or "txt"
    if chosen not in FORMATS:
        raise UsageError(f"--format must be one of {', '.join(FORMATS)}.")
    return chosen


def choose_destination(output: str | None, wanted: str, recordings: Sequence[Recording]) -> Destination:
    """Where the transcripts go; found out, and made, before any work begins.

    Raises:
        UsageError: the place cannot be written, or the format does not allow several transcripts in one stream.
    """
    if output in (None, "-"):
        if len(recordings) > 1 and wanted not in _JOINABLE:
            raise UsageError(f"Several {wanted} transcripts cannot share one stream: give --output FOLDER.")
        if wanted == "docx" and sys.stdout.isatty():
            raise UsageError("A docx transcript is nothing for a terminal: give --output FILE.")
        return Stream(wanted, [recording.name for recording in recordings])
    place = Path(output or "")
    if place.is_dir() or len(recordings) > 1 or str(output).endswith(os.sep):
        return Files(_made_folder(place), names_of(recordings, wanted))
    return Files(_existing_folder(place), [place.name])


def names_of(recordings: Sequence[Recording], wanted: str) -> list[str]:
    """A file name for each: `talk.txt` for `talk.mp3`, the longer `talk.wav.txt` and `talk-2.txt` where that is taken."""
    taken: set[str] = set()
    names = []
    for recording in recordings:
        stem = Path(recording.name).stem
        candidates = [stem, recording.name, *(f"{stem}-{number}" for number in range(2, len(recordings) + 2))]
        name = next(
            name for name in (f"{base}.{ending_of(wanted)}" for base in candidates) if name.casefold() not in taken
        )
        taken.add(name.casefold())
        names.append(name)
    return names


class Stream:
    """Standard output, in the order in which the recordings were named. A terminal gets everything at the end, below the progress."""

    def __init__(self, wanted: str, names: Sequence[str]) -> None:
        self._headed = wanted == "txt" and len(names) > 1
        self._is_text = wanted != "docx"
        self._names = names
        self._waiting: dict[int, bytes | None] = {}
        self._next = 0
        self._held = sys.stdout.isatty()

    def deliver(self, position: int, transcript: bytes | None) -> str | None:
        """Keep it until its turn."""
        self._waiting[position] = transcript
        if not self._held:
            self._write_ready()
        return None

    def close(self) -> None:
        """Write what is left, also behind a recording that never got its turn."""
        for position in range(self._next, len(self._names)):
            self._waiting.setdefault(position, None)
        self._write_ready()

    def _write_ready(self) -> None:
        while self._next in self._waiting:
            self._write(self._next, self._waiting.pop(self._next))
            self._next += 1
        sys.stdout.flush()

    def _write(self, position: int, transcript: bytes | None) -> None:
        if transcript is None:
            return
        if self._headed:
            transcript = f"==> {self._names[position]} <==\n".encode() + transcript + b"\n"
        if self._is_text and not transcript.endswith(b"\n"):
            transcript += b"\n"
        sys.stdout.buffer.write(transcript)


class Files:
    """One file per recording, replaced if it is there already."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._names = names

    def deliver(self, position: int, transcript: bytes | None) -> str | None:
        """Write it at once."""
        if transcript is None:
            return None
        target = self._folder / self._names[position]
        target.write_bytes(transcript)
        return str(target)

    def close(self) -> None:
        """Everything is written."""


def _format_of(output: str) -> str | None:
    """The format whose files end like this."""
    fitting = [wanted for wanted in FORMATS if output.lower().endswith(f".{ending_of(wanted)}")]
    return max(fitting, key=len, default=None)


def _made_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"{folder} cannot be a folder for the transcripts: {problem.strerror}.") from None
    return _writable(folder)


def _existing_folder(file: Path) -> Path:
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent} to write {file.name} into.")
    return _writable(file.parent)


def _writable(folder: Path) -> Path:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"The folder {folder} cannot be written.")
    return folder
