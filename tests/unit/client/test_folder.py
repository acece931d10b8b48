"""Looking at a folder: what is complete is given out, once."""

from pathlib import Path

from app.client.folder import Watch, find


def test_a_recording_is_given_out_when_it_stays_the_same(tmp_path: Path) -> None:
    """One that grows is waited for; one that was taken comes again only when it changes."""
    now = 0.0
    watch = Watch(tmp_path, settle_seconds=5, clock=lambda: now)
    file = tmp_path / "a.wav"
    for now in (0.0, 4.0, 8.0):
        file.write_bytes(b"x" * (1 + int(now)))
        assert watch.look() == []
    now = 12.9
    assert watch.look() == []
    now = 13.0
    (found,) = watch.look()
    assert found.path == file
    assert watch.look() == [found]  # it could not be taken yet
    watch.took(found)
    assert watch.look() == []
    file.write_bytes(b"other content")
    assert watch.look() == []
    now = 18.0
    assert [one.path for one in watch.look()] == [file]


def test_only_recordings_are_found(tmp_path: Path) -> None:
    """Hidden and empty files, links, and what is no media by its name are left out; deeper folders are looked into."""
    (tmp_path / "deeper" / ".git").mkdir(parents=True)
    for name in ("b.MP3", "deeper/a.wav", "deeper/.git/c.wav", ".d.wav", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "link.wav").symlink_to(tmp_path / "b.MP3")
    assert [one.recording.name for one in find(tmp_path)] == ["b.MP3", "a.wav"]
