"""Runs migrations on the connection that `migrate.upgrade` hands over, inside its transaction."""

from alembic import context
from sqlmodel import SQLModel

import app.models  # noqa: F401 - fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()
