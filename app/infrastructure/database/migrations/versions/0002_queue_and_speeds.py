"""What was announced of the queue, the mark of final events, and measured engine speeds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Events stored before are final where they told a finished status."""
    op.add_column("tasks", sa.Column("queue_position", sa.Integer(), nullable=True))
    op.add_column("task_events", sa.Column("final", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        """
        UPDATE task_events SET final = 1
        WHERE type = 'status' AND json_extract(CAST(payload AS TEXT), '$.status')
              IN ('completed', 'partial', 'failed', 'cancelled')
        """
    )
    op.create_table(
        "engine_speeds",
        sa.Column("engine", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=500), nullable=False),
        sa.Column("device", sa.String(length=20), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("seconds_per_second", sa.Float(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.CheckConstraint("seconds_per_second >= 0", name="ck_engine_speeds_positive"),
        sa.PrimaryKeyConstraint("engine", "model", "device", "stage"),
    )
