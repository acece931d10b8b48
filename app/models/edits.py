"""Owns the tables of what people made of a transcript: edits beside the machine's text, speakers' names, and the search index."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.core.clock import utc_now
from app.models.columns import UtcDateTime


class SegmentEdit(SQLModel, table=True):
    """What a person put in the place of one or more neighbouring machine segments; those stay as they are.

    `source` are the machine segments it replaces, as `[start, end]` in seconds, in the order of time: the edit holds wherever
    segments with exactly these times stand. `pieces` are the segments shown instead:
    `{"start", "end", "text", "speaker", "words"}`, where `speaker` null means "whom the machine heard there".
    """

    __tablename__ = "segment_edits"

    id: int = Field(default=None, primary_key=True)
    task_id: int = Field(
        sa_column=Column(Integer, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    source: list[list[float]] = Field(sa_column=Column(JSON, nullable=False))
    pieces: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    edited_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))


class SpeakerName(SQLModel, table=True):
    """The name that a person gave to a speaker label (`SPEAKER_00`) of one Task."""

    __tablename__ = "speaker_names"
    __table_args__ = (UniqueConstraint("task_id", "label", name="uq_speaker_names_label"),)

    id: int = Field(default=None, primary_key=True)
    task_id: int = Field(sa_column=Column(Integer, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False))
    label: str = Field(max_length=100)
    name: str = Field(max_length=100)


class SearchEntry(SQLModel, table=True):
    """One shown segment of a finished Task, as the full-text index `transcript_search` knows it; triggers keep the two in step.

    In `text` characters of scripts without spaces are kept apart by `\\x1f`, as `SearchRepository` writes it.
    """

    __tablename__ = "search_entries"
    __table_args__ = (
        CheckConstraint('"end" >= "start"', name="ck_search_entries_times"),
        Index("ix_search_entries_place", "task_id", "position"),
    )

    id: int = Field(default=None, primary_key=True)
    task_id: int = Field(sa_column=Column(Integer, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False))
    position: int
    start: float
    end: float
    speaker: str | None = Field(default=None, max_length=100)
    text: str = Field(sa_column=Column(Text, nullable=False))
