"""`cesar db check`: nothing is found in a sound library, each kind of damage is, and the repair keeps what is somebody's."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli import cli
from app.core.config import Settings, SettingsError
from app.database_check import DatabaseCheck, check
from app.domain.events import StatusEvent
from app.domain.lifecycle import JobStatus
from app.domain.transcript import Segment
from app.infrastructure.database.consistency import Consistency, Inventory
from app.infrastructure.storage.derived import LocalDerived
from app.services.runs import RunResult
from app.services.work_filter import TaskFilter
from tests.workbench import Workbench


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A data folder with two finished Tasks, one that waits, and one File without bytes."""
    bench = Workbench(tmp_path / "data")
    for _ in range(2):
        bench.submit()
        claim = bench.claim()
        segments = tuple(Segment(n, float(n), n + 1.0, f"heron {n}") for n in range(3))
        result = RunResult(segments, "heron", "scripted", "script", "cpu", 3.0)
        bench.tasks.complete(claim.lease, result)
    bench.submit()
    with bench.database.write() as session:
        session.connection().execute(
            text("UPDATE files SET storage_path = NULL, media_removed_at = '2026-01-01' WHERE id = 2")
        )
    for key in set(bench.storage.keys()):
        with bench.store.read() as tx:
            if key not in tx.files.storage_keys():
                bench.storage.remove(key)
    bench.close()
    return tmp_path / "data"


def found(folder: Path) -> dict[str, tuple[str, ...]]:
    """What is wrong, by what was looked at."""
    checked = DatabaseCheck(Settings(data_dir=folder))
    report = checked.examine()
    checked.close()
    return {finding.topic: finding.found for finding in report.findings if finding.found}


def repair(folder: Path) -> None:
    """Do what can be done."""
    checked = DatabaseCheck(Settings(data_dir=folder))
    checked.repair()
    checked.close()


def change(*statements: str) -> Callable[[Path], None]:
    """Statements behind the service's back."""

    def act(folder: Path) -> None:
        bench = Workbench(folder)
        with bench.database.write() as session:
            for statement in statements:
                session.connection().execute(text(statement))
        bench.close()

    return act


def unreferenced(folder: Path) -> None:
    """A row whose parent is gone, as a database that was edited without its rules has it."""
    with sqlite3.connect(folder / "cesar.db") as database:
        database.execute("UPDATE segments SET task_id = 77 WHERE id = 1")


def lost_bytes(folder: Path) -> None:
    """A recording that somebody deleted by hand."""
    next(path for path in (folder / "media").glob("??/*") if path.is_file()).unlink()


def cut_bytes(folder: Path) -> None:
    """A recording that a broken disk shortened."""
    os.truncate(next(path for path in (folder / "media").glob("??/*") if path.is_file()), 1)


def orphaned_bytes(folder: Path) -> None:
    """Bytes that no row points to."""
    path = folder / "media" / "ab" / ("ab" * 16)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (1, 1))


def orphaned_outline(folder: Path) -> None:
    """An outline of nothing."""
    LocalDerived(folder / "media").make("cd" * 16, "peaks1", lambda target: None, lambda: None)


def orphaned_part(folder: Path) -> None:
    """The beginning of an upload that nobody knows."""
    path = folder / "media" / "uploads" / ("ef" * 16)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (1, 1))


DAMAGES = [
    ("references", unreferenced, False),
    ("numbers of events", change("DELETE FROM task_events WHERE seq = 2 AND task_id = 1"), False),
    ("numbers of events", change("UPDATE tasks SET last_seq = 99 WHERE id = 3"), False),
    ("numbers of segments", change('DELETE FROM segments WHERE "index" = 1 AND task_id = 1'), False),
    ("counts of jobs", change("UPDATE jobs SET progress_current = 0 WHERE id = 1"), False),
    ("status of jobs", change("UPDATE jobs SET status = 'failed' WHERE id = 1"), False),
    ("files of jobs", change("DELETE FROM job_files WHERE job_id = 1"), False),
    ("full-text index", change("DELETE FROM transcript_search_data WHERE id > 10"), True),
    ("search", change("DELETE FROM search_entries WHERE task_id = 1"), True),
    ("search", change("UPDATE search_entries SET text = 'crane' WHERE task_id = 1"), True),
    ("recordings on the disk", lost_bytes, False),
    ("recordings on the disk", cut_bytes, False),
    ("archives on the disk", change("UPDATE jobs SET output_path = 'aa' WHERE id = 1"), False),
    ("bytes without a file", orphaned_bytes, True),
    ("outlines without a file", orphaned_outline, True),
    ("parts without an upload", orphaned_part, False),
]


