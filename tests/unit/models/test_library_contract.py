"""The names, columns, bounds, relations, indexes and pragmas that the library's tables promise."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, select

from app import models
from app.infrastructure.database import models as database_models
from app.infrastructure.database.engine import Database
from app.infrastructure.database.migrate import upgrade
from app.models import ConfidenceLevel, Duplicate, File, Job, JobStatus, UserDecision

COLUMNS = {
    "files": {
        "id": "INTEGER NOT NULL",
        "uuid": "VARCHAR(36) NOT NULL",
        "original_filename": "VARCHAR(255) NOT NULL",
        "original_path": "VARCHAR(500) NOT NULL",
        "storage_path": "VARCHAR(500)",
        "file_hash_sha256": "VARCHAR(64)",
        "file_hash_perceptual": "VARCHAR(64)",
        "file_size_bytes": "INTEGER",
        "mime_type": "VARCHAR(100)",
        "detected_timestamp": "DATETIME",
        "timestamp_source": "VARCHAR(50)",
        "confidence": "VARCHAR(20) NOT NULL",
        "output_path": "VARCHAR(500)",
        "created_at": "DATETIME NOT NULL",
        "updated_at": "DATETIME NOT NULL",
    },
    "jobs": {
        "id": "INTEGER NOT NULL",
        "job_type": "VARCHAR(50) NOT NULL",
        "status": "VARCHAR(20) NOT NULL",
        "progress_current": "INTEGER NOT NULL",
        "progress_total": "INTEGER NOT NULL",
        "created_at": "DATETIME NOT NULL",
        "started_at": "DATETIME",
        "completed_at": "DATETIME",
        "error_message": "TEXT",
        "retry_count": "INTEGER NOT NULL",
    },
    "job_files": {"job_id": "INTEGER NOT NULL", "file_id": "INTEGER NOT NULL"},
    "duplicates": {
        "id": "INTEGER NOT NULL",
        "file_id": "INTEGER NOT NULL",
        "duplicate_of_id": "INTEGER NOT NULL",
        "match_type": "VARCHAR(20) NOT NULL",
        "similarity_score": "FLOAT NOT NULL",
        "detected_at": "DATETIME NOT NULL",
    },
    "user_decisions": {
        "id": "INTEGER NOT NULL",
        "file_id": "INTEGER NOT NULL",
        "decision_type": "VARCHAR(50) NOT NULL",
        "decision_value": "TEXT",
        "decided_at": "DATETIME NOT NULL",
    },
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database."""
    database = Database(f"sqlite:///{tmp_path / 'cesar.db'}")
    upgrade(database, tmp_path)
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session on it."""
    with Session(database.engine) as session:
        yield session


def a_file(session: Session, **values: Any) -> File:
    """A stored File."""
    file = File(**{"original_filename": "a.wav", "original_path": "a.wav"} | values)
    session.add(file)
    session.commit()
    return file


def test_models_have_two_addresses() -> None:
    """`app.models` and `app.infrastructure.database.models` name the same tables, and each has them all."""
    tables = {name for name in models.__all__ if issubclass(getattr(models, name), SQLModel)}
    assert {"Task", "Job", "File", "Duplicate", "UserDecision", "Segment", "TaskEvent"} <= tables
    assert tables == set(database_models.__all__)
    assert all(getattr(models, name) is getattr(database_models, name) for name in tables)


def test_confidence_has_four_levels() -> None:
    """high, medium, low, none, in this order."""
    assert [level.value for level in ConfidenceLevel] == ["high", "medium", "low", "none"]


def test_old_names_of_statuses_are_the_same_members() -> None:
    """`pending`, `running` and `error` are other spellings, as members and as values."""
    assert JobStatus.PENDING is JobStatus.QUEUED  # type: ignore[attr-defined]
    assert JobStatus.RUNNING is JobStatus.PROCESSING  # type: ignore[attr-defined]
    assert JobStatus.ERROR is JobStatus.FAILED  # type: ignore[attr-defined]
    assert [JobStatus(old) for old in ("pending", "running", "error")] == ["queued", "processing", "failed"]


@pytest.mark.parametrize("table", COLUMNS)
def test_columns(database: Database, table: str) -> None:
    """Each column of the database has its type, its length, and may be empty or not."""
    found = {
        column["name"]: f"{column['type']}{'' if column['nullable'] else ' NOT NULL'}"
        for column in inspect(database.engine).get_columns(table)
    }
    assert {name: found.get(name) for name in COLUMNS[table]} == COLUMNS[table]


def test_the_tables_are_there_after_the_start(database: Database) -> None:
    """files, jobs, job_files, duplicates, user_decisions."""
    names = set(inspect(database.engine).get_table_names())
    assert {"files", "jobs", "job_files", "duplicates", "user_decisions"} <= names


def test_the_indexes_are_there(database: Database) -> None:
    """Equal bytes, times, statuses and pairs are found without looking at every row."""
    found = inspect(database.engine)

    def indexed(table: str) -> list[list[str | None]]:
        return [index["column_names"] for index in found.get_indexes(table)]

    assert ["file_hash_sha256"] in indexed("files")
    assert ["detected_timestamp"] in indexed("files")
    assert ["status"] in indexed("jobs")
    assert ["file_id", "duplicate_of_id"] in indexed("duplicates")
    assert found.get_pk_constraint("job_files")["constrained_columns"] == ["job_id", "file_id"]
    assert {key["referred_table"] for key in found.get_foreign_keys("job_files")} == {"jobs", "files"}


def test_pragmas_hold_on_every_connection(database: Database) -> None:
    """Foreign keys, write-ahead log, patience of five seconds, synchronous NORMAL."""
    wanted = {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 5000, "synchronous": 1}
    with database.engine.connect() as first, database.engine.connect() as second:
        for connection in (first, second):
            assert {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted} == wanted


def test_a_file_has_its_defaults(session: Session) -> None:
    """A name is enough; confidence is low, and times are now, in UTC."""
    file = a_file(session)
    assert (file.confidence, file.detected_timestamp, file.storage_path) == (ConfidenceLevel.LOW, None, None)
    assert file.created_at.tzinfo is UTC
    assert abs((datetime.now(UTC) - file.created_at).total_seconds()) < 60


def test_a_job_has_its_defaults(session: Session) -> None:
    """Queued, with nothing done of nothing, never retried; its type is any word."""
    job = Job(job_type="test")
    session.add(job)
    session.commit()
    assert (job.status, job.progress_current, job.progress_total, job.retry_count) == (JobStatus.PENDING, 0, 0, 0)  # type: ignore[attr-defined]
    assert (job.started_at, job.completed_at, job.error_message) == (None, None, None)


def test_an_update_renews_its_time(session: Session) -> None:
    """`updated_at` follows every change, `created_at` none."""
    file = a_file(session, created_at=datetime(2020, 1, 1, tzinfo=UTC), updated_at=datetime(2020, 1, 1, tzinfo=UTC))
    file.mime_type = "audio/wav"
    session.commit()
    session.refresh(file)
    assert (file.created_at.year, file.updated_at.year > 2020) == (2020, True)


@pytest.mark.parametrize("source", ["exif", "filename", "filesystem", "user", None])
def test_sources_of_times_are_stored(session: Session, source: str | None) -> None:
    """Four words, or none."""
    assert a_file(session, timestamp_source=source).timestamp_source == source


@pytest.mark.parametrize("wrong", [{"timestamp_source": "guess"}, {"file_size_bytes": -1}, {"original_filename": None}])
def test_wrong_files_are_refused(session: Session, wrong: dict[str, Any]) -> None:
    """Other sources, negative sizes, and a File without a name."""
    with pytest.raises(IntegrityError):
        a_file(session, **wrong)


@pytest.mark.parametrize("name", ["job", "file"])
def test_links_need_both_ends(session: Session, name: str) -> None:
    """A Job and a File that are not there cannot be linked."""
    file, job = a_file(session), Job()
    session.add(job)
    session.commit()
    ends = {"job": job.id, "file": file.id, name: 99}
    with pytest.raises(IntegrityError):
        session.execute(text("INSERT INTO job_files (job_id, file_id) VALUES (:job, :file)"), ends)


def test_a_file_is_in_many_jobs_and_a_job_has_many_files(session: Session) -> None:
    """Linked from either side, read from both; deleting a Job leaves its Files."""
    files, jobs = [a_file(session), a_file(session)], [Job(job_type="import"), Job(job_type="process")]
    session.add_all(jobs)
    jobs[0].files = list(files)
    files[0].jobs.append(jobs[1])
    session.commit()
    session.expire_all()
    assert {job.job_type for job in files[0].jobs} == {"import", "process"}
    assert [len(job.files) for job in jobs] == [2, 1]
    session.delete(jobs[0])
    session.commit()
    assert len(session.exec(select(File)).all()) == 2
    assert files[1].jobs == []


def test_a_duplicate_knows_both_files(session: Session) -> None:
    """The newer File lists it, and it names the older."""
    older, newer = a_file(session), a_file(session)
    session.add(Duplicate(file_id=newer.id, duplicate_of_id=older.id, match_type="perceptual", similarity_score=0.0))
    session.commit()
    (pair,) = newer.duplicate_records
    assert (pair.file, pair.duplicate_of, older.duplicate_records) == (newer, older, [])
    assert pair.detected_at.tzinfo is UTC


def test_the_tables_can_be_made_without_migrations(tmp_path: Path) -> None:
    """A script that has only the models gets the same library: linked, read back, and deleted with all that hangs on a File."""
    engine = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        older, newer = a_file(session), a_file(session)
        job = Job(job_type="import")
        session.add(job)
        job.files = [older, newer]
        session.add_all(
            [
                Duplicate(file_id=newer.id, duplicate_of_id=older.id, match_type="exact", similarity_score=1.0),
                UserDecision(file_id=older.id, decision_type="keep_duplicate"),
            ]
        )
        session.commit()
        session.delete(older)
        session.commit()
        assert [session.exec(select(table)).all() for table in (Duplicate, UserDecision)] == [[], []]
        assert session.exec(select(Job)).one().files == [newer]
    engine.dispose()


@pytest.mark.parametrize("kind", ["timestamp_override", "keep_duplicate", "discard_duplicate", "tag_assignment"])
def test_decisions_are_a_history(session: Session, kind: str) -> None:
    """The same may be decided again and again; each stays, with its moment, and knows its File."""
    file = a_file(session)
    session.add_all([UserDecision(file_id=file.id, decision_type=kind, decision_value=value) for value in ("1", None)])
    session.commit()
    rows = session.exec(select(UserDecision)).all()
    assert [(row.decision_value, row.file, row.decided_at.tzinfo) for row in rows] == [
        ("1", file, UTC),
        (None, file, UTC),
    ]


def test_other_decisions_are_refused(session: Session) -> None:
    """The database knows the four types."""
    session.add(UserDecision(file_id=a_file(session).id, decision_type="rename"))
    with pytest.raises(IntegrityError):
        session.flush()
