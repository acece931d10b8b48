"""What a person can ask for."""

import math
from typing import Any

import pytest

from app.domain.errors import CATALOGUE, CesarError
from app.domain.options import TranscriptionOptions, asked_language, overlay


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_speakers": 3, "max_speakers": 2}, {"min_speakers": 0}, {"max_speakers": 0}, {"num_speakers": -1},
        {"task": "sing"}, {"engine": "os:system"}, {"vad_method": "ear"}, {"device": "tpu"}, {"temperature": 1.5},
        {"vad_onset": -0.1}, {"model": ""}, {"model": "   "}, {"model": "enormous"}, {"model": "a\x00b"},
        {"beam_size": 0}, {"batch_size": 0}, {"beam_size": 101}, {"batch_size": 10**9}, {"chunk_size": 31}, {"max_speakers": 101},
        {"num_speakers": 2, "min_speakers": 3}, {"num_speakers": 4, "max_speakers": 3}, {"temperature": math.nan},
        {"compute_type": "nonsense"}, {"compute_type": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """A value out of range is `bad_value`, and the detail names it."""
    with pytest.raises(CesarError) as refused:
        TranscriptionOptions(**wrong)
    assert refused.value.code == "bad_value"
    assert next(iter(wrong)) in (refused.value.detail or "")


@pytest.mark.parametrize(
    "right",
    [
        {}, {"min_speakers": 2, "max_speakers": 2}, {"min_speakers": 1}, {"max_speakers": 1}, {"model": "large-v3"},
        {"model": "organisation/name"}, {"model": "/some/folder"}, {"engine": "whisperx"}, {"task": "translate"},
        {"chunk_size": 30}, {"compute_type": "int8_float16"}, {"num_speakers": 2, "min_speakers": 2, "max_speakers": 2},
    ],
)  # fmt: skip
def test_what_can_be_is_taken(right: dict[str, Any]) -> None:
    """Equal bounds, one bound alone, sizes, repository names and folders are fine."""
    TranscriptionOptions(**right)


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        ((None, None), None), ((None, "de"), "de"), (("auto", "de"), None), (("AUTO",), None), (("en_GB", "de"), "en"),
        ((None, "auto"), None),
    ],
)  # fmt: skip
def test_the_language_that_is_asked_for(wishes: tuple[str | None, ...], language: str | None) -> None:
    """The first wish counts; `auto` is the wish to have it detected."""
    assert asked_language(*wishes) == language


def test_what_is_left_out_is_left_to_the_server() -> None:
    """Nothing but the task is given unless somebody says so, not even whether speakers are told apart."""
    assert TranscriptionOptions().given() == {"task": "transcribe"}


@pytest.mark.parametrize(
    ("base", "changes", "result"),
    [
        ({"model": "tiny", "beam_size": 5}, {"beam_size": 1}, {"model": "tiny", "beam_size": 1}),
        ({"num_speakers": 3}, {"min_speakers": 4}, {"num_speakers": None, "max_speakers": None, "min_speakers": 4}),
        ({"min_speakers": 2, "max_speakers": 3}, {"language": "de"}, {"min_speakers": 2, "max_speakers": 3, "language": "de"}),
    ],
)  # fmt: skip
def test_changes_lie_over_options(base: dict[str, Any], changes: dict[str, Any], result: dict[str, Any]) -> None:
    """New bounds on the number of speakers take the place of all the old ones; other options change one by one."""
    assert overlay(base, changes) == result


def test_every_entry_of_the_catalogue_helps() -> None:
    """Each failure has a sentence, a remedy and an error status."""
    for code, entry in CATALOGUE.items():
        assert entry.code == code
        assert entry.sentence.endswith(".")
        assert entry.remedy.endswith(".")
        assert 400 <= entry.http_status < 600
