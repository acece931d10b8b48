"""Edits beside the machine's text, full-text search, runs that begin at a later stage, webhooks."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.infrastructure.database.repositories.search import indexed

revision = "0003"
down_revision = "0002"

_STAGES = "'queued', 'downloading', 'transcribing', 'aligning', 'diarizing', 'formatting', 'complete'"


def upgrade() -> None:
    """Transcripts of finished Tasks can be searched afterwards."""
    _tasks_and_jobs()
    _edits()
    _search()
    _webhooks()


def _tasks_and_jobs() -> None:
    # Raw, because SQLite takes a CHECK with a new column but Alembic would copy the whole table for it.
    op.execute(
        f"ALTER TABLE tasks ADD COLUMN redo_from VARCHAR(20) CONSTRAINT ck_tasks_redo_from CHECK (redo_from IN ({_STAGES}))"
    )
    op.add_column("tasks", sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("tasks", sa.Column("transcript_version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("webhook_url", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("webhook_statuses", sa.Boolean(), nullable=False, server_default=sa.false()))


def _edits() -> None:
    op.create_table(
        "segment_edits",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("task_id", sa.Integer(), sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("pieces", sa.JSON(), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_segment_edits_task_id", "segment_edits", ["task_id"])
    op.create_table(
        "speaker_names",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("task_id", sa.Integer(), sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.UniqueConstraint("task_id", "label", name="uq_speaker_names_label"),
    )


def _search() -> None:
    op.create_table(
        "search_entries",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("task_id", sa.Integer(), sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("start", sa.Float(), nullable=False),
        sa.Column("end", sa.Float(), nullable=False),
        sa.Column("speaker", sa.String(length=100), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint('"end" >= "start"', name="ck_search_entries_times"),
    )
    op.create_index("ix_search_entries_place", "search_entries", ["task_id", "position"])
    op.execute(
        """
        CREATE VIRTUAL TABLE transcript_search
        USING fts5(text, content='search_entries', content_rowid='id',
                   tokenize="unicode61 remove_diacritics 2 categories 'L* M* N* Co'")
        """
    )
    add = "INSERT INTO transcript_search(rowid, text) VALUES (new.id, new.text);"
    drop = "INSERT INTO transcript_search(transcript_search, rowid, text) VALUES ('delete', old.id, old.text);"
    for name, event, action in (
        ("added", "INSERT", add),
        ("removed", "DELETE", drop),
        ("changed", "UPDATE OF text", drop + add),
    ):
        op.execute(f"CREATE TRIGGER search_entry_{name} AFTER {event} ON search_entries BEGIN {action} END")
    driver: Any = op.get_bind().connection.driver_connection
    driver.create_function("indexed", 1, indexed, deterministic=True)
    op.execute(
        """
        INSERT INTO search_entries (task_id, position, start, "end", speaker, text)
        SELECT segments.task_id, segments."index", segments.start, segments."end", segments.speaker, indexed(segments.text)
        FROM segments JOIN tasks ON tasks.id = segments.task_id
        WHERE tasks.status IN ('completed', 'partial', 'failed', 'cancelled') AND segments.text <> ''
        """
    )


def _webhooks() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uuid", sa.String(length=36), nullable=False, unique=True),
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("event_type", sa.String(length=50), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status_code", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'delivered', 'given_up')", name="ck_webhook_deliveries_status"),
        sa.CheckConstraint("attempts >= 0", name="ck_webhook_deliveries_attempts"),
    )
    op.create_index("ix_webhook_deliveries_job_id", "webhook_deliveries", ["job_id"])
    op.create_index("ix_webhook_deliveries_due", "webhook_deliveries", ["next_attempt_at"])
