"""Watching a folder for a library that is busy now and then."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.client.import_folder import FolderWish, watch_folder
from app.client.library_service import TakenIn
from app.client.recordings import Recording
from app.client.service import Accepted
from app.core.config import Settings
from app.domain.errors import CesarError


class BusyLibrary:
    """Refuses the first submission of each kind with `problem`, and remembers what was asked of it."""

    place = "a library"
    outlives_us = True

    def __init__(self, problem: Exception) -> None:
        self._problems = {"take_in": problem, "process": problem}
        self.asked: list[str] = []

    def known(self, sha256: str) -> None:
        """Nothing."""

    def take_in(self, recordings: Sequence[Recording]) -> TakenIn:
        """The second time."""
        self._ask("take_in")
        return TakenIn(tuple(recording.name for recording in recordings))

    def process(self, file_ids: Sequence[str], options: object) -> Accepted:
        """The second time."""
        self._ask("process")
        return Accepted("job", tuple(file_ids))

    def close(self) -> None:
        """Nothing is open."""

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if (problem := self._problems.pop(what, None)) is not None:
            raise problem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One recording."""
    (tmp_path / "a.wav").write_bytes(b"bytes")
    return tmp_path


def watch(folder: Path, library: BusyLibrary, monkeypatch: pytest.MonkeyPatch) -> int:
    """A few looks, then Ctrl-C."""
    looks = iter([None] * 4)

    def sleep(_seconds: float) -> None:
        if next(looks, "over") == "over":
            raise KeyboardInterrupt

    monkeypatch.setattr("app.client.import_folder.choose_service", lambda _server, _settings: library)
    monkeypatch.setattr("app.client.import_folder.time", SimpleNamespace(sleep=sleep))
    return watch_folder(FolderWish(str(folder), transcribe=True, quiet=True, settle_seconds=0), Settings())


def test_what_a_busy_library_did_not_take_is_offered_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the recording nor its transcription is forgotten, and both are asked for until they are accepted."""
    library = BusyLibrary(CesarError("unavailable"))
    assert watch(folder, library, monkeypatch) == 0
    assert library.asked == ["take_in", "take_in", "process", "process"]


def test_what_is_refused_for_good_is_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording that is none is not sent again until it changes, and the watch goes on."""
    library = BusyLibrary(CesarError("not_media"))
    assert watch(folder, library, monkeypatch) == 0
    assert library.asked == ["take_in"]
