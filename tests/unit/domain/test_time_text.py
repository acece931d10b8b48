"""Texts are read as times, as finely as they say it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.time_text import Precision, WrittenTime, file_time, moment_with_offset, tag_time

BERLIN = ZoneInfo("Europe/Berlin")
SHOWN = datetime(2024, 5, 6, 14, 33, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown", "precision"),
    [
        ("2024-05-06T14:33:21.000000Z", "2024-05-06T14:33:21+00:00", Precision.SECOND),
        ("2024-05-06T16:33:21+0200", "2024-05-06T16:33:21+02:00", Precision.SECOND),
        ("2024-05-06T04:03:21-10:30", "2024-05-06T04:03:21-10:30", Precision.SECOND),
        ("2024:05:06 14:33:21", "2024-05-06T14:33:21", Precision.SECOND),
        ("2024-05-06 14:33", "2024-05-06T14:33:00", Precision.MINUTE),
        ("20240506T143321Z", "2024-05-06T14:33:21+00:00", Precision.SECOND),
        (" 2024-05-06 \0", "2024-05-06T00:00:00", Precision.DAY),
        ("2024-05", "2024-05-01T00:00:00", Precision.MONTH),
        ("2024", "2024-01-01T00:00:00", Precision.YEAR),
    ],
)
def test_tags_are_read(text: str, shown: str, precision: Precision) -> None:
    """Containers write times in many ways; an offset is kept, and none is invented."""
    assert tag_time(text) == WrittenTime(datetime.fromisoformat(shown), precision)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "hello",
        "2024-02-30",
        "2024-13-01",
        "0000-00-00",
        "2024-05-06T24:00",
        "2024-05-06T14:33:21+99:99",
        "٢٠٢٤",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    """Days that no calendar has, and texts that are no times, say nothing."""
    assert tag_time(text) is None


@given(st.text(max_size=64))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Whatever a tag holds, reading it gives a time or none."""
    assert isinstance(tag_time(text), WrittenTime | None)
    assert isinstance(file_time(text), datetime | None)
    assert isinstance(moment_with_offset(text), datetime | None)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_iso_is_read_back(moment: datetime) -> None:
    """A time written by ISO 8601 is that time, to the second."""
    found = tag_time(moment.isoformat())
    assert found == WrittenTime(moment.replace(microsecond=0), Precision.SECOND)


def test_a_time_without_offset_is_one_of_the_zone() -> None:
    """In summer Berlin is two hours ahead, in winter one; an offset that is there wins."""
    summer, winter = tag_time("2024-07-01 12:00"), tag_time("2024-01-01 12:00")
    assert summer is not None
    assert winter is not None
    assert summer.in_utc(BERLIN) == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert winter.in_utc(BERLIN) == datetime(2024, 1, 1, 11, tzinfo=UTC)
    written = tag_time("2024-05-06T14:33:21Z")
    assert written is not None
    assert written.in_utc(BERLIN) == SHOWN


def test_the_hours_that_clocks_leap_have_one_meaning() -> None:
    """What is skipped in spring is of a clock that was not set yet; what comes twice in autumn is the first of both."""
    skipped, twice = tag_time("2024-03-31 02:30"), tag_time("2024-10-27 02:30")
    assert skipped is not None
    assert twice is not None
    assert skipped.in_utc(BERLIN) == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
    assert twice.in_utc(BERLIN) == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_without_a_zone_it_is_this_machines() -> None:
    """What the operating system says counts."""
    written = tag_time("2024-05-06 14:33:21")
    assert written is not None
    assert written.in_utc(None) == datetime(2024, 5, 6, 14, 33, 21).astimezone(UTC)


def test_the_edge_of_the_calendar_is_no_moment() -> None:
    """A time that lies outside of the calendar in UTC is none."""
    written = tag_time("0001-01-01T00:00:00+14:00")
    assert written is not None
    assert written.in_utc(None) is None


@pytest.mark.parametrize("text", ["1715006001000", "2024-05-06T14:33:21Z", " 2024-05-06T16:33:21+02:00 "])
def test_file_times_come_as_milliseconds_or_iso(text: str) -> None:
    """Browsers send milliseconds since 1970; ISO 8601 needs its offset."""
    assert file_time(text) == SHOWN


@pytest.mark.parametrize("text", ["", "soon", "2024-05-06T14:33:21", "999999999999999", "9" * 30, "1e9", "1.5"])
def test_other_file_times_are_none(text: str) -> None:
    """No offset, no number, beyond the calendar."""
    assert file_time(text) is None
