"""Owns the statements that say what is in force of people's decisions: which Files are hidden, how tagged, when recorded."""

from typing import Any, Final

from sqlalchemy import CTE, Select, func, select, true
from sqlmodel import col

from app.domain.decisions import DecisionType
from app.models import UserDecision

_COPIES: Final = (DecisionType.KEEP_DUPLICATE, DecisionType.DISCARD_DUPLICATE)


def discarded_files() -> Select[Any]:
    """The keys of Files that count as copies nobody needs."""
    newest = col(UserDecision.id).in_(_newest(*_COPIES))
    return _files().where(newest, col(UserDecision.decision_type) == DecisionType.DISCARD_DUPLICATE)


def files_tagged(tag: str) -> Select[Any]:
    """The keys of Files that have this tag."""
    tags = func.json_each(UserDecision.decision_value).table_valued("value")
    assigned = col(UserDecision.id).in_(_newest(DecisionType.TAG_ASSIGNMENT))
    return _files().where(assigned, select(tags.c.value).where(tags.c.value == tag).exists())


def tag_counts() -> Select[Any]:
    """(tag, how many Files that are not discarded have it), the most used first."""
    tags = func.json_each(UserDecision.decision_value).table_valued("value")
    how_many = func.count(col(UserDecision.file_id).distinct())
    assigned = col(UserDecision.id).in_(_newest(DecisionType.TAG_ASSIGNMENT))
    counted = select(tags.c.value, how_many).select_from(UserDecision).join(tags, true())
    counted = counted.where(assigned, col(UserDecision.file_id).not_in(discarded_files()))
    return counted.group_by(tags.c.value).order_by(how_many.desc(), tags.c.value)


def decided_times() -> CTE:
    """(`file_id`, `moment`) of Files whose time a person set; `moment` in the form in which SQLite keeps times."""
    moment = func.replace(func.substr(UserDecision.decision_value, 1, 26), "T", " ")
    newest = col(UserDecision.id).in_(_newest(DecisionType.TIMESTAMP_OVERRIDE))
    times = select(col(UserDecision.file_id).label("file_id"), moment.label("moment"))
    return times.where(newest, col(UserDecision.decision_value).is_not(None)).cte("decided_times")


def _files() -> Select[Any]:
    return select(col(UserDecision.file_id))


def _newest(*topic: DecisionType) -> Select[Any]:
    chosen = select(func.max(col(UserDecision.id))).where(col(UserDecision.decision_type).in_(topic))
    return chosen.group_by(col(UserDecision.file_id))
