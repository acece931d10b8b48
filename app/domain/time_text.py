"""Owns times as texts: what a tag, a form or a person wrote, how finely it says it, and with which offset."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final


class Precision(StrEnum):
    """How finely a time is known; finest first."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"

    @property
    def width(self) -> timedelta:
        """How much later than the beginning it may really have been."""
        return _WIDTHS[self]


_WIDTHS: Final = {
    Precision.SECOND: timedelta(0),
    Precision.MINUTE: timedelta(minutes=1),
    Precision.DAY: timedelta(days=1),
    Precision.MONTH: timedelta(days=31),
    Precision.YEAR: timedelta(days=366),
}


@dataclass(frozen=True, slots=True)
class WrittenTime:
    """A time as it was written: `moment` is the beginning of what it names, with an offset only where the text has one."""

    moment: datetime
    precision: Precision

    def in_utc(self, zone: tzinfo | None) -> datetime | None:
        """The moment in UTC; without an offset it is a time of `zone` (None: this machine's). None if no calendar has it."""
        try:
            local = self.moment if self.moment.tzinfo or zone is None else self.moment.replace(tzinfo=zone)
            return local.astimezone(UTC)
        except (OverflowError, OSError, ValueError):
            return None


_PRECISIONS: Final = {1: Precision.YEAR, 2: Precision.MONTH, 3: Precision.DAY, 5: Precision.MINUTE, 6: Precision.SECOND}

# ISO 8601 in all its degrees, the colons of cameras, dates without separators, Apple's offsets without a colon.
_TAG: Final = re.compile(
    r"(\d{4})(?:[-:/.]?(\d\d)(?:[-:/.]?(\d\d)(?:[T ]\s*(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?",
    re.ASCII,
)
_MILLISECONDS: Final = re.compile(r"-?\d{1,15}", re.ASCII)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def tag_time(text: str) -> WrittenTime | None:
    """What a tag says: a year, a month, a day, a minute or a second; None if it says no time."""
    found = _TAG.fullmatch(text.strip(" \0"))
    return written(found.groups()[:6], found[7]) if found else None


def written(parts: Sequence[str | None], zone: str | None = None) -> WrittenTime | None:
    """A time from the digits of year, month, day, hour, minute, second, the later ones None where nothing is said.

    `zone` is `Z` or an offset. None if there is no such time.
    """
    numbers = [int(part) for part in parts if part is not None]
    precision = _PRECISIONS.get(len(numbers))
    try:
        moment = datetime(*(numbers + [1, 1][len(numbers) - 1 :]), tzinfo=_offset(zone) if zone else None)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return WrittenTime(moment, precision) if precision else None


def moment_with_offset(text: str) -> datetime | None:
    """An ISO 8601 time with its offset, in UTC; None for every other text."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def file_time(text: str) -> datetime | None:
    """When a file was last changed: milliseconds since 1970, as browsers say it, or ISO 8601 with its offset; None for every other text."""
    if not _MILLISECONDS.fullmatch(text.strip()):
        return moment_with_offset(text)
    try:
        return EPOCH + timedelta(milliseconds=int(text))
    except OverflowError:
        return None


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
