"""Upgrades: from every earlier schema, by several processes at once, without losing a row."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlmodel import SQLModel

import app.models  # noqa: F401 - fills the metadata
from app.core.config import SettingsError
from app.infrastructure.database import migrate
from app.infrastructure.database.engine import Database, folder_of, refuse_network_share

MIGRATIONS = Path(migrate.__file__).parent / "migrations"
EARLIER = ["0001", "0002", "0003"]

ROWS = """
INSERT INTO files (id, uuid, original_filename, original_path, storage_path, confidence, created_at, updated_at)
VALUES (1, 'f', 'a.wav', 'a.wav', 'key', 'low', '2026-01-01', '2026-01-01');
INSERT INTO jobs (id, uuid, job_type, status, progress_current, progress_total, created_at, retry_count, diarize, options)
VALUES (1, 'j', 'process', 'completed', 1, 1, '2026-01-01', 0, 1, '{}');
INSERT INTO tasks (id, uuid, job_id, file_id, position, status, stage_percentage, progress_message, stalled, epoch,
                   last_seq, attempt, recoveries, warnings, created_at, result_text)
VALUES (1, 't', 1, 1, 0, 'completed', 100, '', 0, 'e', 2, 1, 0, '[]', '2026-01-01', 'hello');
INSERT INTO segments (id, task_id, "index", start, "end", text, words) VALUES (1, 1, 0, 0.0, 1.0, 'hello', '[]');
INSERT INTO task_events (id, task_id, seq, type, payload, created_at)
VALUES (1, 1, 1, 'status', CAST('{"status":"processing"}' AS BLOB), '2026-01-01'),
       (2, 1, 2, 'status', CAST('{"status":"completed"}' AS BLOB), '2026-01-01');
"""


def database_in(folder: Path) -> Database:
    """A database, not yet migrated."""
    return Database(f"sqlite:///{folder / 'cesar.db'}")


def alembic_config() -> Config:
    """Alembic on the project's migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def test_the_head_is_the_newest_migration() -> None:
    """The constant that makes a start fast names the newest revision, and every earlier one is tried below."""
    script = ScriptDirectory.from_config(alembic_config())
    assert script.get_current_head() == migrate.HEAD
    assert [revision.revision for revision in script.walk_revisions()][:0:-1] == EARLIER


@pytest.mark.parametrize("revision", EARLIER)
def test_an_earlier_database_upgrades_without_losing_a_row(tmp_path: Path, revision: str) -> None:
    """Rows of an earlier schema are all there afterwards, and a finished Task's last event is marked final."""
    database = database_in(tmp_path)
    config = alembic_config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in ROWS.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
        if revision >= "0002":  # from here on the event itself says so
            connection.execute(text("UPDATE task_events SET final = 1 WHERE seq = 2"))
        if revision >= "0003":  # and the search is kept by whoever finishes a Task
            connection.execute(text("INSERT INTO search_entries VALUES (1, 1, 0, 0.0, 1.0, NULL, 'hello')"))
    migrate.upgrade(database, tmp_path)
    with database.engine.connect() as connection:
        for table in ("files", "jobs", "tasks", "segments"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1  # noqa: S608
        assert connection.execute(text("SELECT seq, final FROM task_events ORDER BY seq")).all() == [(1, 0), (2, 1)]
        assert connection.execute(text("SELECT result_text FROM tasks")).scalar() == "hello"
        found = "SELECT rowid FROM transcript_search WHERE transcript_search MATCH 'hello'"
        assert connection.execute(text(found)).all() == [(1,)]
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    database.close()


def is_no_search_table(name: str | None, kind: str, _parents: object) -> bool:
    """A full-text index is a virtual table with tables of its own, which no model describes."""
    return kind != "table" or not (name or "").startswith("transcript_search")


def test_migrations_and_models_agree(tmp_path: Path) -> None:
    """A migrated database is what the models describe."""
    database = database_in(tmp_path)
    migrate.upgrade(database, tmp_path)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_no_search_table})
        assert compare_metadata(context, SQLModel.metadata) == []
        checks = connection.execute(text("SELECT group_concat(sql) FROM sqlite_master")).scalar()
    for table in SQLModel.metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint.name, str) and constraint.name.startswith("ck_"):
                assert constraint.name in checks
    database.close()


def test_several_processes_upgrade_at_once(tmp_path: Path) -> None:
    """Servers that start together on an empty folder all find it ready."""
    program = (
        "import sys; from pathlib import Path\n"
        "from app.infrastructure.database.engine import Database\n"
        "from app.infrastructure.database.migrate import upgrade\n"
        "folder = Path(sys.argv[1]); upgrade(Database(f\"sqlite:///{folder / 'cesar.db'}\"), folder)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A database of a later release is not touched; one clear sentence says why."""
    database = database_in(tmp_path)
    migrate.upgrade(database, tmp_path)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="newer release"):
        migrate.upgrade(database, tmp_path)
    database.close()


def test_pragmas_hold_on_every_connection(tmp_path: Path) -> None:
    """Write-ahead log, patience, foreign keys; and full synchronisation only within a durable write."""
    database = database_in(tmp_path)
    for _ in range(2):
        with database.engine.connect() as connection:
            pragmas = ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
            assert found == ["wal", 5000, 1, 1]
    with database.write(durable=True) as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 2
    with database.write() as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 1
    database.close()


def test_a_network_share_is_refused() -> None:
    """SQLite loses data there, so the start says so instead."""
    mounts = "/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/share nfs4 rw 0 0\n"
    refuse_network_share("/home/me", mounts)
    with pytest.raises(SettingsError, match="network share"):
        refuse_network_share("/mnt/share/cesar", mounts)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite:////mnt/share/cesar.db", "/mnt/share"),
        ("sqlite:////mnt/share/../other/cesar.db?timeout=5", "/mnt/other"),
        ("sqlite:///file:/mnt/share/cesar.db?uri=true", "/mnt/share"),
        ("sqlite+pysqlite:////mnt/share/cesar.db", "/mnt/share"),
        ("sqlite:///cesar.db", str(Path.cwd())),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("postgresql://user:word@host/cesar", None),
    ],
)
def test_the_folder_that_counts_is_the_one_of_the_file(url: str, folder: str | None) -> None:
    """Wherever the settings put the database; one without a file is on no share."""
    assert folder_of(url) == (None if folder is None else Path(folder))
