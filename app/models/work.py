"""Owns the tables of work: Jobs (what a person asked for) and Tasks (what runs, is watched, cancelled, retried)."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field, Relationship, SQLModel

from app.core.clock import utc_now
from app.domain.lifecycle import JobStatus
from app.domain.options import why_no_such_bounds
from app.domain.progress import TaskProgressStage
from app.models.columns import UtcDateTime, value_enum
from app.models.library import File, JobFile


class Job(SQLModel, table=True):
    """One person's request over 1..n Files. `status` follows from its Tasks and is written with theirs.

    Import and export Jobs are errands: they have no Tasks, and the worker that holds their lease sets status and counts; `attempt`,
    `recoveries` and the lease mean what they mean for a Task. `output_path` is where an export's archive rests.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("progress_current >= 0 AND progress_current <= progress_total", name="ck_jobs_progress"),
        CheckConstraint("min_speakers IS NULL OR min_speakers >= 1", name="ck_jobs_min_speakers"),
        CheckConstraint("max_speakers IS NULL OR max_speakers >= 1", name="ck_jobs_max_speakers"),
        CheckConstraint(
            "min_speakers IS NULL OR max_speakers IS NULL OR min_speakers <= max_speakers", name="ck_jobs_speakers"
        ),
        CheckConstraint("retry_count >= 0", name="ck_jobs_retry_count"),
        Index("idx_jobs_diarize", "diarize"),
        Index("ix_jobs_errands", "job_type", "status"),
    )

    id: int = Field(default=None, primary_key=True)
    uuid: str = Field(default_factory=lambda: str(uuid4()), max_length=36, unique=True)
    job_type: str = Field(default="process", max_length=50)
    status: JobStatus = Field(
        default=JobStatus.QUEUED, sa_column=Column(value_enum(JobStatus, "ck_jobs_status"), nullable=False, index=True)
    )
    progress_current: int = 0
    progress_total: int = 0
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False, index=True))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    completed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    error_message: str | None = Field(default=None, sa_column=Column(Text))
    retry_count: int = 0
    model_size: str | None = Field(default=None, max_length=500)
    language: str | None = Field(default=None, max_length=16)
    diarize: bool = True
    min_speakers: int | None = None
    max_speakers: int | None = None
    options: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    idempotency_key: str | None = Field(default=None, max_length=255, unique=True)
    request_fingerprint: str | None = Field(default=None, max_length=64)
    webhook_url: str | None = Field(default=None, sa_column=Column(Text))
    webhook_statuses: bool = False
    output_path: str | None = Field(default=None, max_length=500)
    attempt: int = 1
    recoveries: int = 0
    lease_owner: str | None = Field(default=None, max_length=200)
    lease_expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    def __init__(self, **data: Any) -> None:
        """Raises ValueError for bounds on the number of speakers that contradict each other: tables do not validate by themselves."""
        contradiction = why_no_such_bounds(data.get("min_speakers"), data.get("max_speakers"), None)
        if contradiction is not None:
            raise ValueError(contradiction)
        super().__init__(**data)

    files: list[File] = Relationship(back_populates="jobs", link_model=JobFile)
    tasks: list["Task"] = Relationship(
        back_populates="job", sa_relationship_kwargs={"passive_deletes": True, "order_by": "Task.position"}
    )


class Task(SQLModel, table=True):
    """One transcription of one File: its progress for polling, its lease for workers, its result.

    `last_seq` is the number of its newest event; `attempt` together with `lease_owner` is the fence that keeps
    a worker which lost its lease from writing; `recoveries` counts workers that died on it. `redo_from` is the stage at which the
    next run begins with the stored transcript (None: from the recording), `options` are those of a retry, over the Job's.
    `transcript_version` grows with every change of the transcript, the machine's and people's. `reused_from` is the public id of
    the Task whose transcript was taken over instead of transcribing the same recording again.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("progress_percentage BETWEEN 0 AND 100", name="ck_tasks_progress_percentage"),
        CheckConstraint("stage_percentage BETWEEN 0 AND 100", name="ck_tasks_stage_percentage"),
        CheckConstraint("speaker_count IS NULL OR speaker_count >= 0", name="ck_tasks_speaker_count"),
        CheckConstraint("attempt >= 1", name="ck_tasks_attempt"),
        CheckConstraint(
            "diarization_error_code IS NULL OR diarization_error_code IN "
            "('hf_token_required', 'hf_token_invalid', 'diarization_failed')",
            name="ck_tasks_diarization_error_code",
        ),
        CheckConstraint("(status IN ('downloading', 'processing')) = (lease_owner IS NOT NULL)", name="ck_tasks_lease"),
        UniqueConstraint("job_id", "position", name="uq_tasks_position"),
        Index("ix_tasks_queue", "status", "job_id", "position"),
    )

    id: int = Field(default=None, primary_key=True)
    uuid: str = Field(default_factory=lambda: str(uuid4()), max_length=36, unique=True)
    job_id: int = Field(sa_column=Column(Integer, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False))
    file_id: int = Field(
        sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    position: int = 0
    status: JobStatus = Field(
        default=JobStatus.QUEUED, sa_column=Column(value_enum(JobStatus, "ck_tasks_status"), nullable=False)
    )
    queue_position: int | None = None

    progress_percentage: int | None = Field(default=0)
    progress_stage: TaskProgressStage | None = Field(
        default=TaskProgressStage.QUEUED, sa_column=Column(value_enum(TaskProgressStage, "ck_tasks_progress_stage"))
    )
    stage_percentage: int = 0
    progress_message: str = ""
    eta_seconds: float | None = None
    stalled: bool = False

    epoch: str = Field(default_factory=lambda: uuid4().hex[:12], max_length=12)
    last_seq: int = 0

    attempt: int = 1
    recoveries: int = 0
    lease_owner: str | None = Field(default=None, max_length=200)
    lease_expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    redo_from: TaskProgressStage | None = Field(
        default=None, sa_column=Column(value_enum(TaskProgressStage, "ck_tasks_redo_from"))
    )
    options: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    transcript_version: int = 0
    reused_from: str | None = Field(default=None, max_length=36)

    engine: str | None = Field(default=None, max_length=200)
    model: str | None = Field(default=None, max_length=500)
    device: str | None = Field(default=None, max_length=20)
    detected_language: str | None = Field(default=None, max_length=16)
    language_probability: float | None = None
    result_text: str | None = Field(default=None, sa_column=Column(Text))
    warnings: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    speaker_count: int | None = None
    diarized: bool | None = None
    diarization_error: str | None = Field(default=None, sa_column=Column(Text))
    diarization_error_code: str | None = Field(default=None, max_length=50)

    error: str | None = Field(default=None, sa_column=Column(Text))
    error_code: str | None = Field(default=None, max_length=50)
    technical_detail: str | None = Field(default=None, sa_column=Column(Text))

    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    completed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    job: Job = Relationship(back_populates="tasks")
    file: File = Relationship(back_populates="tasks")
