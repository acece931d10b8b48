"""Owns the tables of what a Task produced: its Segments and its Events."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.core.clock import utc_now
from app.models.columns import UtcDateTime


class Segment(SQLModel, table=True):
    """One stretch of transcript; `start` and `end` in seconds, `words` as in the transcript's JSON."""

    __tablename__ = "segments"
    __table_args__ = (
        CheckConstraint('"start" >= 0 AND "end" >= "start"', name="ck_segments_times"),
        UniqueConstraint("task_id", "index", name="uq_segments_index"),
    )

    id: int = Field(default=None, primary_key=True)
    task_id: int = Field(sa_column=Column(Integer, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False))
    index: int
    start: float
    end: float
    text: str = Field(sa_column=Column(Text, nullable=False))
    speaker: str | None = Field(default=None, max_length=100)
    words: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class TaskEvent(SQLModel, table=True):
    """One numbered event, as it was sent. `id` orders all events by commit and is never given out twice."""

    __tablename__ = "task_events"
    __table_args__ = (
        UniqueConstraint("task_id", "seq", name="uq_task_events_seq"),
        {"sqlite_autoincrement": True},
    )

    id: int = Field(default=None, primary_key=True)
    task_id: int = Field(sa_column=Column(Integer, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False))
    seq: int
    type: str = Field(max_length=30)
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    final: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))


class EngineSpeed(SQLModel, table=True):
    """How fast an engine went through a stage on this machine: seconds of work per second of audio, a moving average."""

    __tablename__ = "engine_speeds"
    __table_args__ = (CheckConstraint("seconds_per_second >= 0", name="ck_engine_speeds_positive"),)

    engine: str = Field(primary_key=True, max_length=200)
    model: str = Field(primary_key=True, max_length=500)
    device: str = Field(primary_key=True, max_length=20)
    stage: str = Field(primary_key=True, max_length=20)
    seconds_per_second: float
    runs: int = 1
