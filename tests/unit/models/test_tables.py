"""The tables refuse what cannot be, and keep what was given."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, select

from app.infrastructure.database.engine import Database
from app.infrastructure.database.migrate import upgrade
from app.models import ConfidenceLevel, Duplicate, File, Job, JobStatus, Segment, Task, UserDecision


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session on a migrated database."""
    database = Database(f"sqlite:///{tmp_path / 'cesar.db'}")
    upgrade(database, tmp_path)
    with Session(database.engine) as session:
        yield session
    database.close()


def job_with_task(session: Session, **task: Any) -> Task:
    """A stored Job with one File and one Task."""
    file, job = File(original_filename="a.wav", original_path="a.wav"), Job()
    session.add_all([file, job])
    session.flush()
    row = Task(job_id=job.id, file_id=file.id, **task)
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize(
    "wrong",
    [
        {"progress_percentage": 101}, {"progress_percentage": -1}, {"stage_percentage": 101}, {"speaker_count": -1},
        {"attempt": 0}, {"diarization_error_code": "other"}, {"status": JobStatus.PROCESSING},
        {"status": JobStatus.QUEUED, "lease_owner": "somebody"},
    ],
)  # fmt: skip
def test_the_database_checks_tasks(session: Session, wrong: dict[str, Any]) -> None:
    """Ranges, codes, and that a running Task (and no other) has a lease are checked by the database itself."""
    with pytest.raises(IntegrityError):
        job_with_task(session, **wrong)


@pytest.mark.parametrize(
    "wrong", [{"min_speakers": 0}, {"max_speakers": 0}, {"min_speakers": 3, "max_speakers": 2}, {"retry_count": -1}]
)
def test_the_database_checks_jobs(session: Session, wrong: dict[str, Any]) -> None:
    """Speakers and counts are checked by the database itself."""
    job = Job()
    for name, value in wrong.items():
        setattr(job, name, value)
    session.add(job)
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_job_is_not_made_with_bounds_that_contradict_each_other() -> None:
    """At least four speakers of at most two is a ValueError that says so, before any database is asked; equal bounds are fine."""
    with pytest.raises(ValueError, match="min_speakers must not be greater than max_speakers"):
        Job(min_speakers=4, max_speakers=2)
    assert [Job(min_speakers=2, max_speakers=2).diarize, Job(min_speakers=4).max_speakers] == [True, None]


def test_an_unknown_status_is_refused_by_the_database(session: Session) -> None:
    """The CHECK knows the statuses' values."""
    job_with_task(session)
    with pytest.raises(IntegrityError):
        session.execute(text("UPDATE tasks SET status = 'done'"))


def test_statuses_are_stored_by_value(session: Session) -> None:
    """What rests in the column is `queued`, not a member's name."""
    job_with_task(session)
    assert session.execute(text("SELECT status, progress_stage FROM tasks")).one() == ("queued", "queued")


def test_times_come_back_with_their_offset(session: Session) -> None:
    """A time in any zone is stored in UTC and read timezone-aware."""
    there = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-7)))
    session.add(File(original_filename="a", original_path="a", detected_timestamp=there))
    session.commit()
    session.expire_all()
    read = session.exec(select(File)).one().detected_timestamp
    assert read == there
    assert read is not None
    assert read.tzinfo is UTC


def test_a_time_without_offset_is_refused(session: Session) -> None:
    """It could mean anything."""
    session.add(File(original_filename="a", original_path="a", detected_timestamp=datetime(2026, 1, 2)))  # noqa: DTZ001
    with pytest.raises(StatementError, match="offset"):
        session.flush()


def test_booleans_and_nulls_survive(session: Session) -> None:
    """`diarized` has three values: true, false, unknown."""
    tasks = [job_with_task(session, diarized=value) for value in (True, False, None)]
    session.commit()
    session.expire_all()
    assert [task.diarized for task in tasks] == [True, False, None]


def test_files_have_jobs_and_jobs_have_files(session: Session) -> None:
    """The link goes both ways, and a File's confidence is low until somebody knows better."""
    file, job = File(original_filename="a", original_path="a"), Job(job_type="import")
    job.files.append(file)
    session.add(job)
    session.commit()
    assert file.jobs == [job]
    assert file.confidence is ConfidenceLevel.LOW


def test_duplicates_are_checked(session: Session) -> None:
    """A File is no duplicate of itself, an exact one scores 1, and a pair is stored once per type."""
    files = [File(original_filename=name, original_path=name) for name in "ab"]
    session.add_all(files)
    session.commit()
    first, second = files[0].id, files[1].id
    for wrong in (
        {"file_id": first, "duplicate_of_id": first, "match_type": "exact", "similarity_score": 1.0},
        {"file_id": second, "duplicate_of_id": first, "match_type": "exact", "similarity_score": 0.9},
        {"file_id": second, "duplicate_of_id": first, "match_type": "perceptual", "similarity_score": 1.1},
        {"file_id": second, "duplicate_of_id": first, "match_type": "other", "similarity_score": 1.0},
    ):
        session.add(Duplicate(**wrong))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
    session.add(Duplicate(file_id=second, duplicate_of_id=first, match_type="exact", similarity_score=1.0))
    session.commit()
    session.add(Duplicate(file_id=second, duplicate_of_id=first, match_type="exact", similarity_score=1.0))
    with pytest.raises(IntegrityError):
        session.flush()


def test_deleting_a_job_takes_its_tasks_and_segments(session: Session) -> None:
    """Foreign keys are enforced, and deletes cascade."""
    task = job_with_task(session)
    session.add(Segment(task_id=task.id, index=0, start=0.0, end=1.0, text="hello"))
    session.add(UserDecision(file_id=task.file_id, decision_type="keep_duplicate"))
    session.commit()
    session.delete(task.job)
    session.commit()
    assert session.exec(select(Task)).all() == []
    assert session.exec(select(Segment)).all() == []
    assert len(session.exec(select(File)).all()) == 1
    session.execute(text("DELETE FROM files"))
    assert session.exec(select(UserDecision)).all() == []


def test_a_task_needs_its_job(session: Session) -> None:
    """Foreign keys hold on every connection."""
    session.add(Task(job_id=99, file_id=99))
    with pytest.raises(IntegrityError):
        session.flush()
