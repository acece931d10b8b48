"""A download gets the name that its server gives it, else that of its address; always a safe one."""

import pytest

from app.infrastructure.media.disposition import download_filename


@pytest.mark.parametrize(
    ("disposition", "path", "name"),
    [
        (None, "/a/speech.mp3", "speech.mp3"),
        ("", "/a/sp%C3%A9ech%20one.mp3", "spéech one.mp3"),
        (None, "/", "recording"),
        (None, "/a/..%2f..%2fetc%2fpasswd", "passwd"),
        ("attachment", "/a.mp3", "a.mp3"),
        ("inline", "/a.mp3", "a.mp3"),
        ('attachment; filename="talk.wav"', "/dl", "talk.wav"),
        ("attachment; filename=talk.wav", "/dl", "talk.wav"),
        ('ATTACHMENT; FILENAME="talk.wav"', "/dl", "talk.wav"),
        ("attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.wav", "/dl", "résumé.wav"),
        ("attachment; filename=\"plain.wav\"; filename*=utf-8'en'better%20name.wav", "/dl", "better name.wav"),
        ("attachment; filename*=iso-8859-1''na%EFve.mp3", "/dl", "naïve.mp3"),
        ("attachment; filename*=klingon''x.mp3", "/dl", "x.mp3"),
        ('attachment; filename="a;b.wav"', "/dl", "a;b.wav"),
        ('attachment; filename="../../etc/passwd"', "/dl", "passwd"),
        ('attachment; filename="C:\\\\x\\\\y.wav"', "/dl", "y.wav"),
        ("attachment; filename*=UTF-8''..%2F..%2Fx.wav", "/dl", "x.wav"),
        ("attachment; filename*=UTF-8''%00%0a.wav", "/dl", ".wav"),
        ('attachment; filename=""', "/dl.ogg", "dl.ogg"),
        ('attachment; filename=".."', "/dl.ogg", "recording"),
        ("attachment; filename=" + "x" * 5000, "/dl.ogg", "dl.ogg"),
        ("filename=x.mp3", "/dl.ogg", "x.mp3"),
        ('attachment; filename="a\r\nSet-Cookie: x.mp3"', "/dl", "a  Set-Cookie: x.mp3"),
        (";;;=;\"';", "/dl.ogg", "dl.ogg"),
    ],
)
def test_the_name_of_a_download(disposition: str | None, path: str, name: str) -> None:
    """RFC 6266: the extended form wins over the plain one, both over the address."""
    assert download_filename(disposition, path) == name
