"""Owns the times in file names: the patterns by which phones, recorders, messengers and meeting programs name recordings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.domain.time_text import EPOCH, Precision, WrittenTime, written


@dataclass(frozen=True, slots=True)
class NamedTime:
    """A time that a file name holds, and the stretch of the name that says it."""

    time: WrittenTime
    raw: str


_YEAR: Final = r"(?P<year>(?:19|20)[0-9]{2})"
_MONTH: Final = r"(?P<month>0[1-9]|1[0-2])"
_DAY: Final = r"(?P<day>0[1-9]|[12][0-9]|3[01])"
_HOURS: Final = r"[01][0-9]|2[0-3]"
_SIXTY: Final = r"[0-5][0-9]"

# `2024-05-06`, `2024_05_06`, `2024.05.06`, `20240506`: one separator, twice; or the points of a German date.
_DATE: Final = rf"{_YEAR}(?P<between>[-_. ]?){_MONTH}(?P=between){_DAY}"
_DOTTED: Final = r"(?P<day>0?[1-9]|[12][0-9]|3[01])\.(?P<month>0?[1-9]|1[0-2])\.(?P<year>(?:19|20)[0-9]{2})"

# `143321`, `1433`, `14-33-21`, `14.33`, `2.33.21 PM`, and thousandths of a second that say nothing to anybody.
_COMPACT: Final = rf"(?P<hour>{_HOURS})(?P<minute>{_SIXTY})(?:(?P<second>{_SIXTY})(?:[._-]?[0-9]{{3}})?)?"
_SPACED: Final = (
    rf"(?P<hour2>{_HOURS}|[0-9])(?P<colon>[-_.:h ])(?P<minute2>{_SIXTY})"
    rf"(?:(?P=colon)(?P<second2>{_SIXTY})(?:[.,_-][0-9]{{3}})?)?(?:\s?(?P<half>[AaPp])\.?[Mm]\b)?"
)
_JOIN: Final = r"(?:(?P<iso>T)|,?[-_ ]+(?:at[-_ ]|um[-_ ])?|)"
# Only a time joined by ISO's T may end in an offset: a number behind any other time is more likely a counter.
_ZONE: Final = r"(?(iso)(?P<zone>Z|[+-][0-9]{2}[:_]?[0-9]{2})?)"
_TIME: Final = rf"(?:{_JOIN}(?:{_COMPACT}|{_SPACED})(?![0-9]){_ZONE})?"

_PATTERNS: Final = (
    re.compile(rf"(?P<utc>GMT|PXL_)?(?<![0-9]){_DATE}{_TIME}(?![0-9])"),
    re.compile(rf"(?<![0-9.]){_DOTTED}{_TIME}(?![0-9])"),
    # Voice recorders leave the century out: `240506_143321`. Without a time these are six digits of anything.
    re.compile(rf"(?<![0-9])(?P<year>[0-9]{{2}}){_MONTH}{_DAY}[-_ ]{_COMPACT}(?![0-9])"),
)
_UNIX_MILLISECONDS: Final = re.compile(r"(?<![0-9])1[0-9]{12}(?![0-9])")


def times_in(filename: str) -> tuple[NamedTime, ...]:
    """Every time in a name, those of the surest pattern first; a date alone counts as a day. Zoom's and Pixel's are UTC."""
    found: list[NamedTime] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(filename):
            if (time := _time_of(match)) is not None:
                found.append(NamedTime(time, match[0]))
                filename = filename.replace(match[0], "\0" * len(match[0]), 1)
    return (*found, *_unix_times(filename))


def _time_of(match: re.Match[str]) -> WrittenTime | None:
    parts = match.groupdict()
    year = parts["year"] if len(parts["year"]) == 4 else f"20{parts['year']}"
    hour = parts["hour"] or parts.get("hour2")
    zone = "Z" if parts.get("utc") else (parts.get("zone") or "").replace("_", ":") or None
    clock = (
        _of_24(hour, parts.get("half")),
        parts["minute"] or parts.get("minute2"),
        parts["second"] or parts.get("second2"),
    )
    return written((year, parts["month"], parts["day"], *clock), zone if hour else None)


def _of_24(hour: str | None, half: str | None) -> str | None:
    """An hour of the whole day; `half` is a or p where the name counts to twelve."""
    if hour is None or half is None:
        return hour
    return str(int(hour) % 12 + (12 if half in "Pp" else 0)) if 1 <= int(hour) <= 12 else hour


def _unix_times(filename: str) -> Iterator[NamedTime]:
    for match in _UNIX_MILLISECONDS.finditer(filename):
        yield NamedTime(WrittenTime(EPOCH + timedelta(milliseconds=int(match[0])), Precision.SECOND), match[0])
