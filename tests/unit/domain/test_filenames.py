"""Names that strangers chose stay names: never a path, never empty, never invisible."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from app.domain.filenames import FALLBACK_NAME, extension_of, safe_filename

_CLIMBING = [
    "../",
    "..\\",
    "/",
    "\\",
    "C:\\",
    "\\\\server\\share\\",
    "a/../../",
    "....//",
    "./",
    "file:///",
    "~/",
    "%2e%2e/",
]
_TARGETS = ["etc/passwd", "..", ".", "", "x.mp3", "speech.wav/", "con", "a\0b.mp3", ".ssh/authorized_keys"]
_ODD = [
    "\n".join(["a.mp3", "Set-Cookie: x"]), "a\r\nb.wav", "\0", "\0\0.mp3", "\x1b[31mred.mp3", "\x7f.wav", "\u202egpj.mp3",
    "\u2066a\u2069.wav", "\u200b", "\ufeff.mp3", "\u2028.mp3", "\ud800.mp3", "\udcff\udcfe.wav", "\U000e0041.mp3", "\ue000.mp3",
    " ", "   .mp3", "\t", "...", ". . .", "....mp3", "a.mp3.", "a.mp3 ", "a.mp3\u3000", " a .mp3 ", ".", "..", "-rf", "--help",
    "x" * 300, "x" * 300 + ".mp3", "é" * 200 + ".flac", "日" * 200, "👩‍👩‍👧" * 60 + ".mp4", "a" * 254 + "é", "." * 300,
    "a." + "e" * 300, "a" * 10_000, "/" * 1000, "\\" * 1000, "../" * 1000, "e\u0301" * 200 + ".ogg", "$(id).mp3", "`id`.mp3",
    "; rm -rf .mp3", "<script>.mp3", '"quoted".mp3', "'.mp3", "%00.mp3", "&amp;.mp3", "a|b.mp3", "*?.mp3", "nul.mp3", "aux",
    "a:b.mp3", "a:$DATA", "ﷺ" * 100 + ".mp3", "\u0130.MP3", "résumé.wav", "interview 1 (final).mp3", "данные.mp3",
]  # fmt: skip
HOSTILE = [prefix + target for prefix in _CLIMBING for target in _TARGETS] + _ODD
HOSTILE += [chr(code) + "a.mp3" for code in range(32)] + [f"a{chr(code)}/b.mp3" for code in range(0x80, 0xA0)]


def test_there_are_enough_hostile_names() -> None:
    """The list below holds at least 200 different names."""
    assert len(set(HOSTILE)) >= 200


@pytest.mark.parametrize("raw", sorted(set(HOSTILE)), ids=ascii)
def test_a_hostile_name_becomes_a_plain_one(raw: str) -> None:
    """Whatever comes in, one visible path component of at most 255 bytes goes out."""
    name = safe_filename(raw)
    assert 1 <= len(name.encode()) <= 255
    assert PurePosixPath(name).name == name
    assert PureWindowsPath("C:/", name.replace(":", "_")).name == name.replace(":", "_")
    assert name not in (".", "..")
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert "\u202e" not in name
    assert safe_filename(name) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("speech.wav", "speech.wav"),
        ("C:\\Users\\me\\Notes 1.mp3", "Notes 1.mp3"),
        ("/home/me/résumé.flac", "résumé.flac"),
        ("e\u0301.ogg", "é.ogg"),
        ("می\u200cخواهم.mp3", "می\u200cخواهم.mp3"),
        ("..", FALLBACK_NAME),
        ("", FALLBACK_NAME),
        ("\0\n", FALLBACK_NAME),
    ],
)
def test_a_good_name_stays(raw: str, name: str) -> None:
    """What people call their files is kept, without the folder."""
    assert safe_filename(raw) == name


@pytest.mark.parametrize("stem", ["x" * 400, "é" * 300, "日本語" * 100])
def test_a_long_name_keeps_its_ending(stem: str) -> None:
    """Only the stem of a long name is cut, between characters."""
    name = safe_filename(stem + ".flac")
    assert name.endswith(".flac")
    assert stem.startswith(name.removesuffix(".flac"))
    assert 250 <= len(name.encode()) <= 255


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.MP3", "mp3"),
        ("a.tar.gz", "gz"),
        ("a", ""),
        (".mp3", ""),
        ("..mp3", ""),
        ("a.", ""),
        ("a.mp3 ", "mp3"),
        ("", ""),
    ],
)
def test_the_ending_is_read_in_lower_case(name: str, ending: str) -> None:
    """The ending is what follows the last dot of a name that has a stem."""
    assert extension_of(name) == ending
