"""What lists show of Tasks and Jobs is what each of them tells by itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from app.domain.errors import CesarError
from app.domain.lifecycle import JobStatus
from app.domain.options import TranscriptionOptions
from app.schemas.tasks import TaskPage
from app.services.file_service import FileService
from app.services.library_store import FileFilter
from app.services.submission import ArrivedFile, Submission
from app.services.work_filter import JobFilter, JobOrder, TaskFilter, TaskOrder
from tests.unit.services.finished_tasks import run, said
from tests.workbench import FACTS, Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """Jobs of different sizes and states: finished, running, waiting."""
    bench = Workbench(tmp_path / "data")
    bench.submit(1)
    bench.submit(14)
    bench.tasks.fail(bench.claim().lease, CesarError("bad_media"))
    bench.tasks.fail(bench.claim().lease, CesarError("bad_media"))
    bench.claim()
    bench.submit(12)
    yield bench
    bench.close()


def test_places_in_the_queue_are_the_same_in_lists(bench: Workbench) -> None:
    """Counted once for a page, or for each Task alone."""
    for page in (1, 2, 3):
        for task in bench.queries.tasks(TaskFilter(), page, 10).tasks:
            assert task.queue_position == bench.queries.task(task.id).queue_position


def test_a_job_in_a_list_is_the_job(bench: Workbench) -> None:
    """But for the Tasks beyond the tenth."""
    for listed in bench.queries.jobs(JobFilter(), 1, 10).jobs:
        whole = bench.queries.job(listed.id)
        assert listed.tasks == whole.tasks[:10]
        assert listed.model_copy(update={"tasks": []}) == whole.model_copy(update={"tasks": []})


def test_a_page_costs_as_many_statements_however_many_rows_it_shows(bench: Workbench) -> None:
    """Of Tasks and of Jobs."""
    statements: list[str] = []
    event.listen(bench.database.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    def cost(per_page: int) -> tuple[int, int]:
        counts = []
        asks: tuple[Callable[[], object], ...] = (
            lambda: bench.queries.tasks(TaskFilter(), 1, per_page, text=False),
            lambda: bench.queries.jobs(JobFilter(), 1, per_page, text=False),
        )
        for ask in asks:
            statements.clear()
            ask()
            counts.append(len(statements))
        return counts[0], counts[1]

    assert cost(3) == cost(25)
    assert max(cost(25)) <= 10


def test_jobs_are_listed_by_kind(bench: Workbench) -> None:
    """Imports, exports, transcriptions."""
    assert bench.queries.jobs(JobFilter(job_type="process"), 1, 10).total == 3
    assert bench.queries.jobs(JobFilter(job_type="import"), 1, 10).total == 0


def test_a_large_job_is_moved_as_a_whole(bench: Workbench) -> None:
    """It is accepted, cancelled and retried as a whole; each Task hears of each once, and the Job counts one retry."""
    waiting = bench.queries.counts()[0]
    first = bench.submit(60)
    files = [bench.queries.task(task).file_id for task in first]
    job = bench.jobs.submit(Submission(TranscriptionOptions(), library=tuple(files)))
    tasks = bench.jobs.tasks_of_job(job)
    assert [bench.queries.task(task).queue_position for task in (tasks[0], tasks[-1])] == [waiting + 61, waiting + 120]
    bench.jobs.cancel(job)
    assert {len(bench.log.since(task, 0)) for task in tasks} == {2}
    bench.jobs.retry(job)
    assert (bench.queries.job(job).retry_count, bench.queries.job(job).status) == (1, "queued")
    assert {len(bench.log.since(task, 0)) for task in tasks} == {3}
    assert [bench.queries.task(task).attempt for task in (tasks[0], tasks[-1])] == [2, 2]
    # A Task that begins moves the places of the head of the queue alone.
    before = bench.log.head()
    bench.claim()
    assert len(bench.log.tail(before)) <= 22


ORDERS = {
    TaskOrder.NEWEST: ["c", "b", "a", "d"],
    TaskOrder.OLDEST: ["d", "a", "b", "c"],
    TaskOrder.NAME: ["a", "b", "c", "d"],
    TaskOrder.NAME_DESCENDING: ["d", "c", "b", "a"],
    TaskOrder.STATUS: ["c", "b", "a", "d"],
    TaskOrder.STATUS_DESCENDING: ["d", "a", "c", "b"],
    TaskOrder.SHORTEST: ["a", "d", "c", "b"],
    TaskOrder.LONGEST: ["c", "d", "a", "b"],
}


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Workbench]:
    """Four Tasks: d.wav failed, A.wav runs, b.wav (of unknown length) and 100%_c.wav wait."""
    bench = Workbench(tmp_path / "named")
    for name, seconds in (("d.wav", 2.0), ("A.wav", 1.0), ("b.wav", None), ("c 100%_x.wav", 3.0)):
        facts = replace(FACTS, duration_seconds=seconds)
        arrived = ArrivedFile(name, bench.store_bytes(name.encode()), facts)
        bench.jobs.submit(Submission(TranscriptionOptions(), files=(arrived,)))
        if name == "d.wav":
            bench.tasks.fail(bench.claim().lease, CesarError("bad_media"))
        elif name == "A.wav":
            bench.claim()
    yield bench
    bench.close()


def names(page: TaskPage) -> list[str]:
    return [task.filename for task in page.tasks]


@pytest.mark.parametrize("order", list(TaskOrder))
def test_tasks_are_sorted(named: Workbench, order: TaskOrder) -> None:
    """By arrival, name whatever its case, life of a Task, length; equal ones newest first, and what is unknown last."""
    shown = names(named.queries.tasks(TaskFilter(order=order)))
    assert [name[0].lower() for name in shown] == ORDERS[order]
    pages = [names(named.queries.tasks(TaskFilter(order=order), page, 1)) for page in (1, 2, 3, 4)]
    assert [name for page in pages for name in page] == shown


def test_tasks_and_jobs_are_found_by_name_and_several_statuses(named: Workbench) -> None:
    """The case does not matter, and signs that mean something to the database mean themselves."""
    for part, found in (
        ("a.WAV", ["A.wav"]),
        ("100%_", ["c 100%_x.wav"]),
        ("%", ["c 100%_x.wav"]),
        ("_", ["c 100%_x.wav"]),
    ):
        assert names(named.queries.tasks(TaskFilter(name=part))) == found
        assert [job.tasks[0].filename for job in named.queries.jobs(JobFilter(name=part)).jobs] == found
    pages = [named.queries.tasks(TaskFilter(name=".WAV", order=TaskOrder.NAME), page, 3) for page in (1, 2, 3)]
    assert [(names(page), page.total) for page in pages] == [
        (["A.wav", "b.wav", "c 100%_x.wav"], 4),
        (["d.wav"], 4),
        ([], 4),
    ]
    assert [named.queries.jobs(JobFilter(name=".WAV"), page, 3).total for page in (1, 2, 3)] == [4, 4, 4]
    some = (JobStatus.FAILED, JobStatus.PROCESSING)
    assert names(named.queries.tasks(TaskFilter(some))) == ["A.wav", "d.wav"]
    assert [job.status for job in named.queries.jobs(JobFilter(some, order=JobOrder.STATUS)).jobs] == [*reversed(some)]
    assert named.queries.tasks(TaskFilter(some, "b")).total == 0


def test_without_text_only_the_text_is_missing(named: Workbench) -> None:
    """Of Tasks, of Jobs, and of the Tasks in Jobs."""
    run(named, said(("good morning", None)))
    done = (JobStatus.COMPLETED,)
    (whole,), (short,) = (named.queries.tasks(TaskFilter(done), text=text).tasks for text in (True, False))
    assert whole.result_text == "good morning"
    assert short == whole.model_copy(update={"result_text": None})
    assert short.beginning == "good morning"
    (job,) = named.queries.jobs(JobFilter(done), text=False).jobs
    for shown in (job, named.queries.job(job.id, text=False)):
        assert (shown.result_text, shown.tasks[0].result_text, shown.detected_language) == (None, None, "en")


def test_a_list_without_text_shows_how_it_begins(bench: Workbench) -> None:
    """Two hundred and forty characters, not bytes; nothing of a Task that has no text."""
    words = "Grüße " * 100
    run(bench, said((words.strip(), None)))
    (task,) = bench.queries.tasks(TaskFilter((JobStatus.COMPLETED,)), text=False).tasks
    assert task.beginning == words[:240] == bench.queries.task(task.id).beginning
    assert {one.beginning for one in bench.queries.tasks(text=False).tasks} == {None, task.beginning}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("äpfel", ["ÄPFEL 1.wav"]),
        ("a\u0308PFEL", ["ÄPFEL 1.wav"]),
        ("STRASSE", ["Straße.wav"]),
        ("\0", []),
        ("*", []),
        ("/", []),
        ("\\", []),
        ('"', []),
        ("ß" * 255, []),
    ],
)
def test_names_are_found_however_they_are_typed(tmp_path: Path, part: str, found: list[str]) -> None:
    """Beyond ASCII as well, with accents of their own or not; no sign of a database's language means anything. Files as well."""
    bench = Workbench(tmp_path / "typed")
    for name in ("ÄPFEL 1.wav", "Straße.wav"):
        arrived = ArrivedFile(name, bench.store_bytes(name.encode()), FACTS)
        bench.jobs.submit(Submission(TranscriptionOptions(), files=(arrived,)))
    assert names(bench.queries.tasks(TaskFilter(name=part))) == found
    assert [job.tasks[0].filename for job in bench.queries.jobs(JobFilter(name=part)).jobs] == found
    assert [file.filename for file in FileService(bench.store).files(FileFilter(name=part), 1, 10).files] == found
    bench.close()


def test_names_are_sorted_as_people_count(tmp_path: Path) -> None:
    """9 comes before 10, and letters beyond ASCII have no case either."""
    bench = Workbench(tmp_path / "numbers")
    for name in ("Take 10.wav", "ärger.wav", "take 9.wav", "Ärger 2.wav", "take 009b.wav"):
        arrived = ArrivedFile(name, bench.store_bytes(name.encode()), FACTS)
        bench.jobs.submit(Submission(TranscriptionOptions(), files=(arrived,)))
    expected = ["take 9.wav", "take 009b.wav", "Take 10.wav", "Ärger 2.wav", "ärger.wav"]
    assert names(bench.queries.tasks(TaskFilter(order=TaskOrder.NAME))) == expected
    bench.close()
