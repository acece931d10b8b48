"""The library: fingerprints, uploads in pieces, what recordings consist of, what was reused, exported and removed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Files that are here already have no fingerprint; they get one when they are next decoded."""
    op.add_column("files", sa.Column("streams", sa.JSON(), nullable=True))
    op.add_column("files", sa.Column("media_removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tasks", sa.Column("reused_from", sa.String(length=36), nullable=True))
    op.add_column("jobs", sa.Column("output_path", sa.String(length=500), nullable=True))
    op.create_index("ix_user_decisions_topic", "user_decisions", ["file_id", "decision_type", "id"])
    _fingerprints()
    _uploads()


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
