"""What is kept, what goes after its time, and what a deletion takes with it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session, col, select

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.events import ProgressEvent, SegmentEvent, StatusEvent
from app.domain.lifecycle import FINISHED, RUNNING, JobStatus
from app.domain.progress import TaskProgressStage
from app.infrastructure.storage.derived import LocalDerived
from app.infrastructure.websocket.event_log import first_page
from app.models import File, Fingerprint, FingerprintKey, Job, Task, TaskEvent, UserDecision
from app.services.keeping_service import KeepingRules, KeepingService
from tests.workbench import Workbench

DAY = timedelta(days=1)


def keeping(bench: Workbench, **rules: timedelta) -> KeepingService:
    """The service with these limits, on the workbench."""
    derived = LocalDerived(bench.database_folder / "media")
    return KeepingService(bench.store, bench.storage, derived, KeepingRules(**rules))


def end(bench: Workbench, task_id: str, status: JobStatus = JobStatus.COMPLETED, *, age: timedelta = 2 * DAY) -> None:
    """Make a Task one that finished so long ago."""
    with bench.database.write() as session:
        task = session.exec(select(Task).where(Task.uuid == task_id)).one()
        task.status, task.completed_at = status, utc_now() - age
        session.add(task)


def file_of(bench: Workbench, task_id: str) -> str:
    """The public id of a Task's File."""
    return bench.queries.task(task_id).file_id


