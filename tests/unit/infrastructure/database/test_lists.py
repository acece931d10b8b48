"""What lists show of Tasks and Jobs is what each of them tells by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.services.submission import Submission
from tests.workbench import Workbench


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
        for task in bench.queries.tasks(None, page, 10).tasks:
            assert task.queue_position == bench.queries.task(task.id).queue_position


def test_a_job_in_a_list_is_the_job(bench: Workbench) -> None:
    """But for the Tasks beyond the tenth."""
    for listed in bench.queries.jobs(None, 1, 10).jobs:
        whole = bench.queries.job(listed.id)
        assert listed.tasks == whole.tasks[:10]
        assert listed.model_copy(update={"tasks": []}) == whole.model_copy(update={"tasks": []})


def test_a_page_costs_as_many_statements_however_many_rows_it_shows(bench: Workbench) -> None:
    """Of Tasks and of Jobs."""
    statements: list[str] = []
    event.listen(bench.database.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    def cost(per_page: int) -> tuple[int, int]:
        counts = []
        for ask in (bench.queries.tasks, bench.queries.jobs):
            statements.clear()
            ask(None, 1, per_page)
            counts.append(len(statements))
        return counts[0], counts[1]

    assert cost(3) == cost(25)
    assert max(cost(25)) <= 10


def test_jobs_are_listed_by_kind(bench: Workbench) -> None:
    """Imports, exports, transcriptions."""
    assert bench.queries.jobs(None, 1, 10, "process").total == 3
    assert bench.queries.jobs(None, 1, 10, "import").total == 0


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
