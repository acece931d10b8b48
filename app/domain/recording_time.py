"""Owns when a recording was made: everything that says a time, which of it is believed, and how far."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from app.domain.filename_times import times_in
from app.domain.media import TimeTag
from app.domain.time_text import Precision, tag_time

AGREEMENT: Final = timedelta(seconds=30)
"""Clocks of one device and one recording differ by less; by more they speak of different things."""

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""Before it are clocks that nobody ever set, in any time zone."""

FUTURE: Final = timedelta(days=1)
"""A clock of another time zone may be ahead by so much, not by more."""


_CLOCK: Final = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


class ConfidenceLevel(StrEnum):
    """How sure a recording time is: several sources agree, one reliable source, file name only or conflict, none."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


class TimeSource(StrEnum):
    """Who says it: the recording's own tags, its name, the time of the file, a person."""

    EMBEDDED = "exif"
    FILENAME = "filename"
    FILESYSTEM = "filesystem"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A time that something says: `value` in UTC is the beginning of what `raw` names, `where` the tag it stands in."""

    source: TimeSource
    value: datetime
    precision: Precision
    raw: str
    where: str = ""

    def is_plausible(self, now: datetime) -> bool:
        """Whether a recording can be of that time at all."""
        return EARLIEST <= self.value <= now + FUTURE


@dataclass(frozen=True, slots=True)
class Finding:
    """The candidate that is believed, if any, and how far."""

    best: Candidate | None
    confidence: ConfidenceLevel


def candidates_of(
    tags: Sequence[TimeTag],
    filename: str,
    modified_at: datetime | None,
    duration_seconds: float | None,
    zone: tzinfo | None,
) -> tuple[Candidate, ...]:
    """All that says when it was recorded; what has no offset is a time of `zone` (None: this machine's)."""
    return tuple(
        dict.fromkeys(
            (*_embedded(tags, zone), *_named(filename, zone), *_written_down(modified_at, duration_seconds or 0.0))
        )
    )


def choose(candidates: Sequence[Candidate], now: datetime) -> Finding:
    """The best of them, whatever their order.

    Those that another source confirms come first; then tags, then the name, then the file's time, which only says when the bytes
    were last written. A day gives way to a time on that day, if tags or name know one.
    """
    plausible = [candidate for candidate in candidates if candidate.is_plausible(now)]
    if not plausible:
        return Finding(None, ConfidenceLevel.NONE)
    credible = [candidate for candidate in plausible if _is_confirmed(candidate, plausible)] or plausible
    best = min(credible, key=_rank)
    best = min((candidate for candidate in credible if _refines(candidate, best)), key=_rank, default=best)
    return Finding(best, _confidence(best, plausible))


def agree(one: Candidate, other: Candidate) -> bool:
    """Whether two sources name the same moment, within 30 s; a day is no moment."""
    return one.source != other.source and _is_moment(one) and _is_moment(other) and _gap(one, other) <= AGREEMENT


def _confidence(best: Candidate, plausible: Sequence[Candidate]) -> ConfidenceLevel:
    if _is_confirmed(best, plausible):
        return ConfidenceLevel.HIGH
    reliable = any(other.source is TimeSource.EMBEDDED and not _is_coarse(other) for other in plausible)
    if not reliable or any(_contradicts(other, best) for other in plausible):
        return ConfidenceLevel.LOW
    return ConfidenceLevel.MEDIUM


def _is_confirmed(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    return any(agree(candidate, other) for other in others)


def _contradicts(other: Candidate, best: Candidate) -> bool:
    """A copy is younger than what it is a copy of, so a later file time says nothing against any other source."""
    if other.source is TimeSource.FILESYSTEM and other.value > best.value:
        return False
    return _gap(one=other, other=best) > AGREEMENT


def _refines(candidate: Candidate, best: Candidate) -> bool:
    known = candidate.source is not TimeSource.FILESYSTEM
    return known and candidate.precision.width < best.precision.width and _gap(candidate, best) == timedelta(0)


def _gap(one: Candidate, other: Candidate) -> timedelta:
    """How far apart two stretches of time are."""
    first, second = sorted((one, other), key=lambda candidate: candidate.value)
    return max(timedelta(0), second.value - first.value - first.precision.width)


def _rank(candidate: Candidate) -> tuple[int, timedelta, str, datetime, str]:
    """Smallest first. A tag that knows no day (the year of a piece of music) is less than a name that does."""
    orders = {TimeSource.EMBEDDED: 2 if _is_coarse(candidate) else 0, TimeSource.FILENAME: 1, TimeSource.FILESYSTEM: 3}
    return orders[candidate.source], candidate.precision.width, candidate.where, candidate.value, candidate.raw


def _is_coarse(candidate: Candidate) -> bool:
    return candidate.precision in (Precision.MONTH, Precision.YEAR)


def _is_moment(candidate: Candidate) -> bool:
    return candidate.precision in (Precision.SECOND, Precision.MINUTE)


def _embedded(tags: Sequence[TimeTag], zone: tzinfo | None) -> Iterator[Candidate]:
    for tag in (*tags, *_broadcast(tags)):
        time = tag_time(tag.text)
        if time is not None and (value := time.in_utc(zone)) is not None:
            yield Candidate(TimeSource.EMBEDDED, value, time.precision, tag.text, f"{tag.place}: {tag.name}")


def _broadcast(tags: Sequence[TimeTag]) -> Iterator[TimeTag]:
    """Broadcast Wave keeps day and time apart (EBU Tech 3285); FFmpeg calls them `date` and `creation_time`."""
    texts = {tag.name: tag for tag in tags if tag.place == "container"}
    for day, clock in (("date", "creation_time"), ("origination_date", "origination_time")):
        if day in texts and clock in texts and _CLOCK.fullmatch(texts[clock].text):
            yield TimeTag("container", f"{day}, {clock}", f"{texts[day].text} {texts[clock].text}")


def _named(filename: str, zone: tzinfo | None) -> Iterator[Candidate]:
    for found in times_in(filename):
        if (value := found.time.in_utc(zone)) is not None:
            yield Candidate(TimeSource.FILENAME, value, found.time.precision, found.raw)


def _written_down(modified_at: datetime | None, duration_seconds: float) -> Iterator[Candidate]:
    """A recorder writes to its file last when the recording ends; so it may have begun by its length earlier."""
    if modified_at is None:
        return
    value, raw = modified_at.astimezone(UTC), modified_at.isoformat()
    yield Candidate(TimeSource.FILESYSTEM, value, Precision.SECOND, raw, "last change")
    if duration_seconds > AGREEMENT.total_seconds():
        begin = value - timedelta(seconds=duration_seconds)
        yield Candidate(TimeSource.FILESYSTEM, begin, Precision.SECOND, raw, "last change, less the length")
