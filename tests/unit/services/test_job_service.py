"""Accepting, cancelling, retrying and deleting Jobs."""

import threading
from collections.abc import Callable

import pytest

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.services import turns
from app.services.submission import ArrivedFile, Submission
from app.services.work_filter import JobFilter
from tests.workbench import FACTS, Workbench


def submission(bench: Workbench, key: str | None = None, content: bytes = b"a", **options: object) -> Submission:
    """One file with an Idempotency-Key."""
    arrived = ArrivedFile("a.wav", bench.store_bytes(content), FACTS)
    return Submission(TranscriptionOptions(**options), files=(arrived,), idempotency_key=key)  # type: ignore[arg-type]


def keys(bench: Workbench) -> list[str]:
    """Everything that rests in storage."""
    return sorted(bench.storage.keys())


def test_an_accepted_job_has_queued_tasks_and_tells_their_places(bench: Workbench) -> None:
    """Each Task's first event says queued and its place."""
    tasks = bench.submit(2)
    assert [bench.queries.task(task).queue_position for task in tasks] == [1, 2]
    assert [len(bench.log.since(task, 0)) for task in tasks] == [1, 1]


def test_the_same_key_returns_the_same_job(bench: Workbench) -> None:
    """A repeated submission makes no second Job and leaves no second copy of the bytes."""
    first = bench.jobs.submit(submission(bench, "key"))
    assert bench.jobs.submit(submission(bench, "key")) == first
    assert bench.queries.jobs(JobFilter(), 1, 10).total == 1
    assert len(keys(bench)) == 1


@pytest.mark.parametrize("change", [{"content": b"other"}, {"language": "de"}])
def test_the_same_key_for_another_request_is_a_conflict(bench: Workbench, change: dict[str, object]) -> None:
    """Another file or other options under a used key are refused, and their bytes are removed."""
    bench.jobs.submit(submission(bench, "key"))
    with pytest.raises(CesarError) as refused:
        bench.jobs.submit(submission(bench, "key", **change))  # type: ignore[arg-type]
    assert refused.value.code == "idempotency_conflict"
    assert len(keys(bench)) == 1


