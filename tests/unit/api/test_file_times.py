"""A form may say when its files were last changed."""

from datetime import UTC, datetime
from typing import cast

import pytest

from app.api.file_times import take_file_times
from app.api.multipart import ReceivedFile, ReceivedForm
from app.domain.errors import CesarError

FIRST, SECOND = datetime(2024, 5, 6, 14, 33, 21, tzinfo=UTC), datetime(2024, 5, 7, tzinfo=UTC)


def form(files: int, **fields: list[str]) -> ReceivedForm:
    """A form with so many files."""
    return ReceivedForm(fields, tuple(cast("ReceivedFile", object()) for _ in range(files)))


@pytest.mark.parametrize(
    "values", [["1715006001000", "2024-05-07T00:00:00Z"], ["1715006001000, 2024-05-07T02:00:00+02:00"]]
)
def test_each_file_has_its_time(values: list[str]) -> None:
    """As fields of their own or with commas between; the other fields are left to others."""
    given = form(2, modified=values, language=["en"])
    assert take_file_times(given) == [FIRST, SECOND]
    assert given.fields == {"language": ["en"]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, [None, None]), ({"modified": [""]}, [None, None]), ({"modified": [",1715006001000"]}, [None, FIRST])],
)
def test_what_is_not_said_is_not_known(fields: dict[str, list[str]], expected: list[datetime | None]) -> None:
    """No field, an empty one, an empty place."""
    assert take_file_times(form(2, **fields)) == expected


@pytest.mark.parametrize("values", [["1715006001000"], ["1,2,3"], ["soon", "2"], ["2024-05-06T14:33:21", "1"]])
def test_wrong_times_are_refused(values: list[str]) -> None:
    """As many as files, and each a time."""
    with pytest.raises(CesarError) as caught:
        take_file_times(form(2, modified=values))
    assert caught.value.code == "bad_value"
