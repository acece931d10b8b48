"""Owns the tables of the media library: Files, their duplicates, and what people decided about them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, Relationship, SQLModel

from app.core.clock import utc_now
from app.domain.recording_time import ConfidenceLevel
from app.models.columns import UtcDateTime, value_enum

if TYPE_CHECKING:
    from app.models.work import Job, Task


class JobFile(SQLModel, table=True):
    """Which Files belong to which Job."""

    __tablename__ = "job_files"

    job_id: int = Field(sa_column=Column(Integer, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True))
    file_id: int = Field(
        sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True, index=True)
    )


class File(SQLModel, table=True):
    """One received media object at rest; its bytes never change. `storage_path` is None until they have arrived.

    It is None again when they were removed (`media_removed_at`): by a decision, or because they were kept long enough.
    `streams` is what the recording consists of, as probing found it. One that was `imported` is there in its own right: it stays when
    the last Job that names it goes.
    """

    __tablename__ = "files"
    __table_args__ = (
        CheckConstraint("file_size_bytes IS NULL OR file_size_bytes >= 0", name="ck_files_size"),
        CheckConstraint("duration_seconds IS NULL OR duration_seconds >= 0", name="ck_files_duration"),
        CheckConstraint(
            "timestamp_source IS NULL OR timestamp_source IN ('exif', 'filename', 'filesystem', 'user')",
            name="ck_files_timestamp_source",
        ),
    )

    id: int = Field(default=None, primary_key=True)
    uuid: str = Field(default_factory=lambda: str(uuid4()), max_length=36, unique=True)
    original_filename: str = Field(max_length=255)
    original_path: str = Field(max_length=500)
    storage_path: str | None = Field(default=None, max_length=500)
    file_hash_sha256: str | None = Field(default=None, max_length=64, index=True)
    file_hash_perceptual: str | None = Field(default=None, max_length=64)
    file_size_bytes: int | None = None
    mime_type: str | None = Field(default=None, max_length=100)
    duration_seconds: float | None = None
    streams: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON))
    media_removed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    source_url: str | None = Field(default=None, sa_column=Column(Text))
    detected_timestamp: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, index=True))
    timestamp_source: str | None = Field(default=None, max_length=50)
    timestamp_candidates: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON))
    confidence: ConfidenceLevel = Field(
        default=ConfidenceLevel.LOW,
        sa_column=Column(value_enum(ConfidenceLevel, "ck_files_confidence"), nullable=False),
    )
    output_path: str | None = Field(default=None, max_length=500)
    imported: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))
    updated_at: datetime = Field(
        default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False, onupdate=utc_now)
    )

    jobs: list["Job"] = Relationship(back_populates="files", link_model=JobFile)
    tasks: list["Task"] = Relationship(back_populates="file", sa_relationship_kwargs={"passive_deletes": True})
    duplicate_records: list["Duplicate"] = Relationship(
        back_populates="file", sa_relationship_kwargs={"foreign_keys": "Duplicate.file_id", "passive_deletes": True}
    )


class Duplicate(SQLModel, table=True):
    """`file_id` is the same recording as the older `duplicate_of_id`; `similarity_score` 1.0 when the bytes are equal."""

    __tablename__ = "duplicates"
    __table_args__ = (
        CheckConstraint("match_type IN ('exact', 'perceptual')", name="ck_duplicates_match_type"),
        CheckConstraint("similarity_score BETWEEN 0.0 AND 1.0", name="ck_duplicates_score"),
        CheckConstraint("match_type <> 'exact' OR similarity_score = 1.0", name="ck_duplicates_exact"),
        CheckConstraint("file_id <> duplicate_of_id", name="ck_duplicates_other"),
        UniqueConstraint("file_id", "duplicate_of_id", "match_type", name="uq_duplicates_pair"),
        Index("ix_duplicates_file_id_duplicate_of_id", "file_id", "duplicate_of_id"),
    )

    id: int = Field(default=None, primary_key=True)
    file_id: int = Field(sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), nullable=False))
    duplicate_of_id: int = Field(
        sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    match_type: str = Field(max_length=20)
    similarity_score: float
    detected_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))

    file: File = Relationship(
        back_populates="duplicate_records", sa_relationship_kwargs={"foreign_keys": "Duplicate.file_id"}
    )
    duplicate_of: File = Relationship(sa_relationship_kwargs={"foreign_keys": "Duplicate.duplicate_of_id"})


class UserDecision(SQLModel, table=True):
    """What a person decided about a File; append-only, the latest per topic counts."""

    __tablename__ = "user_decisions"
    __table_args__ = (
        CheckConstraint(
            "decision_type IN ('timestamp_override', 'keep_duplicate', 'discard_duplicate', 'tag_assignment')",
            name="ck_user_decisions_type",
        ),
        Index("ix_user_decisions_topic", "file_id", "decision_type", "id"),
        Index("uq_user_decisions_key", "file_id", "idempotency_key", unique=True),
    )

    id: int = Field(default=None, primary_key=True)
    file_id: int = Field(
        sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    decision_type: str = Field(max_length=50)
    decision_value: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))
    idempotency_key: str | None = Field(default=None, max_length=255)

    file: File = Relationship()


class Fingerprint(SQLModel, table=True):
    """How a File sounds, for the finer comparison; `version` names the method, and only equal ones can be compared."""

    __tablename__ = "fingerprints"

    file_id: int = Field(sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True))
    version: int
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class FingerprintKey(SQLModel, table=True):
    """A part of a File's fingerprint by which others that share it are found without looking at every File."""

    __tablename__ = "fingerprint_keys"
    __table_args__ = {"sqlite_with_rowid": False}

    key: int = Field(sa_column=Column(Integer, primary_key=True))
    file_id: int = Field(
        sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True, index=True)
    )
