"""Of everything that says when it was recorded, the best is believed, and not too much."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.media import TimeTag
from app.domain.recording_time import (
    AGREEMENT,
    Candidate,
    ConfidenceLevel,
    TimeSource,
    agree,
    candidates_of,
    choose,
)
from app.domain.time_text import Precision

NOW = datetime(2026, 1, 1, tzinfo=UTC)
THEN = datetime(2024, 5, 6, 14, 33, 21, tzinfo=UTC)
LEVELS = [ConfidenceLevel.NONE, ConfidenceLevel.LOW, ConfidenceLevel.MEDIUM, ConfidenceLevel.HIGH]
SOURCES = [TimeSource.EMBEDDED, TimeSource.FILENAME, TimeSource.FILESYSTEM]


def said(source: TimeSource, seconds: float = 0.0, precision: Precision = Precision.SECOND) -> Candidate:
    """A candidate so many seconds after `THEN`."""
    return Candidate(source, THEN + timedelta(seconds=seconds), precision, "raw")


def tag(text: str, name: str = "creation_time", place: str = "container") -> TimeTag:
    """A tag of the container."""
    return TimeTag(place, name, text)


near = st.sampled_from([0, 1, 29, 30, 31, 59, 60, 61, 3600, 80_000, 200_000, -1, -30, -31, -7200])
far = st.sampled_from([-3e9, -1.72e9, 1e8, 2e9])
candidates = st.builds(said, st.sampled_from(SOURCES), near | far, st.sampled_from(list(Precision)))
some = st.lists(candidates, max_size=6)


@pytest.mark.parametrize(
    ("given_candidates", "source", "confidence"),
    [
        ([], None, "none"),
        ([said(TimeSource.EMBEDDED)], "exif", "medium"),
        ([said(TimeSource.FILENAME)], "filename", "low"),
        ([said(TimeSource.FILESYSTEM)], "filesystem", "low"),
        ([said(TimeSource.EMBEDDED), said(TimeSource.FILENAME, 30)], "exif", "high"),
        ([said(TimeSource.EMBEDDED), said(TimeSource.FILENAME, 31)], "exif", "low"),
        ([said(TimeSource.EMBEDDED), said(TimeSource.EMBEDDED, 1)], "exif", "medium"),
        ([said(TimeSource.EMBEDDED), said(TimeSource.EMBEDDED, 3600)], "exif", "low"),
        ([said(TimeSource.FILENAME), said(TimeSource.FILESYSTEM, 10)], "filename", "high"),
        ([said(TimeSource.EMBEDDED, 9e5), said(TimeSource.FILENAME), said(TimeSource.FILESYSTEM, 2)], "filename", "high"),
        ([said(TimeSource.EMBEDDED), said(TimeSource.FILESYSTEM, 9e5)], "exif", "medium"),
        ([said(TimeSource.EMBEDDED), said(TimeSource.FILESYSTEM, -7200)], "exif", "low"),
        ([said(TimeSource.FILENAME, 9, Precision.MINUTE), said(TimeSource.EMBEDDED, 68)], "exif", "high"),
        ([said(TimeSource.EMBEDDED, precision=Precision.YEAR)], "exif", "low"),
        ([said(TimeSource.EMBEDDED, -100, Precision.YEAR), said(TimeSource.FILENAME)], "filename", "low"),
        ([said(TimeSource.EMBEDDED, -100, Precision.DAY), said(TimeSource.FILENAME)], "filename", "medium"),
        ([said(TimeSource.EMBEDDED, precision=Precision.YEAR), said(TimeSource.FILESYSTEM, -9e7)], "exif", "low"),
        ([said(TimeSource.FILENAME, -100, Precision.DAY), said(TimeSource.FILESYSTEM)], "filename", "low"),
    ],
)  # fmt: skip
def test_confidence(given_candidates: list[Candidate], source: str | None, confidence: str) -> None:
    """High when sources agree within 30 s, medium for tags alone, low for names and conflicts, none for nothing."""
    finding = choose(given_candidates, NOW)
    assert (finding.best.source if finding.best else None, finding.confidence) == (source, confidence)


def test_a_day_gives_way_to_a_time_on_that_day() -> None:
    """Tags that know the day and a name that knows the time say it together."""
    day, time = said(TimeSource.EMBEDDED, -3600, Precision.DAY), said(TimeSource.FILENAME)
    assert choose([day, time], NOW).best == time
    assert choose([day, said(TimeSource.FILENAME, 200_000)], NOW).best == day


@pytest.mark.parametrize("text", ["1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31", "2036-02-07T06:28:15Z"])
def test_clocks_that_were_never_set_are_ignored(text: str) -> None:
    """The beginnings of computers' time, and the future, are kept as candidates and not believed."""
    found = candidates_of([tag(text)], "2024-05-06 14.33.21.m4a", None, None, UTC)
    assert [candidate.is_plausible(NOW) for candidate in found] == [False, True]
    assert choose(found, NOW) == choose(found[1:], NOW)
    assert choose(found[:1], NOW).confidence is ConfidenceLevel.NONE


def test_tomorrow_is_a_clock_of_another_zone() -> None:
    """A recording of less than a day ahead is believed, a later one is not."""
    ahead = [said(TimeSource.EMBEDDED, (NOW - THEN).total_seconds() + seconds) for seconds in (86_400, 86_401)]
    assert [candidate.is_plausible(NOW) for candidate in ahead] == [True, False]


