"""The names that phones, recorders and messengers give hold times."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.filename_times import times_in
from app.domain.filenames import safe_filename
from app.domain.time_text import Precision

SECOND = "2024-05-06T14:33:21"
FIRST, LAST = datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("2024-05-06 14.33.21.m4a", SECOND),
        ("20240506_143321.mp3", SECOND),
        ("20240506 143321-AB12CD34.m4a", SECOND),
        ("20240506143321.wav", SECOND),
        ("+491701234567_20240506143321.amr", SECOND),
        ("2024-05-06-14-33-21.mkv", SECOND),
        ("2024-05-06T14_33_21.wav", SECOND),
        ("VID_20240506_143321.mp4", SECOND),
        ("audio_2024-05-06_14-33-21.ogg", SECOND),
        ("signal-2024-05-06-14-33-21-123.m4a", SECOND),
        ("WhatsApp Audio 2024-05-06 at 14.33.21.ogg", SECOND),
        ("WhatsApp Ptt 2024-05-06 at 2.33.21 PM.ogg", SECOND),
        ("WhatsApp Ptt 2024-05-06 at 2.33.21\u202fPM.ogg", SECOND),
        ("Aufnahme 2024-05-06 um 14.33.21.wav", SECOND),
        ("Voice 240506_143321.m4a", SECOND),
        ("Call recording Bob_240506_143321.m4a", SECOND),
        ("Weekly-20240506_143321-Meeting Recording.mp4", SECOND),
        ("GMT20240506-143321_Recording.m4a", f"{SECOND}+00:00"),
        ("PXL_20240506_143321123.mp4", f"{SECOND}+00:00"),
        ("2024-05-06T14:33:21Z.wav", f"{SECOND}+00:00"),
        ("2024-05-06T14:33:21+02:00.wav", f"{SECOND}+02:00"),
        ("2024-05-06T143321-0500.wav", f"{SECOND}-05:00"),
        ("recording-1715006001000.webm", f"{SECOND}+00:00"),
        ("2024-05-06 at 12.03.21 AM.ogg", "2024-05-06T00:03:21"),
        ("2024-05-06 12.03.21 pm.ogg", "2024-05-06T12:03:21"),
    ],
)
def test_a_second_is_read(name: str, shown: str) -> None:
    """The whole time is in the name; an offset only where the program that made it writes one."""
    (found,) = times_in(name)
    assert found.time.moment == datetime.fromisoformat(shown)
    assert (found.time.moment.tzinfo is None) == (datetime.fromisoformat(shown).tzinfo is None)
    assert found.time.precision is Precision.SECOND
    assert found.raw in name


@pytest.mark.parametrize(
    "name", ["2024-05-06 14-33 talk.wav", "06.05.2024 14-33.wav", "240506_1433.mp3", "202405061433.wav"]
)
def test_a_minute_is_read(name: str) -> None:
    """Some recorders leave the seconds out."""
    (found,) = times_in(name)
    assert found.time.moment.isoformat() == "2024-05-06T14:33:00"
    assert found.time.precision is Precision.MINUTE


@pytest.mark.parametrize(
    "name",
    [
        "PTT-20240506-WA0012.opus",
        "2024-05-06 14 people.m4a",
        "2024-05-06-01.wav",
        "2024-05-06 25.99.wav",
        "2024.05.06.wav",
        "6.5.2024.wav",
        "interview_20240506_final.wav",
    ],
)
def test_a_day_is_read(name: str) -> None:
    """A number behind a date is no time unless it can be one."""
    (found,) = times_in(name)
    assert found.time.moment.isoformat() == "2024-05-06T00:00:00"
    assert found.time.precision is Precision.DAY


@pytest.mark.parametrize(
    "name",
    [
        "ZOOM0001.WAV", "Recording (3).m4a", "2024-13-06.m4a", "2024-02-30.wav", "99990506.mp3", "12345620240506.wav",
        "240506.wav", "192.168.2024.1.wav", "123456789012345.wav", "2024-05.06.wav", "05-06-2024.wav", "",
    ],
)  # fmt: skip
def test_other_numbers_are_no_times(name: str) -> None:
    """Serial numbers, days that do not exist, and dates that mean two things are left alone."""
    assert times_in(name) == ()


def test_a_name_may_hold_several() -> None:
    """Each is found, in its order."""
    assert [found.raw for found in times_in("2024-05-06 copied 2024-05-07.wav")] == ["2024-05-06", "2024-05-07"]


@given(st.datetimes(FIRST, LAST), st.sampled_from(["-", "_", ".", ""]))
def test_every_moment_is_read_back(moment: datetime, between: str) -> None:
    """A moment written with any separator is found to the second."""
    name = moment.strftime(f"note %Y{between}%m{between}%d_%H{between}%M{between}%S.wav")
    assert [found.time.moment for found in times_in(name)] == [moment.replace(microsecond=0)]


@given(st.text(alphabet=st.sampled_from("0123456789-_. :TZGMPXL_apm"), max_size=255) | st.text(max_size=100))
def test_no_name_breaks_the_reading(name: str) -> None:
    """Whatever a stranger calls a file, its times are moments of the calendar and stand in the name."""
    for found in times_in(safe_filename(name)):
        assert found.raw in safe_filename(name)
        assert 1900 <= found.time.moment.year <= 2100
