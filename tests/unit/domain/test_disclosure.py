"""What of a technical text leaves the server."""

import tempfile
import time
from pathlib import Path

import pytest

from app.domain.disclosure import shown_receiver, shown_text, shown_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, None),
        ("", ""),
        ("FileNotFoundError: [Errno 2] No such file: '/srv/cesar/media/ab/abcd'", "FileNotFoundError: [Errno 2] No such file: 'abcd'"),
        ("cannot open /mnt/models/whisper/model.bin: no rights", "cannot open model.bin: no rights"),
        ("moved '/a/b/one.wav' -> '/a/c/two.wav'", "moved 'one.wav' -> 'two.wav'"),
        ('open("/Users/Jane Doe/cesar/x.wav")', 'open("x.wav")'),
        ("in /var/lib/cesar/", "in cesar"),
        ("(/opt/models/small)", "(small)"),
        ("/dev/nvidia0 is busy, see /usr/lib/libcuda.so", "/dev/nvidia0 is busy, see /usr/lib/libcuda.so"),
        ("audio/x-wav and 24000/1001 and and/or", "audio/x-wav and 24000/1001 and and/or"),
        ("3 / 4 of it", "3 / 4 of it"),
        ("GET https://me:pw@host.example:8443/a/b.mp3?key=abc#t failed", "GET https://host.example:8443/a/b.mp3 failed"),
        ("organisation/name is no model", "organisation/name is no model"),
        ("cannot open file:///home/jane/secret/x.wav", "cannot open x.wav"),
        ("file://server/share/x.wav is gone", "x.wav is gone"),
        ("sqlite:////srv/jane/cesar.db is locked", "cesar.db is locked"),
        ("OSError:/srv/jane/x.wav", "OSError:x.wav"),
        ("postgresql://me:pw@db:5432/cesar refused", "postgresql://db:5432/cesar refused"),
        ("wss://me:pw@host.example/x?token=1", "wss://host.example/x"),
        ("https://me:p'a\"s<s@host.example/x?k=1 failed", "https://host.example/x failed"),
        ("https://me:pw@[::1/a failed", "https://[::1/a failed"),
        ("(C:\\Users\\Jane Doe\\x.wav)", "(x.wav)"),
        ("No such file: 'C:\\\\Users\\\\Jane Doe\\\\x.wav'", "No such file: 'x.wav'"),
        ("d:/Users/Jane Doe/x.wav", "x.wav"),
        ("copy C:\\a b\\one.wav to D:\\c\\two.wav", "copy one.wav to two.wav"),
        ("//host/share/jane/x.wav", "x.wav"),
        (r"\\host\share\jane doe\x.wav", "x.wav"),
        (r"expected \d+ and \n", r"expected \d+ and \n"),
    ],
)  # fmt: skip
def test_paths_lose_their_folders_and_addresses_their_keys(text: str | None, shown: str | None) -> None:
    """What is left names the file, the device or the server, and nothing of this machine's folders."""
    assert shown_text(text) == shown


def test_known_folders_are_cut_whatever_they_are_called() -> None:
    """The home folder, the one for temporary files and those that are named, also unquoted and with spaces."""
    text = f"{Path.home()}/a/b.wav, {tempfile.gettempdir()}/cesar-1/c.wav, /data of mine/media/d.wav"
    assert shown_text(text, ["/data of mine"]) == "b.wav, c.wav, d.wav"


def test_an_error_of_the_system_names_only_the_file(tmp_path: Path) -> None:
    """The text that Python really makes, for a folder with a space in its name."""
    folder = tmp_path / "Jane Doe"
    with pytest.raises(OSError, match="secret") as raised:
        (folder / "secret" / "talk.wav").read_bytes()
    assert shown_text(str(raised.value)) == "[Errno 2] No such file or directory: 'talk.wav'"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host.example/talk.mp3?token=secret", "https://host.example/talk.mp3"),
        ("https://user:secret@host.example:8443/talk.mp3#secret", "https://host.example:8443/talk.mp3"),
        ("http://[::1]:80/a?b", "http://[::1]:80/a"),
        ("http://[::1/a?secret", "http://[::1/a"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_key(url: str, shown: str) -> None:
    """Scheme, host, port and path stay."""
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.chat.example/services/T00/B00/secret?a=b", "https://hooks.chat.example"),
        ("http://user:secret@[::1]:8443/secret", "http://[::1]:8443"),
        ("http://host.example?secret", "http://host.example"),
    ],
)
def test_of_a_webhook_only_the_receiver_is_shown(url: str, shown: str) -> None:
    """Who knows the path may write there."""
    assert shown_receiver(url) == shown


def test_a_long_text_is_cut_in_no_time() -> None:
    """Whatever it looks like."""
    begun = time.process_time()
    for part in ("a.", "/a", "a:", "a/", "\\\\a", "c:\\", "'/a ", "a://"):
        shown_text(part * 20_000)
    assert time.process_time() - begun < 10