def rows(bench: Workbench, table: str) -> int:
    """How many rows a table has."""
    with bench.database.read() as session:
        return int(session.connection().execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def stored(bench: Workbench) -> set[str]:
    """Keys of all bytes that rest."""
    return set(bench.storage.keys())


def test_bytes_go_when_their_time_is_over_and_the_transcript_stays(bench: Workbench) -> None:
    """Two days after the end of a run the recording is removed, and the File says when."""
    old, young = bench.submit(), bench.submit()
    end(bench, old[0])
    end(bench, young[0], age=DAY / 2)
    assert keeping(bench, media=DAY).forget_expired() == []
    assert len(stored(bench)) == 1
    with bench.store.read() as tx:
        assert tx.files.get(file_of(bench, old[0])).media_removed_at is not None
        assert tx.files.get(file_of(bench, young[0])).storage_path in stored(bench)


def test_a_retry_without_the_recording_is_refused(bench: Workbench) -> None:
    """A Task whose recording was removed cannot run again, and says why."""
    (task,) = bench.submit()
    end(bench, task, JobStatus.FAILED)
    keeping(bench, media=DAY).forget_expired()
    with pytest.raises(CesarError, match="media_gone"):
        bench.tasks.retry(task)


def test_a_recording_stays_while_any_of_its_tasks_is_young_or_unfinished(bench: Workbench) -> None:
    """Two Tasks of one File: the younger one decides."""
    first, second = bench.submit(2)
    with bench.database.write() as session:
        tasks = session.exec(select(Task).order_by(col(Task.id))).all()
        tasks[1].file_id = tasks[0].file_id
        session.add(tasks[1])
    end(bench, first)
    keeping(bench, media=DAY).forget_expired()
    assert len(stored(bench)) == 2
    end(bench, second)
    keeping(bench, media=DAY).forget_expired()
    assert rows(bench, "files WHERE storage_path IS NULL") == 1


def test_an_old_task_goes_and_its_recording_stays(bench: Workbench) -> None:
    """Transcripts have a limit of their own: the File is still in the library, its Job is not."""
    (task,) = bench.submit()
    end(bench, task)
    assert keeping(bench, transcripts=DAY).forget_expired() == [task]
    assert (rows(bench, "tasks"), rows(bench, "jobs"), rows(bench, "task_events"), rows(bench, "files")) == (0, 0, 0, 1)
    assert len(stored(bench)) == 1


def test_a_file_of_which_nothing_is_left_goes(bench: Workbench) -> None:
    """Without bytes and without Tasks there is no File."""
    (task,) = bench.submit()
    end(bench, task)
    keeping(bench, transcripts=DAY, media=DAY).forget_expired()
    assert rows(bench, "files") == len(stored(bench)) == 1
    with bench.database.write() as session:
        session.connection().execute(text("UPDATE files SET updated_at = '2020-01-01 00:00:00'"))
    keeping(bench, transcripts=DAY, media=DAY).forget_expired()
    assert (rows(bench, "files"), stored(bench)) == (0, set())


def test_a_recording_whose_tasks_went_before_it_counts_from_their_end(bench: Workbench) -> None:
    """Tasks for a day, recordings for three, both long here: two days after the end the recording stays."""
    (task,) = bench.submit()
    with bench.database.write() as session:
        session.connection().execute(text("UPDATE files SET updated_at = '2020-01-01 00:00:00'"))
    end(bench, task, JobStatus.FAILED)
    for _ in range(2):
        keeping(bench, transcripts=DAY, media=3 * DAY).forget_expired()
    assert (rows(bench, "tasks"), len(stored(bench))) == (0, 1)


def test_an_imported_recording_that_nobody_transcribed_stays(bench: Workbench) -> None:
    """What was taken into the library in its own right is not finished, however old it is."""
    (task,) = bench.submit()
    bench.jobs.delete_task(task)
    with bench.database.write() as session:
        file = File(original_filename="a", original_path="a", storage_path=bench.store_bytes().key, imported=True)
        file.updated_at = utc_now() - 100 * DAY
        session.add(file)
    keeping(bench, media=DAY, transcripts=DAY, events=DAY).forget_expired()
    assert rows(bench, "files") == len(stored(bench)) == 1


def test_a_job_whose_old_tasks_went_counts_the_others(bench: Workbench) -> None:
    """Of three Tasks one is left: the Job has one."""
    tasks = bench.submit(3)
    for task in tasks[:2]:
        end(bench, task)
    assert sorted(keeping(bench, transcripts=DAY).forget_expired()) == sorted(tasks[:2])
    job = bench.queries.job(bench.queries.task(tasks[2]).job_id)
    assert (job.progress_total, job.progress_current, job.status) == (1, 0, JobStatus.QUEUED)


def tell(bench: Workbench, task_id: str, segments: int = 5) -> None:
    """A history: progress, segments, the end."""
    bench.log.append([(task_id, ProgressEvent(TaskProgressStage.TRANSCRIBING, 10))])
    for index in range(segments):
        bench.log.append([(task_id, SegmentEvent(index, float(index), index + 1.0, f"part {index}"))])
    bench.log.append([(task_id, StatusEvent(JobStatus.COMPLETED))])


def test_old_events_go_but_the_last_and_late_watchers_are_told_of_the_gap(bench: Workbench) -> None:
    """Who comes with an old number gets a snapshot that says so; who has the last number has everything."""
    (task,) = bench.submit()
    tell(bench, task)
    end(bench, task)
    last = bench.log.since(task, 0)[-1].seq
    keeping(bench, events=DAY).forget_expired()
    assert [event.seq for event in bench.log.since(task, 0)] == [last]
    late, current = first_page(bench.log, task, 2, None), first_page(bench.log, task, last, None)
    assert late is not None
    assert current is not None
    assert (late.recovered, late.seq, len(late.messages)) == (False, last, 3)
    assert (current.recovered, current.messages) == (True, ())
    assert len(bench.queries.transcript(task).segments) == 5


def test_young_events_stay(bench: Workbench) -> None:
    """A history of yesterday is whole."""
    (task,) = bench.submit()
    tell(bench, task)
    end(bench, task, age=DAY / 2)
    before = bench.log.since(task, 0)
    keeping(bench, events=DAY).forget_expired()
    assert bench.log.since(task, 0) == before


def test_whoever_wants_to_write_waits_for_one_task_at_most(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a turn is over nothing more is taken up in its transaction; between two of them others write, and in the end all are gone."""
    tasks = bench.submit(4)
    for task in tasks:
        tell(bench, task)
        end(bench, task)
    turns: list[tuple[int, int]] = []
    monkeypatch.setattr("app.services.turns._HOLD_SECONDS", 0)
    monkeypatch.setattr(
        "app.services.keeping_service.let_others_write",
        lambda: turns.append((rows(bench, "tasks"), rows(bench, "task_events"))),
    )
    told = rows(bench, "task_events")
    keeping(bench, events=DAY).forget_expired()
    assert turns == [(4, told - n * (told // 4 - 1)) for n in (1, 2, 3, 4)]
    turns.clear()
    assert sorted(keeping(bench, transcripts=DAY).forget_expired()) == sorted(tasks)
    assert turns == [(3, 3), (2, 2), (1, 1), (0, 0)]


@pytest.mark.parametrize(("age", "stays"), [(2 * DAY, False), (DAY / 2, True)])
def test_archives_go_with_the_time_of_transcripts(bench: Workbench, age: timedelta, stays: bool) -> None:
    """An export that ended so long ago is forgotten with its archive; an import and an unfinished export are not."""
    archive = bench.store_bytes().key
    with bench.database.write() as session:
        for kind, status, key in (
            ("export", "completed", archive),
            ("export", "queued", None),
            ("import", "completed", None),
        ):
            job = Job(job_type=kind, status=JobStatus(status), output_path=key)
            job.created_at = utc_now() - 9 * DAY
            job.completed_at = utc_now() - age if status == "completed" else None
            session.add(job)
    keeping(bench, media=DAY, events=DAY).forget_expired()
    assert (rows(bench, "jobs"), stored(bench)) == (3, {archive})
    keeping(bench, transcripts=DAY).forget_expired()
    assert (rows(bench, "jobs"), stored(bench)) == ((3, {archive}) if stays else (2, set()))


def discard(bench: Workbench, file: str, kind: str = "discard_duplicate", *, age: timedelta = 2 * DAY) -> None:
    """Somebody decided so."""
    with bench.database.write() as session:
        row = session.exec(select(File).where(File.uuid == file)).one()
        session.add(UserDecision(file_id=row.id, decision_type=kind, decided_at=utc_now() - age))


def pair(bench: Workbench) -> tuple[str, str]:
    """Two Files with the same bytes, both transcribed a moment ago."""
    tasks = bench.submit(2)
    for task in tasks:
        end(bench, task, age=timedelta())
    assert rows(bench, "duplicates") == 1
    first, second = (file_of(bench, task) for task in tasks)
    return first, second


def has_bytes(bench: Workbench, file: str) -> bool:
    """Whether the File's bytes rest."""
    with bench.store.read() as tx:
        return tx.files.get(file).storage_path in stored(bench)


def test_the_bytes_of_a_discarded_copy_go(bench: Workbench) -> None:
    """A day after the decision the copy has none, and the other one has."""
    first, second = pair(bench)
    discard(bench, second)
    keeping(bench).forget_expired()
    assert (has_bytes(bench, first), has_bytes(bench, second)) == (True, False)


@pytest.mark.parametrize("undone", ["keep_duplicate", None])
def test_a_discarded_copy_keeps_its_bytes_when_undone_or_fresh(bench: Workbench, undone: str | None) -> None:
    """The latest decision counts, and not before a day has passed."""
    _, second = pair(bench)
    discard(bench, second, age=DAY / 2 if undone is None else 2 * DAY)
    if undone is not None:
        discard(bench, second, undone)
    keeping(bench).forget_expired()
    assert has_bytes(bench, second)


def test_the_last_copy_keeps_its_bytes(bench: Workbench) -> None:
    """When the recording that it was a copy of is gone, or discarded as well, nothing is removed."""
    first, second = pair(bench)
    discard(bench, first)
    discard(bench, second)
    keeping(bench).forget_expired()
    assert has_bytes(bench, first)
    assert has_bytes(bench, second)
    keeping(bench).delete_file(first)
    keeping(bench).forget_expired()
    assert has_bytes(bench, second)


def test_a_deleted_file_takes_everything_about_it_and_nothing_else(bench: Workbench) -> None:
    """Tasks, segments, events, search entries, duplicates, decisions, fingerprints, bytes and outlines: of this File alone."""
    first, second = pair(bench)
    with bench.database.write() as session:
        ids = [session.exec(select(File.id).where(File.uuid == uuid)).one() for uuid in (first, second)]
        for file_id in ids:
            session.add(Fingerprint(file_id=file_id, version=1, data=b"x"))
            session.add(FingerprintKey(file_id=file_id, key=7))
            task = session.exec(select(Task).where(Task.file_id == file_id)).one()
            words = text('INSERT INTO search_entries (task_id, position, start, "end", text) VALUES (:t, 0, 0, 1, :w)')
            session.connection().execute(words, {"t": task.id, "w": f"heron {file_id}"})
    for uuid in (first, second):
        discard(bench, uuid, "tag_assignment")
        make_outline(bench, uuid)
    before = {table: rows(bench, table) for table in TABLES}
    gone = keeping(bench).delete_file(first)
    assert [bench.queries.task(task).id for task in gone if not is_gone(bench, task)] == []
    after = {table: rows(bench, table) for table in TABLES}
    # The pair was about both.
    assert after == {table: 0 if table == "duplicates" else count // 2 for table, count in before.items()}
    assert len(stored(bench)) == len(set(LocalDerived(bench.database_folder / "media").keys())) == 1
    assert has_bytes(bench, second)


TABLES = (
    "files", "tasks", "task_events", "search_entries", "transcript_search", "duplicates", "user_decisions", "fingerprints",
    "fingerprint_keys", "job_files",
)  # fmt: skip


def make_outline(bench: Workbench, file: str) -> None:
    """Something made from the recording."""

    def write(target: BinaryIO) -> None:
        target.write(b"\0\0")

    with bench.store.read() as tx:
        key = tx.files.get(file).storage_path or ""
    LocalDerived(bench.database_folder / "media").make(key, "peaks1", write, lambda: None)


def is_gone(bench: Workbench, task_id: str) -> bool:
    """Whether there is no such Task."""
    try:
        bench.queries.task(task_id)
    except CesarError as problem:
        return problem.code == "task_not_found"
    return False


def test_deleting_a_file_stops_its_run(bench: Workbench) -> None:
    """The worker's lease no longer holds, and those who waited behind move up."""
    first, second = bench.submit(2)
    claim = bench.claim()
    assert keeping(bench).delete_file(file_of(bench, first)) == [first]
    assert not bench.tasks.holds(claim.lease)
    assert bench.queries.task(second).queue_position == 1
    with pytest.raises(CesarError, match="file_not_found"):
        keeping(bench).delete_file("gone")


def test_outlines_without_a_file_go_and_missing_bytes_are_told(
    bench: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was made from a recording that is gone is removed; a File whose bytes are missing stays as it is."""
    first, second = pair(bench)
    for uuid in (first, second):
        make_outline(bench, uuid)
    orphan = "0" * 32
    LocalDerived(bench.database_folder / "media").make(orphan, "peaks1", lambda target: None, lambda: None)
    with bench.store.read() as tx:
        key = tx.files.get(first).storage_path or ""
    bench.storage.path_of(key).unlink()
    keeping(bench).look_for_orphans()
    assert orphan not in set(LocalDerived(bench.database_folder / "media").keys())
    assert len(set(LocalDerived(bench.database_folder / "media").keys())) == 2
    with bench.store.read() as tx:
        assert tx.files.get(first).storage_path == key


HOURS = st.sampled_from([0, 10, 30, 50, 70])
STATUSES = st.sampled_from(sorted(FINISHED) * 3 + sorted(set(JobStatus) - FINISHED))
POPULATIONS = st.lists(
    st.tuples(st.lists(st.tuples(STATUSES, HOURS), max_size=2), st.sampled_from([False, False, True]), HOURS),
    max_size=8,
)
LIMITS = st.sampled_from([None, 20, 40, 60])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench that is emptied for each example, and on which nobody else wants to write."""
    bench = Workbench(tmp_path_factory.mktemp("keeping") / "data")
    with pytest.MonkeyPatch.context() as alone:
        alone.setattr("app.services.keeping_service.let_others_write", lambda: None)
        yield bench
    bench.close()


def populate(bench: Workbench, population: list[tuple[list[tuple[JobStatus, int]], bool, int]]) -> None:
    """Files with Tasks of these statuses that ended so many hours ago; each has bytes and three events per Task."""
    now = utc_now()
    with bench.database.write() as session:
        for table in ("jobs", "files"):
            session.connection().execute(text(f"DELETE FROM {table}"))  # noqa: S608
        for tasks, imported, age in population:
            file = File(original_filename="a", original_path="a", storage_path=bench.store_bytes().key)
            file.imported, file.updated_at = imported, now - timedelta(hours=age)
            session.add(file)
            session.flush()
            for status, hours in tasks:
                add_task(session, file, status, now - timedelta(hours=hours))


def add_task(session: Session, file: File, status: JobStatus, ended: object) -> None:
    """One Task in a Job of its own."""
    job = Job(status=status, progress_total=1)
    session.add(job)
    session.flush()
    task = Task(job_id=job.id, file_id=file.id, status=status, last_seq=3)
    task.completed_at = ended if status in FINISHED else None  # type: ignore[assignment]
    task.lease_owner = "worker" if status in RUNNING else None
    session.add(task)
    session.flush()
    for seq in (1, 2, 3):
        session.add(TaskEvent(task_id=task.id, seq=seq, type="status", payload=b"{}"))


def census(bench: Workbench) -> dict[str, tuple[object, ...]]:
    """Everything that can be forgotten: bytes by File, Tasks and events by Task."""
    found: dict[str, tuple[object, ...]] = {}
    with bench.database.read() as session:
        for file in session.exec(select(File)).all():
            tasks = session.exec(select(Task).where(Task.file_id == file.id)).all()
            ends = [(task.status in FINISHED, task.completed_at or task.created_at) for task in tasks]
            if file.storage_path is not None:
                found[f"media {file.uuid}"] = (ends, file.imported, file.updated_at)
            for task in tasks:
                told = session.exec(select(TaskEvent.seq).where(TaskEvent.task_id == task.id)).all()
                found[f"task {task.uuid}"] = (task.status in FINISHED, task.completed_at)
                found |= {f"event {task.uuid} {seq}": (task.status in FINISHED, task.completed_at) for seq in told}
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(population=POPULATIONS, media=LIMITS, transcripts=LIMITS, events=LIMITS)
def test_nothing_unfinished_nothing_young_and_nothing_twice(
    shared: Workbench,
    population: list[tuple[list[tuple[JobStatus, int]], bool, int]],
    media: int | None,
    transcripts: int | None,
    events: int | None,
) -> None:
    """Whatever goes was finished and past its limit; what is past its limit goes; a second sweep finds nothing more."""
    populate(shared, population)
    limits = {"media": media, "task": transcripts, "event": events}
    before, now = census(shared), utc_now()
    hours = {"media": media, "transcripts": transcripts, "events": events}
    rules = {kind: timedelta(hours=limit) for kind, limit in hours.items() if limit is not None}
    gone = keeping(shared, **rules).forget_expired()
    after = census(shared)
    assert set(after) <= set(before)
    assert {name.split()[1] for name in set(before) - set(after) if name.startswith("task")} == set(gone)
    for name in set(before) - set(after):
        kind = name.split()[0]
        if kind == "event" and name.split()[1] in gone:
            continue
        limit = limits[kind]
        assert limit is not None
        assert is_past(before[name], kind, now - timedelta(hours=limit))
    assert all(
        not is_past(about, name.split()[0], now - timedelta(hours=limits[name.split()[0]] or 10_000))
        for name, about in after.items()
        if not name.endswith(" 3")
    )
    stored_keys = stored(shared)
    with shared.store.read() as tx:
        assert tx.files.storage_keys() <= stored_keys
    assert keeping(shared, **rules).forget_expired() == []
    assert census(shared) == after


def is_past(about: tuple[object, ...], kind: str, limit: object) -> bool:
    """Whether all of it was finished before that moment."""
    if kind != "media":
        return bool(about[0]) and about[1] < limit  # type: ignore[operator]
    ends, imported, updated = about
    assert isinstance(ends, list)
    if not ends:
        return not imported and updated < limit  # type: ignore[operator]
    return all(done and at < limit for done, at in ends)