def test_a_transaction_that_fails_leaves_no_bytes(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the database refuses, the received file is removed again."""

    def refuse(*_: object) -> None:
        raise CesarError("unavailable")

    monkeypatch.setattr(bench.jobs, "_accept", refuse)
    with pytest.raises(CesarError, match="unavailable"):
        bench.jobs.submit(submission(bench))
    assert keys(bench) == []


def test_deleting_a_job_removes_everything_of_it_and_nothing_else(bench: Workbench) -> None:
    """Rows and bytes are gone; other Jobs keep theirs."""
    gone, kept = bench.submit(2), bench.submit(1)
    assert bench.jobs.delete(bench.queries.task(gone[0]).job_id) == gone
    for task in gone:
        with pytest.raises(CesarError, match="task_not_found"):
            bench.queries.task(task)
        assert bench.log.position(task) is None
    assert len(keys(bench)) == 1
    assert bench.queries.task(kept[0]).queue_position == 1


def test_deleting_the_last_task_deletes_the_job(bench: Workbench) -> None:
    """A Job without Tasks is nothing anybody asked for."""
    first, second = bench.submit(2)
    job_id = bench.queries.task(first).job_id
    bench.jobs.delete_task(first)
    assert bench.queries.job(job_id).progress_total == 1
    bench.jobs.delete_task(second)
    with pytest.raises(CesarError, match="job_not_found"):
        bench.queries.job(job_id)
    assert keys(bench) == []


def test_a_running_task_can_be_deleted(bench: Workbench) -> None:
    """Its worker's lease is void from then on."""
    (task_id,) = bench.submit()
    claim = bench.claim()
    bench.jobs.delete_task(task_id)
    assert not bench.tasks.holds(claim.lease)
    assert bench.tasks.recover() == []


def test_cancelling_a_job_cancels_what_is_not_finished(bench: Workbench) -> None:
    """A running and a waiting Task are cancelled; doing it again is an illegal move."""
    first, second = bench.submit(2)
    bench.claim()
    job_id = bench.queries.task(first).job_id
    bench.jobs.cancel(job_id)
    assert [bench.queries.task(task).status for task in (first, second)] == ["cancelled", "cancelled"]
    with pytest.raises(CesarError, match="illegal_move"):
        bench.jobs.cancel(job_id)


def test_retrying_a_job_retries_only_what_failed(bench: Workbench) -> None:
    """Of a cancelled and a waiting Task only the cancelled one is queued anew."""
    first, second = bench.submit(2)
    bench.tasks.cancel(first)
    job_id = bench.queries.task(first).job_id
    bench.jobs.retry(job_id)
    assert [bench.queries.task(task).attempt for task in (first, second)] == [2, 1]
    with pytest.raises(CesarError, match="illegal_move"):
        bench.jobs.retry(job_id)


def test_bytes_that_belong_to_nobody_are_removed(bench: Workbench) -> None:
    """What a killed process left between disk and database goes at the next start; what is used, or new, stays."""
    (task_id,) = bench.submit()
    orphan = bench.store_bytes()
    assert bench.jobs.remove_orphans(older_than_seconds=3600) == 0
    assert bench.jobs.remove_orphans(older_than_seconds=-1) == 1
    assert orphan.key not in keys(bench)
    assert bench.claim().storage_key in keys(bench)
    assert bench.queries.task(task_id).status == "processing"


def test_cancelling_many_tells_the_queue_once(bench: Workbench) -> None:
    """A Job of hundreds of waiting Tasks is cancelled with one event for each, and no false places in the queue."""
    tasks = bench.submit(60)
    (behind,) = bench.submit()
    bench.jobs.cancel(bench.queries.task(tasks[0]).job_id)
    assert {len(bench.log.since(task, 0)) for task in tasks} == {2}
    assert bench.queries.task(behind).queue_position == 1


@pytest.mark.parametrize("what", ["cancel", "retry", "delete"])
def test_others_write_while_a_large_job_is_moved(bench: Workbench, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Who wants to write meanwhile gets a turn after every part, and not when all of it is done."""
    tasks = bench.submit(8)
    (other,) = bench.submit()
    job_id = bench.queries.task(tasks[0]).job_id
    if what == "retry":
        bench.jobs.cancel(job_id)
    monkeypatch.setattr(turns, "_HOLD_SECONDS", 0.0)
    work: dict[str, Callable[[str], object]] = {
        "cancel": bench.jobs.cancel,
        "retry": bench.jobs.retry,
        "delete": bench.jobs.delete,
    }
    moving = threading.Thread(target=work[what], args=(job_id,))
    moving.start()
    turns_taken = 0
    while moving.is_alive():
        with bench.store.write() as tx:
            tx.tasks.get(other).progress_message = str(turns_taken)
        turns_taken += moving.is_alive()
        moving.join(0.02)
    assert turns_taken >= 3


def test_a_removal_that_is_cut_short_leaves_a_smaller_job(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is gone is gone with its bytes, what is left is whole; removing it again removes the rest."""
    tasks = bench.submit(4)
    job_id = bench.queries.task(tasks[0]).job_id
    monkeypatch.setattr(turns, "_HOLD_SECONDS", 0.0)

    def cut_short() -> None:
        raise CesarError("unavailable")

    with monkeypatch.context() as once:
        once.setattr("app.services.job_service.let_others_write", cut_short)
        with pytest.raises(CesarError, match="unavailable"):
            bench.jobs.delete(job_id)
    job = bench.queries.job(job_id)
    assert ([task.id for task in job.tasks], job.progress_total) == (tasks[:3], 3)
    assert len(keys(bench)) == 3
    assert bench.jobs.delete(job_id) == tasks[:3]
    assert keys(bench) == []


def test_a_job_larger_than_what_is_read_at_once(bench: Workbench) -> None:
    """Cancelled, retried and deleted as one: every Task once, and its status and counts follow."""
    tasks = bench.submit(120)
    job_id = bench.queries.task(tasks[0]).job_id
    bench.jobs.cancel(job_id)
    bench.jobs.retry(job_id)
    with bench.store.read() as tx:
        (state,) = tx.lists.states([job_id])
    assert (state.status, state.progress_current, state.progress_total, state.retry_count) == ("queued", 0, 120, 1)
    assert bench.statuses(tasks[60]) == ["queued", "cancelled", "queued"]
    assert bench.jobs.delete(job_id) == tasks
    assert bench.log.position(tasks[0]) is None
