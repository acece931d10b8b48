"""What a person can ask for."""

from typing import Any

import pytest

from app.domain.errors import CATALOGUE, CesarError
from app.domain.options import TranscriptionOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_speakers": 3, "max_speakers": 2}, {"min_speakers": 0}, {"max_speakers": 0}, {"num_speakers": -1},
        {"task": "sing"}, {"engine": "os:system"}, {"vad_method": "ear"}, {"device": "tpu"}, {"temperature": 1.5},
        {"vad_onset": -0.1}, {"model": ""}, {"model": "   "}, {"model": "enormous"}, {"model": "a\x00b"},
        {"beam_size": 0}, {"batch_size": 0},
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
    ],
)  # fmt: skip
def test_what_can_be_is_taken(right: dict[str, Any]) -> None:
    """Equal bounds, one bound alone, sizes, repository names and folders are fine."""
    TranscriptionOptions(**right)


def test_diarize_is_the_default() -> None:
    """Speakers are told apart unless somebody says no."""
    assert TranscriptionOptions().diarize is True


def test_every_entry_of_the_catalogue_helps() -> None:
    """Each failure has a sentence, a remedy and an error status."""
    for code, entry in CATALOGUE.items():
        assert entry.code == code
        assert entry.sentence.endswith(".")
        assert entry.remedy.endswith(".")
        assert 400 <= entry.http_status < 600
