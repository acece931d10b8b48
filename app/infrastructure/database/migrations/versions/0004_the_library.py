"""The library: fingerprints, uploads in pieces, what recordings consist of, what was reused, exported and removed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Files that are here already have no fingerprint; they get one when they are next decoded, or when a worker has nothing else to do."""
    op.add_column("files", sa.Column("streams", sa.JSON(), nullable=True))
    op.add_column("files", sa.Column("media_removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tasks", sa.Column("reused_from", sa.String(length=36), nullable=True))
    op.add_column("jobs", sa.Column("output_path", sa.String(length=500), nullable=True))
    op.create_index("ix_user_decisions_topic", "user_decisions", ["file_id", "decision_type", "id"])
    op.add_column("user_decisions", sa.Column("idempotency_key", sa.String(length=255), nullable=True))
    op.create_index("uq_user_decisions_key", "user_decisions", ["file_id", "idempotency_key"], unique=True)
    _errands()
    _fingerprints()
    _uploads()


def _errands() -> None:
    op.add_column("files", sa.Column("imported", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("attempt", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("jobs", sa.Column("recoveries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("lease_owner", sa.String(length=200), nullable=True))
    op.add_column("jobs", sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_jobs_errands", "jobs", ["job_type", "status"])
    op.create_table(
        "import_sources",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("path", sa.Text(), nullable=False, unique=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.Integer(), sa.ForeignKey("files.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("ix_import_sources_file_id", "import_sources", ["file_id"])


def _fingerprints() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("file_id", sa.Integer(), sa.ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "fingerprint_keys",
        sa.Column("key", sa.Integer(), primary_key=True),
        sa.Column("file_id", sa.Integer(), sa.ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fingerprint_keys_file_id", "fingerprint_keys", ["file_id"])


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uuid", sa.String(length=36), nullable=False, unique=True),
        sa.Column("task_id", sa.Integer(), sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False, unique=True),
        sa.Column("storage_name", sa.String(length=64), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("upload_metadata", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('"offset" >= 0 AND "offset" <= "length"', name="ck_uploads_offset"),
    )
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])
