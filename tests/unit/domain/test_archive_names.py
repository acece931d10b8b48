"""Names inside archives: each once, and harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.archive_names import ArchiveNames, harmless_stem


@pytest.mark.parametrize(
    ("filename", "stem"),
    [
        ("talk.mp3", "talk"), ("a.b.wav", "a.b"), ("../../etc/passwd", "passwd"), ("..", "recording"), ("", "recording"),
        (".hidden.wav", "hidden"), ("-rf.wav", "rf"), ("~root.wav", "root"), ("C:\\x\\y.wav", "y"), ("a:b|c?.wav", "a_b_c_"),
        ("CON.mp3", "_CON"), ("nul.tar.wav", "_nul.tar"), ("ende. .wav", "ende"), ("tonspur", "tonspur"),
    ],
)  # fmt: skip
def test_a_stem_is_harmless(filename: str, stem: str) -> None:
    """No path, nothing hidden, no option, no device of Windows."""
    assert harmless_stem(filename) == stem


@given(st.lists(st.text(max_size=300), max_size=30))
def test_names_are_unique_and_stay_where_they_are_unpacked(filenames: list[str]) -> None:
    """Whatever recordings are called: never twice the same, also without regard to case, and never a way out."""
    endings = ("json", "verbose.json", "txt")
    names = ArchiveNames(endings)
    stems = [names.stem(filename) for filename in filenames]
    whole = {f"{stem}.{ending}".casefold() for stem in stems for ending in endings}
    assert len(whole) == len(stems) * len(endings)
    for stem in stems:
        assert stem
        assert not set(stem) & set('/\\:*?"<>|\0\n')
        assert stem[0] not in ".-~ "
        assert len(stem.encode()) < 230


def test_copies_are_numbered_from_two() -> None:
    """A number that is somebody's name already is left out."""
    names = ArchiveNames(["txt"])
    assert [names.stem(name) for name in ("a.wav", "A.wav", "a-2.wav", "a.mp3")] == ["a", "A-2", "a-2-2", "a-3"]


def test_an_ending_of_two_parts_is_no_other_recordings_name() -> None:
    """`talk` as verbose JSON is `talk.verbose.json`, which a recording called `talk.verbose` as JSON would be as well."""
    names = ArchiveNames(["json", "verbose.json"])
    assert [names.stem(name) for name in ("talk.wav", "talk.verbose.wav")] == ["talk", "talk.verbose-2"]
