"""Owns the upgrade of the schema: Alembic, at start, one process at a time."""

from pathlib import Path

from filelock import FileLock
from sqlalchemy import inspect, text

from app.core.config import SettingsError
from app.infrastructure.database.engine import Database

_MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0004"
"""The schema this code is written for: the newest revision under `migrations/versions`."""


def upgrade(database: Database, lock_folder: Path) -> None:
    """Bring the database to `HEAD`, waiting while another process does so. Cheap when there is nothing to do.

    Raises:
        SettingsError: the database was made by a newer release.
    """
    if _revision(database) == HEAD:
        return
    with FileLock(lock_folder / "migrate.lock", timeout=120):
        revision = _revision(database)
        if revision == HEAD:
            return
        if revision is not None and not any((_MIGRATIONS / "versions").glob(f"{revision}_*.py")):
            raise SettingsError(f"The database was made by a newer release (schema {revision}): install that release.")
        _run(database)


def _revision(database: Database) -> str | None:
    with database.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        return session.connection().execute(text("SELECT version_num FROM alembic_version")).scalar()


def _run(database: Database) -> None:
    # Alembic takes longer to import than everything else a start does when there is nothing to upgrade.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with database.engine.connect() as plain:
        connection = plain.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
