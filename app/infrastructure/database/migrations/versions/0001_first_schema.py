"""The first schema: files, jobs, tasks, their segments and events, duplicates and decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("original_filename", sa.String(length=255), nullable=False),
        sa.Column("original_path", sa.String(length=500), nullable=False),
        sa.Column("storage_path", sa.String(length=500), nullable=True),
        sa.Column("file_hash_sha256", sa.String(length=64), nullable=True),
        sa.Column("file_hash_perceptual", sa.String(length=64), nullable=True),
        sa.Column("file_size_bytes", sa.Integer(), nullable=True),
        sa.Column("mime_type", sa.String(length=100), nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("detected_timestamp", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timestamp_source", sa.String(length=50), nullable=True),
        sa.Column("timestamp_candidates", sa.JSON(), nullable=True),
        sa.Column(
            "confidence",
            sa.Enum(
                "high",
                "medium",
                "low",
                "none",
                name="ck_files_confidence",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("output_path", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "timestamp_source IS NULL OR timestamp_source IN ('exif', 'filename', 'filesystem', 'user')",
            name="ck_files_timestamp_source",
        ),
        sa.CheckConstraint("duration_seconds IS NULL OR duration_seconds >= 0", name="ck_files_duration"),
        sa.CheckConstraint("file_size_bytes IS NULL OR file_size_bytes >= 0", name="ck_files_size"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("ix_files_detected_timestamp", "files", ["detected_timestamp"])
    op.create_index("ix_files_file_hash_sha256", "files", ["file_hash_sha256"])

    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("job_type", sa.String(length=50), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "downloading",
                "processing",
                "completed",
                "partial",
                "failed",
                "cancelled",
                name="ck_jobs_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("progress_current", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("model_size", sa.String(length=500), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("diarize", sa.Boolean(), nullable=False),
        sa.Column("min_speakers", sa.Integer(), nullable=True),
        sa.Column("max_speakers", sa.Integer(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("request_fingerprint", sa.String(length=64), nullable=True),
        sa.CheckConstraint("max_speakers IS NULL OR max_speakers >= 1", name="ck_jobs_max_speakers"),
        sa.CheckConstraint(
            "min_speakers IS NULL OR max_speakers IS NULL OR min_speakers <= max_speakers", name="ck_jobs_speakers"
        ),
        sa.CheckConstraint("min_speakers IS NULL OR min_speakers >= 1", name="ck_jobs_min_speakers"),
        sa.CheckConstraint("progress_current >= 0 AND progress_current <= progress_total", name="ck_jobs_progress"),
        sa.CheckConstraint("retry_count >= 0", name="ck_jobs_retry_count"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("idempotency_key"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("idx_jobs_diarize", "jobs", ["diarize"])
    op.create_index("ix_jobs_created_at", "jobs", ["created_at"])
    op.create_index("ix_jobs_status", "jobs", ["status"])

    op.create_table(
        "duplicates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("duplicate_of_id", sa.Integer(), nullable=False),
        sa.Column("match_type", sa.String(length=20), nullable=False),
        sa.Column("similarity_score", sa.Float(), nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("match_type <> 'exact' OR similarity_score = 1.0", name="ck_duplicates_exact"),
        sa.CheckConstraint("match_type IN ('exact', 'perceptual')", name="ck_duplicates_match_type"),
        sa.CheckConstraint("file_id <> duplicate_of_id", name="ck_duplicates_other"),
        sa.CheckConstraint("similarity_score BETWEEN 0.0 AND 1.0", name="ck_duplicates_score"),
        sa.ForeignKeyConstraint(["duplicate_of_id"], ["files.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("file_id", "duplicate_of_id", "match_type", name="uq_duplicates_pair"),
    )
    op.create_index("ix_duplicates_duplicate_of_id", "duplicates", ["duplicate_of_id"])
    op.create_index("ix_duplicates_file_id_duplicate_of_id", "duplicates", ["file_id", "duplicate_of_id"])

    op.create_table(
        "job_files",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "file_id"),
    )
    op.create_index("ix_job_files_file_id", "job_files", ["file_id"])

    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "downloading",
                "processing",
                "completed",
                "partial",
                "failed",
                "cancelled",
                name="ck_tasks_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("progress_percentage", sa.Integer(), nullable=True),
        sa.Column(
            "progress_stage",
            sa.Enum(
                "queued",
                "downloading",
                "transcribing",
                "aligning",
                "diarizing",
                "formatting",
                "complete",
                name="ck_tasks_progress_stage",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("stage_percentage", sa.Integer(), nullable=False),
        sa.Column("progress_message", sa.String(), nullable=False),
        sa.Column("eta_seconds", sa.Float(), nullable=True),
        sa.Column("stalled", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.String(length=12), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("recoveries", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=200), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("engine", sa.String(length=200), nullable=True),
        sa.Column("model", sa.String(length=500), nullable=True),
        sa.Column("device", sa.String(length=20), nullable=True),
        sa.Column("detected_language", sa.String(length=16), nullable=True),
        sa.Column("language_probability", sa.Float(), nullable=True),
        sa.Column("result_text", sa.Text(), nullable=True),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("speaker_count", sa.Integer(), nullable=True),
        sa.Column("diarized", sa.Boolean(), nullable=True),
        sa.Column("diarization_error", sa.Text(), nullable=True),
        sa.Column("diarization_error_code", sa.String(length=50), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_code", sa.String(length=50), nullable=True),
        sa.Column("technical_detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status IN ('downloading', 'processing')) = (lease_owner IS NOT NULL)", name="ck_tasks_lease"
        ),
        sa.CheckConstraint(
            "diarization_error_code IS NULL OR diarization_error_code IN ('hf_token_required', 'hf_token_invalid', 'diarization_failed')",
            name="ck_tasks_diarization_error_code",
        ),
        sa.CheckConstraint("attempt >= 1", name="ck_tasks_attempt"),
        sa.CheckConstraint("progress_percentage BETWEEN 0 AND 100", name="ck_tasks_progress_percentage"),
        sa.CheckConstraint("speaker_count IS NULL OR speaker_count >= 0", name="ck_tasks_speaker_count"),
        sa.CheckConstraint("stage_percentage BETWEEN 0 AND 100", name="ck_tasks_stage_percentage"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "position", name="uq_tasks_position"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("ix_tasks_file_id", "tasks", ["file_id"])
    op.create_index("ix_tasks_queue", "tasks", ["status", "job_id", "position"])

    op.create_table(
        "user_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("decision_type", sa.String(length=50), nullable=False),
        sa.Column("decision_value", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "decision_type IN ('timestamp_override', 'keep_duplicate', 'discard_duplicate', 'tag_assignment')",
            name="ck_user_decisions_type",
        ),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_user_decisions_file_id", "user_decisions", ["file_id"])

    op.create_table(
        "segments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("start", sa.Float(), nullable=False),
        sa.Column("end", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("speaker", sa.String(length=100), nullable=True),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.CheckConstraint('"start" >= 0 AND "end" >= "start"', name="ck_segments_times"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "index", name="uq_segments_index"),
    )
    op.create_table(
        "task_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=30), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "seq", name="uq_task_events_seq"),
        sqlite_autoincrement=True,
    )
