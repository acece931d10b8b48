"""Owns what people can decide about a File: which values are allowed, and what of all their decisions is in force."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.errors import CesarError
from app.domain.time_text import moment_with_offset

MAX_TAGS: Final = 50
MAX_TAG_CHARACTERS: Final = 50
MAX_REASON_CHARACTERS: Final = 500
_AHEAD: Final = timedelta(days=1)
_FIRST: Final = datetime(1857, 1, 1, tzinfo=UTC)
"""In that year the phonautograph wrote the first recording."""

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"
"""Invisible, but letters of Persian and Hindi words."""


class DecisionType(StrEnum):
    """What a decision is about, and for duplicates which way it goes."""

    TIMESTAMP_OVERRIDE = "timestamp_override"
    KEEP_DUPLICATE = "keep_duplicate"
    DISCARD_DUPLICATE = "discard_duplicate"
    TAG_ASSIGNMENT = "tag_assignment"


Value = datetime | tuple[str, ...] | str | None
"""A recording time in UTC (None: taken back), tags, or why a copy is kept or discarded (None: nobody said)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision with its value and its moment."""

    type: DecisionType
    value: Value
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class InForce:
    """What counts of everything that was decided about a File."""

    recorded_at: datetime | None = None
    discarded: bool = False
    tags: tuple[str, ...] = ()


def in_force(decisions: Iterable[Decision]) -> InForce:
    """The latest of each topic, of decisions in the order in which they were made; keeping and discarding are one topic."""
    recorded_at, discarded, tags = None, False, ()
    for decision in decisions:
        match decision.type, decision.value:
            case DecisionType.TIMESTAMP_OVERRIDE, datetime() | None as moment:
                recorded_at = moment
            case DecisionType.TAG_ASSIGNMENT, tuple() as assigned:
                tags = assigned
            case DecisionType.KEEP_DUPLICATE | DecisionType.DISCARD_DUPLICATE, _:
                discarded = decision.type is DecisionType.DISCARD_DUPLICATE
            case _:
                raise AssertionError("a decision's value is checked when it is made")
    return InForce(recorded_at, discarded, tags)


def checked_value(kind: DecisionType, value: object, now: datetime) -> Value:
    """A value as a person gave it (text, a list, None), in the form in which it counts.

    Raises:
        CesarError: `bad_value`, whose detail says what is allowed.
    """
    if kind is DecisionType.TIMESTAMP_OVERRIDE:
        return None if value is None else _moment(value, now)
    if kind is DecisionType.TAG_ASSIGNMENT:
        return _tags(value)
    return None if value is None else _reason(kind, value)


def _moment(value: object, now: datetime) -> datetime:
    moment = moment_with_offset(value) if isinstance(value, str) else None
    if moment is None:
        allowed = "an ISO 8601 time with its offset, like 2024-05-06T14:33:21+02:00, or null"
        raise CesarError("bad_value", f"the decision_value of timestamp_override must be {allowed}")
    if moment > now + _AHEAD:
        raise CesarError("bad_value", "a recording time cannot lie in the future")
    if moment < _FIRST:
        raise CesarError("bad_value", "nothing was recorded before 1857")
    return moment


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise CesarError("bad_value", 'the decision_value of tag_assignment must be a list of tags, like ["interview"]')
    tags = tuple(dict.fromkeys(clean_tag(tag) for tag in value))
    if len(tags) > MAX_TAGS:
        raise CesarError("bad_value", f"a file can have {MAX_TAGS} tags")
    return tags


def _reason(kind: DecisionType, value: object) -> str:
    cleaned = _visible(value, MAX_REASON_CHARACTERS) if isinstance(value, str) else None
    if cleaned is None:
        allowed = f"null, or a reason of 1 to {MAX_REASON_CHARACTERS} visible characters"
        raise CesarError("bad_value", f"the decision_value of {kind.value} must be {allowed}")
    return cleaned


def clean_tag(tag: str) -> str:
    """A tag as it is kept and looked for. Raises `CesarError("bad_value")` for one that cannot be."""
    cleaned = _visible(tag, MAX_TAG_CHARACTERS)
    if cleaned is None:
        raise CesarError("bad_value", f"a tag has 1 to {MAX_TAG_CHARACTERS} visible characters")
    return cleaned


def _visible(text: str, most: int) -> str | None:
    """A line with single blanks; None if it is empty, too long, or holds what nobody sees."""
    cleaned = " ".join(unicodedata.normalize("NFC", text).split())
    seen = all(unicodedata.category(each) not in _UNSEEN or each in _JOINERS for each in cleaned)
    return cleaned if seen and 1 <= len(cleaned) <= most else None
