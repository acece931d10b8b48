"""What a client tells about an upload."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import CesarError
from app.domain.upload_metadata import filename_of, modified_at_of, parse_metadata, submission_fields

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1, max_size=20)


@given(st.dictionaries(NAMES, st.text(max_size=50), max_size=8))
def test_what_a_client_encodes_is_read_back(values: dict[str, str]) -> None:
    """Names and values survive, whatever is in them."""
    header = ", ".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in values.items())
    assert parse_metadata(header) == values


@given(st.text(max_size=80))
def test_any_header_is_read_or_refused(header: str) -> None:
    """Nothing else is raised than an error of the catalogue."""
    try:
        code = "" if parse_metadata(header) is not None else "nothing"
    except CesarError as problem:
        code = problem.code
    assert code in ("", "bad_value")


@pytest.mark.parametrize("header", ["filename !!!", "a YQ==,a Yg==", "a /w==", "a Y"])
def test_what_cannot_be_is_refused(header: str) -> None:
    """No base64, a name given twice, no UTF-8."""
    with pytest.raises(CesarError, match="bad_value"):
        parse_metadata(header)


def test_a_value_may_be_missing() -> None:
    """A name alone stands for an empty value."""
    assert parse_metadata("is_confidential,filename YQ==") == {"is_confidential": "", "filename": "a"}


def test_a_name_becomes_harmless() -> None:
    """Folders are cut off; without any name there is one all the same."""
    assert filename_of({"filename": "../../etc/talk.mp3"}) == "talk.mp3"
    assert filename_of({"name": "a.wav"}) == "a.wav"
    assert filename_of({}) == "recording"


def test_the_last_change_is_read_as_browsers_tell_it() -> None:
    """Milliseconds since 1970, or ISO 8601 with offset; nothing is nothing, and nonsense is refused."""
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert modified_at_of({"lastModified": "1700000000000"}) == moment
    assert modified_at_of({"modified": "2023-11-14T23:13:20+01:00"}) == moment
    assert modified_at_of({"modified": ""}) is None
    for text in ("soon", "9" * 40, "2023-11-14T23:13:20"):
        with pytest.raises(CesarError, match="bad_value"):
            modified_at_of({"modified": text})


def test_only_what_is_not_about_the_file_is_asked_for() -> None:
    """Descriptions and empty values are left out."""
    told = {"filename": "a.wav", "type": "audio/wav", "language": "de", "model": ""}
    assert submission_fields(told) == {"language": "de"}
