"""Folders of this machine: what is found in them, and that nothing leads out."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.errors import CesarError
from app.infrastructure.storage.folders import ImportFolders
from app.services.folder_import import FoundFile


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """An allowed folder with one recording, beside another that is nobody's business."""
    for name in ("allowed", "secret"):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "inner" / "a.wav").write_bytes(name.encode())
    return tmp_path / "allowed"


@pytest.fixture
def folders(allowed: Path) -> ImportFolders:
    """With that folder alone."""
    return ImportFolders([allowed])


def read(folders: ImportFolders, found: FoundFile) -> bytes:
    """What an import takes."""
    with folders.open(found) as file:
        return file.read()


def test_recordings_below_an_allowed_folder_are_found_and_read(folders: ImportFolders, allowed: Path) -> None:
    """By their path below it."""
    (found,) = folders.find(str(allowed))
    assert (found.below, found.size_bytes) == ("inner/a.wav", 7)
    assert read(folders, found) == b"allowed"


def test_a_folder_that_is_exchanged_for_a_link_leads_nowhere(folders: ImportFolders, allowed: Path) -> None:
    """Between finding and reading somebody puts a link in the place of a folder: nothing is read behind it."""
    (found,) = folders.find(str(allowed))
    (allowed / "inner").rename(allowed / "moved")
    (allowed / "inner").symlink_to(allowed.parent / "secret" / "inner")
    with pytest.raises(CesarError, match="folder_refused"):
        read(folders, found)


def test_a_folder_that_cannot_be_looked_at_keeps_nobody_from_the_others(allowed: Path) -> None:
    """A share that is away, or a folder that is not the server's, is as if it were not named."""
    folders = ImportFolders([Path("/" + "x" * 300), allowed])
    assert folders.check(str(allowed)) == str(allowed)
    assert folders.there() == [str(allowed)]


def test_what_changes_while_it_is_read_is_refused(folders: ImportFolders, allowed: Path) -> None:
    """A recording that is still being written is taken when it is complete; one that is gone is no surprise."""
    (found,) = folders.find(str(allowed))
    with pytest.raises(CesarError, match="upload_interrupted"), folders.open(found):
        (allowed / "inner" / "a.wav").write_bytes(b"longer than before")
    (allowed / "inner" / "a.wav").unlink()
    with pytest.raises(CesarError, match="folder_refused"):
        read(folders, found)


def test_a_name_that_is_no_text_is_told(folders: ImportFolders, allowed: Path) -> None:
    """Disks of long ago have names in other encodings: such a recording is not left out in silence."""
    Path(os.fsdecode(os.fsencode(allowed) + b"/caf\xe9.wav")).write_bytes(b"x")
    strange = next(found for found in folders.find(str(allowed)) if found.problem)
    assert strange.below == "caf\ufffd.wav"
    with pytest.raises(CesarError, match="UTF-8"):
        read(folders, strange)


def test_a_folder_that_cannot_be_looked_into_is_told(
    folders: ImportFolders, allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are found all the same."""
    walk = os.fwalk

    def refused(root: str, onerror: Callable[[OSError], None], **more: bool) -> Iterator[object]:
        onerror(PermissionError(13, "Permission denied", "locked"))
        yield from walk(root, onerror=onerror, **more)

    monkeypatch.setattr(os, "fwalk", refused)
    told, found = folders.find(str(allowed))
    assert (told.below, told.problem) == ("locked", "Permission denied")
    assert read(folders, found) == b"allowed"
