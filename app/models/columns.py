"""Owns the column types that SQLite does not have by itself: UTC times and enums stored by value."""

from datetime import UTC, datetime
from enum import Enum as PythonEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets offsets, so they are checked on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Raises ValueError for a time without offset: it could mean anything."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs an offset")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time its offset back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def value_enum(members: type[PythonEnum], name: str) -> Enum:
    """A column that stores members' values and has a CHECK of that `name`; the library's default stores names, unchecked."""

    def values(enum: Any) -> list[str]:
        return [str(member.value) for member in enum]

    return Enum(members, name=name, values_callable=values, native_enum=False, create_constraint=True, length=20)