def test_nothing_is_found_in_a_sound_library(library: Path) -> None:
    """Waiting and finished Tasks, and recordings that were removed, are all as they should be."""
    assert found(library) == {}


@pytest.mark.parametrize(
    ("topic", "damage", "can_be_repaired"), DAMAGES, ids=[f"{d[0]}-{n}" for n, d in enumerate(DAMAGES)]
)
def test_each_damage_is_found(library: Path, topic: str, damage: Callable[[Path], None], can_be_repaired: bool) -> None:
    """It is named; the repair mends what is derived or nobody's, and leaves the rest to a person."""
    damage(library)
    assert topic in found(library)
    repair(library)
    assert (topic not in found(library)) is can_be_repaired


def test_a_pruned_history_is_sound(library: Path) -> None:
    """Of a finished Task only the last event may be left, and what a retry adds follows it."""
    bench = Workbench(library)
    with bench.store.write() as tx:
        (task, *_), _ = tx.tasks.list_all(TaskFilter((JobStatus.COMPLETED,)), 1, 1)
        task_id, last = task.uuid, task.last_seq
    with bench.database.write() as session:
        session.connection().execute(
            text("DELETE FROM task_events WHERE task_id = :t AND seq < :last"), {"t": task.id, "last": last}
        )
    bench.log.append([(task_id, StatusEvent(JobStatus.COMPLETED))])
    bench.close()
    assert found(library) == {}


def test_bytes_that_have_just_arrived_are_no_orphans(library: Path) -> None:
    """Their row comes a moment later."""
    path = library / "media" / "ab" / ("ab" * 16)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    assert found(library) == {}


def test_what_arrives_while_it_looks_is_no_orphan(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that come after the database was asked are not held against its answer, and a repair leaves them alone."""
    ask = Consistency.inventory

    def ask_first(consistency: Consistency) -> Inventory:
        answer = ask(consistency)
        orphaned_bytes(library)
        orphaned_outline(library)
        return answer

    monkeypatch.setattr(Consistency, "inventory", ask_first)
    assert found(library) == {}
    (library / "media" / "ab" / ("ab" * 16)).unlink()
    LocalDerived(library / "media").remove("cd" * 16)
    repair(library)
    assert (library / "media" / "ab" / ("ab" * 16)).exists()
    assert set(LocalDerived(library / "media").keys()) == {"cd" * 16}


def test_the_command_ends_with_one_when_something_is_found(library: Path) -> None:
    """0 and a table of oks; 1 and the finding; 0 again after the repair."""
    command = ["db", "check", "--data-dir", str(library)]
    sound = CliRunner().invoke(cli, command)
    assert (sound.exit_code, "ok" in sound.stdout, "3 files" in sound.stdout) == (0, True, True)
    orphaned_bytes(library)
    damaged = CliRunner().invoke(cli, command)
    assert (damaged.exit_code, "ab" * 16 in damaged.stdout) == (1, True)
    assert CliRunner().invoke(cli, [*command, "--repair"]).exit_code == 0


def test_nothing_is_made_where_no_database_is(tmp_path: Path) -> None:
    """A wrong folder is told, and stays as it was."""
    with pytest.raises(SettingsError, match="no database"):
        DatabaseCheck(Settings(data_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_stays_locked_is_told(library: Path) -> None:
    """Somebody else writes all the time: one sentence, and not what is said of a library that is damaged."""
    with sqlite3.connect(library / "cesar.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SettingsError, match="cannot be looked at: database is locked"):
            check(Settings(data_dir=library), repair=False)