def test_all_candidates_are_found() -> None:
    """Tags, name and file, each in UTC with where it stands; the same thing said twice in one place is one."""
    tags = [tag("2024-05-06T14:33:21Z"), tag("2024-05-06T14:33:21Z"), tag("2024", "date"), tag("hello", "date")]
    zone = ZoneInfo("Europe/Berlin")
    found = candidates_of(tags, "20240506_163320.wav", THEN + timedelta(seconds=61), 60.0, zone)
    assert [(each.source.value, each.where, each.raw) for each in found] == [
        ("exif", "container: creation_time", "2024-05-06T14:33:21Z"),
        ("exif", "container: date", "2024"),
        ("filename", "", "20240506_163320"),
        ("filesystem", "last change", "2024-05-06T14:34:22+00:00"),
        ("filesystem", "last change, less the length", "2024-05-06T14:34:22+00:00"),
    ]
    assert [each.value.isoformat() for each in found] == [
        "2024-05-06T14:33:21+00:00",
        "2023-12-31T23:00:00+00:00",
        "2024-05-06T14:33:20+00:00",
        "2024-05-06T14:34:22+00:00",
        "2024-05-06T14:33:22+00:00",
    ]
    assert choose(found, NOW).confidence is ConfidenceLevel.HIGH


def test_a_recorder_closes_its_file_at_the_end() -> None:
    """A file time that is the end of the recording confirms when it began."""
    found = candidates_of([tag("2024-05-06T14:33:21Z")], "a.wav", THEN + timedelta(minutes=50), 3000.0, None)
    assert (choose(found, NOW).confidence, choose(found, NOW).best) == (ConfidenceLevel.HIGH, found[0])
    alone = candidates_of([], "a.wav", THEN, 3000.0, None)
    assert choose(alone, NOW).best == alone[0]


@pytest.mark.parametrize("names", [("date", "creation_time"), ("origination_date", "origination_time")])
def test_broadcast_wave_keeps_day_and_time_apart(names: tuple[str, str]) -> None:
    """Both together are one candidate beside the day."""
    found = candidates_of([tag("2024-05-06", names[0]), tag("14:33:21", names[1])], "a.wav", None, None, UTC)
    best = Candidate(
        TimeSource.EMBEDDED, THEN, Precision.SECOND, "2024-05-06 14:33:21", f"container: {', '.join(names)}"
    )
    assert choose(found, NOW).best == best


@given(candidates, candidates)
def test_agreement_is_symmetric(one: Candidate, other: Candidate) -> None:
    """Who agrees with whom does not depend on who is asked; nobody agrees with itself."""
    assert agree(one, other) == agree(other, one)
    assert not agree(one, one)


@given(some, st.randoms())
def test_the_order_makes_no_difference(found: list[Candidate], random: st.DataObject) -> None:
    """The same candidates in any order give the same finding."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, NOW) == choose(found, NOW)


@given(some)
def test_the_implausible_is_never_chosen_and_changes_nothing(found: list[Candidate]) -> None:
    """What cannot be neither wins nor takes anything away."""
    finding = choose(found, NOW)
    assert finding.best is None or finding.best.is_plausible(NOW)
    assert finding == choose([candidate for candidate in found if candidate.is_plausible(NOW)], NOW)


@given(some)
def test_something_is_believed_whenever_something_can_be(found: list[Candidate]) -> None:
    """There is a best exactly if there is a plausible one, and confidence `none` says that there is not."""
    finding = choose(found, NOW)
    assert (finding.best is None) == (not any(each.is_plausible(NOW) for each in found))
    assert (finding.confidence is ConfidenceLevel.NONE) == (finding.best is None)


@given(some, candidates, st.sampled_from(SOURCES), st.integers(-30, 30))
def test_another_source_that_agrees_never_lowers_confidence(
    found: list[Candidate], sure: Candidate, source: TimeSource, seconds: int
) -> None:
    """It makes it high."""
    finding = choose([*found, sure], NOW)
    best = finding.best
    assume(best is not None and best.source is not source)
    assert best is not None
    other = Candidate(source, best.value + timedelta(seconds=seconds), Precision.SECOND, "raw")
    again = choose([*found, sure, other], NOW)
    assert LEVELS.index(again.confidence) >= LEVELS.index(finding.confidence) or not agree(best, other)
    assert again.confidence is ConfidenceLevel.HIGH or not agree(best, other)


def test_a_minute_that_is_confirmed_gives_way_to_no_second_that_is_not() -> None:
    """Two tags, to the minute and to the second: the name confirms the minute and is finer; the other tag is 31 s away from it."""
    name = said(TimeSource.FILENAME)
    found = [said(TimeSource.EMBEDDED, 0, Precision.MINUTE), said(TimeSource.EMBEDDED, 31), name]
    assert (choose(found, NOW).best, choose(found, NOW).confidence) == (name, ConfidenceLevel.HIGH)


@given(some)
def test_high_means_that_another_source_says_so(found: list[Candidate]) -> None:
    """High is given exactly if two sources agree, and the best is one that is confirmed."""
    finding = choose(found, NOW)
    plausible = [each for each in found if each.is_plausible(NOW)]
    confirmed = [each for each in plausible if any(agree(each, other) for other in plausible)]
    assert (finding.confidence is ConfidenceLevel.HIGH) == bool(confirmed)
    assert not confirmed or finding.best in confirmed


@given(some)
def test_medium_needs_tags_and_no_conflict(found: list[Candidate]) -> None:
    """Of names and file times alone comes low at best, unless they agree."""
    if choose(found, NOW).confidence is ConfidenceLevel.MEDIUM:
        plausible = [each for each in found if each.is_plausible(NOW)]
        tags = [each for each in plausible if each.source is TimeSource.EMBEDDED]
        assert tags
        seconds = [each.value for each in tags if each.precision is Precision.SECOND]
        assert not seconds or max(seconds) - min(seconds) <= 2 * AGREEMENT
