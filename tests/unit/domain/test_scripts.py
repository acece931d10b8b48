"""What scripts ask for: where a word may be broken, how texts become one, what stands apart."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.scripts import apart, joined, tidied, unbreakable

MIXED = st.text(
    st.one_of(
        st.characters(min_codepoint=0x0E01, max_codepoint=0x0EFF),
        st.characters(min_codepoint=0x1000, max_codepoint=0x109F),
        st.characters(min_codepoint=0x1780, max_codepoint=0x17FF),
        st.sampled_from("你好。、」）「（！？ーっｱｶﾞ１２％%100abc.,!?\u200b"),
    ).filter(lambda char: unicodedata.category(char) != "Cn"),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("extraordinarily", ["extraordinarily"]),
        ("안녕하세요", ["안녕하세요"]),
        ("你好。我", ["你", "好。", "我"]),
        ("「好」", ["「好」"]),
        ("ラーメン", ["ラー", "メ", "ン"]),
        ("ちょっと", ["ちょっ", "と"]),
        ("ﾗｰﾒﾝとｶﾞｽ", ["ﾗｰ", "ﾒ", "ﾝ", "と", "ｶﾞ", "ｽ"]),
        ("เด็ก", ["เด็", "ก"]),
        ("น้ำใส", ["น้ำ", "ใส"]),
        ("ខ្មែរ", ["ខ្មែ", "រ"]),
        ("用Python写", ["用", "Python", "写"]),
        ("用Transcription。写", ["用", "Transcription。", "写"]),
        ("约12345678.5%的人", ["约", "12345678.5%", "的", "人"]),
        ("约１２３４５６７８９％的", ["约", "１２３４５６７８９％", "的"]),
        ("ขา\u200bกา", ["ขา\u200b", "กา"]),
    ],
)
def test_where_a_line_may_end(word: str, parts: list[str]) -> None:
    """Between characters where words have no spaces, but not before a closing mark, behind an opening one, or within a letter or number."""
    assert unbreakable(word) == parts


@given(MIXED)
def test_no_letter_is_torn(word: str) -> None:
    """Whatever stands in a row: an accent stays with its letter, a closing mark with the word of another script before it."""
    parts = unbreakable(word)
    assert "".join(parts) == word
    for before, part in pairwise(parts):
        assert unicodedata.category(part[0])[0] != "M" or before.endswith("\u200b")
        assert part[0] not in "ำຳﾞ" or before.endswith("\u200b")
        assert part[0] not in ".,!?%" or before.endswith("\u200b") or len(before) > 8


def test_a_row_without_end_is_broken() -> None:
    """Marks that belong together fit into no line if there are many of them."""
    assert [len(part) for part in unbreakable("ー" * 40)] == [9, 9, 9, 9, 4]


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        (["One.", "Two."], "One. Two."),
        (["你好。", "我们", "OK"], "你好。我们 OK"),
        (["OK", "。好"], "OK。好"),
        (["他说：「", "OK"], "他说：「OK"),
        (["ｶﾗｵｹ", "ﾃﾚﾋﾞ"], "ｶﾗｵｹﾃﾚﾋﾞ"),
        (["Well", "!"], "Well!"),
        (["Well", ", yes"], "Well, yes"),
        (["He said", "»yes«"], "He said »yes«"),
        (["and", "...then"], "and ...then"),
        (["in", ".NET"], "in .NET"),
        (["", "a", "", "b"], "a b"),
    ],
)
def test_texts_are_joined_as_their_script_does(texts: list[str], whole: str) -> None:
    """A space between words, none between Chinese sentences, none before a closing mark."""
    assert joined(texts) == whole


def test_spaces_that_may_not_be_broken_stay() -> None:
    """All others become one, and none is left outside."""
    assert tidied(" Bonjour\u00a0!\n\t Ça  va\u202f? ") == "Bonjour\u00a0! Ça va\u202f?"


def test_characters_of_scripts_without_spaces_stand_apart() -> None:
    """From each other and from words of other scripts, and nowhere else."""
    assert apart("用Python写，very well ไม่", "|") == "用|Python|写|，|very well ไ|ม|่"
    assert apart("plain", "|") == "plain"
