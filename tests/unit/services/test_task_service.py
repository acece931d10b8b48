"""Every change of a Task's status."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.domain.errors import Cancelled, CesarError
from app.domain.events import ProgressEvent, SegmentEvent
from app.domain.lifecycle import JobStatus
from app.domain.options import TranscriptionOptions
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment, Transcript, Word
from app.services.runs import RunResult
from app.services.store import Lease
from app.services.submission import Submission
from tests.workbench import FACTS, Workbench

RESULT = RunResult(
    segments=(Segment(0, 0.0, 1.0, "hello there", None, (Word("hello", 0.0, 0.5, 0.9), Word("there", 0.5, 1.0))),),
    text="hello there",
    engine="pocketsphinx",
    model="en-us",
    device="cpu",
    duration_seconds=1.0,
    language="en",
    work_seconds={"transcribing": 0.5},
)


def test_first_in_first_out(bench: Workbench) -> None:
    """Tasks are claimed in the order of their Jobs, and within a Job in the order of its files."""
    order = bench.submit(2) + bench.submit(1) + bench.submit(2)
    assert [bench.claim().task_id for _ in order] == order
    assert bench.tasks.claim("worker", to_fetch=False) is None


def test_a_claim_is_atomic(bench: Workbench) -> None:
    """Many workers that claim at the same time get every Task exactly once."""
    order = bench.submit(20)

    def claim(number: int) -> list[str]:
        got = []
        while (claimed := bench.tasks.claim(f"worker {number}", to_fetch=False)) is not None:
            got.append(claimed.task_id)
        return got

    with ThreadPoolExecutor(8) as pool:
        claimed = [task for got in pool.map(claim, range(8)) for task in got]
    assert sorted(claimed) == sorted(order)


def test_the_result_can_be_read_when_the_end_is_told(bench: Workbench) -> None:
    """Result, percentage, stage and status are committed together with the events that tell of them."""
    (task_id,) = bench.submit()
    bench.tasks.complete(bench.claim().lease, RESULT)
    task = bench.queries.task(task_id)
    assert (task.status, task.progress_percentage, task.progress_stage) == ("completed", 100, "complete")
    assert task.result_text == "hello there"
    assert task.engine == "pocketsphinx"
    transcript = bench.queries.transcript(task_id)
    assert [word.word for word in transcript.segments[0].words] == ["hello", "there"]
    *_, progress, status = bench.log.since(task_id, 0)
    assert json.loads(progress.payload)["stage"] == "complete"
    assert json.loads(status.payload)["status"] == "completed"
    assert status.final
    assert task_id in bench.announcements.announced


def test_the_measured_speed_is_remembered(bench: Workbench) -> None:
    """After a run the speed of its engine is known, and follows later runs."""
    bench.submit()
    bench.tasks.complete(bench.claim().lease, RESULT)
    with bench.store.read() as tx:
        assert tx.speeds.of("pocketsphinx", "en-us", "cpu") == {"transcribing": 0.5}


def test_a_failure_tells_a_person_what_to_do(bench: Workbench) -> None:
    """A failed Task has the sentence, the code, the detail and the remedy, as columns and as an event before the status."""
    (task_id,) = bench.submit()
    bench.tasks.fail(bench.claim().lease, CesarError("PROCESSING_FAILED", "ValueError: odd"))
    task = bench.queries.task(task_id)
    assert task.status == "failed"
    assert task.error == "Transcription processing failed. Please try again."
    assert (task.error_code, task.technical_detail) == ("PROCESSING_FAILED", "ValueError: odd")
    assert task.remedy
    error, status = bench.log.since(task_id, 0)[-2:]
    told = json.loads(error.payload)
    assert (error.type, told["error_code"], told["technical_detail"]) == (
        "error",
        "PROCESSING_FAILED",
        "ValueError: odd",
    )
    assert told["user_message"] == task.error
    assert (status.type, status.final) == ("status", True)
    assert bench.queries.job(task.job_id).error_message


def test_the_last_stage_stays_after_a_failure(bench: Workbench) -> None:
    """A failed Task shows how far it came."""
    (task_id,) = bench.submit()
    claim = bench.claim()
    bench.log.append([(task_id, ProgressEvent(TaskProgressStage.TRANSCRIBING, 25, "", 50))])
    bench.tasks.fail(claim.lease, CesarError("bad_media"))
    task = bench.queries.task(task_id)
    assert (task.progress_percentage, task.progress_stage, task.stage_percentage) == (25, "transcribing", 50)


def test_a_waiting_task_can_be_cancelled(bench: Workbench) -> None:
    """It leaves the queue, and those behind it move up and are told so."""
    first, second = bench.submit(2)
    bench.tasks.cancel(first)
    assert bench.queries.task(first).status == "cancelled"
    assert bench.queries.task(second).queue_position == 1
    assert json.loads(bench.log.since(second, 0)[-1].payload)["queue_position"] == 1
    assert bench.claim().task_id == second


def test_a_cancelled_run_cannot_write(bench: Workbench) -> None:
    """After a cancel the worker's lease is void: its progress, its result and its failure have no effect."""
    (task_id,) = bench.submit()
    claim = bench.claim()
    bench.tasks.cancel(task_id)
    events = len(bench.log.since(task_id, 0))
    assert not bench.tasks.holds(claim.lease)
    assert not bench.tasks.renew(claim.lease)
    bench.worker_log.append([(task_id, ProgressEvent(TaskProgressStage.TRANSCRIBING, 30))])
    with pytest.raises(Cancelled):
        bench.tasks.complete(claim.lease, RESULT)
    bench.tasks.fail(claim.lease, CesarError("bad_media"))
    bench.tasks.put_back(claim.lease)
    assert bench.queries.task(task_id).status == "cancelled"
    assert len(bench.log.since(task_id, 0)) == events


def test_a_worker_writes_under_a_lease_only(bench: Workbench) -> None:
    """What a run still had waiting when its lease was given up is not stored, also not in the next attempt."""
    (task_id,) = bench.submit()
    claim = bench.claim()
    assert bench.worker_log.append([(task_id, SegmentEvent(0, 0.0, 1.0, "mine"))])
    bench.tasks.put_back(claim.lease)
    del bench.leases[task_id]
    bench.tasks.claim("another worker", to_fetch=False)
    assert bench.worker_log.append([(task_id, SegmentEvent(1, 1.0, 2.0, "late"))]) == []


@pytest.mark.parametrize("finish", ["completed", "cancelled"])
def test_what_is_finished_cannot_be_cancelled(bench: Workbench, finish: str) -> None:
    """An illegal move says so and changes nothing."""
    (task_id,) = bench.submit()
    if finish == "completed":
        bench.tasks.complete(bench.claim().lease, RESULT)
    else:
        bench.tasks.cancel(task_id)
    with pytest.raises(CesarError) as refused:
        bench.tasks.cancel(task_id)
    assert refused.value.code == "illegal_move"
    assert bench.queries.task(task_id).status == finish


def test_a_retry_begins_anew(bench: Workbench) -> None:
    """The next attempt starts at 0 %, without the old error, with the same recording."""
    (task_id,) = bench.submit()
    claim = bench.claim()
    bench.log.append([(task_id, SegmentEvent(0, 0.0, 1.0, "half"))])
    bench.tasks.fail(claim.lease, CesarError("bad_media", "torn"))
    bench.tasks.retry(task_id)
    task = bench.queries.task(task_id)
    assert (task.status, task.attempt, task.progress_percentage, task.error) == ("queued", 2, 0, None)
    with pytest.raises(CesarError, match="transcript_not_ready"):
        bench.queries.transcript(task_id)
    assert bench.claim().lease.attempt == 2
    assert bench.queries.job(task.job_id).retry_count == 1


def test_what_runs_or_is_completed_cannot_be_retried(bench: Workbench) -> None:
    """Retry is for what failed."""
    (task_id,) = bench.submit()
    for act in (lambda: None, bench.claim, lambda: bench.tasks.complete(bench.leases[task_id], RESULT)):
        act()
        with pytest.raises(CesarError, match="illegal_move"):
            bench.tasks.retry(task_id)


def test_a_dead_workers_task_goes_back_to_the_queue(bench: Workbench) -> None:
    """Recovery gives the Task a new attempt, and the dead worker's lease is void."""
    (task_id,) = bench.submit()
    claim = bench.claim("the dead one")
    assert bench.tasks.recover() == []
    bench.dead.add("the dead one")
    assert bench.tasks.recover() == [task_id]
    task = bench.queries.task(task_id)
    assert (task.status, task.attempt) == ("queued", 2)
    with pytest.raises(Cancelled):
        bench.tasks.complete(claim.lease, RESULT)


def test_a_live_workers_lease_is_never_taken(bench: Workbench) -> None:
    """While a lease holds, recovery leaves the Task alone, whoever asks."""
    bench.submit(3)
    bench.claim("one")
    bench.claim("two")
    bench.dead.add("somebody else")
    assert bench.tasks.recover() == []


def test_an_expired_lease_counts_as_dead(tmp_path: Path) -> None:
    """A frozen worker loses its Task when its lease runs out, and cannot write when it wakes."""
    hasty = Workbench(tmp_path / "hasty", lease_seconds=0.0)
    (task_id,) = hasty.submit()
    claim = hasty.claim()
    assert hasty.tasks.recover() == [task_id]
    assert not hasty.tasks.renew(claim.lease)
    hasty.close()


def test_poison_does_not_loop(bench: Workbench) -> None:
    """After three dead workers the Task fails, and the next in line gets its turn."""
    poison, other = bench.submit(2)
    for attempt in range(1, 4):
        assert bench.claim(f"victim {attempt}").task_id == poison
        bench.dead.add(f"victim {attempt}")
        assert bench.tasks.recover() == [poison]
    task = bench.queries.task(poison)
    assert (task.status, task.error_code) == ("failed", "worker_lost")
    assert bench.claim().task_id == other


def test_a_shutdown_puts_the_task_back_without_blame(bench: Workbench) -> None:
    """Put back is a new attempt, but no death: it can happen any number of times."""
    (task_id,) = bench.submit()
    for attempt in range(1, 6):
        claim = bench.claim()
        assert claim.lease.attempt == attempt
        bench.tasks.put_back(claim.lease)
    assert bench.queries.task(task_id).status == "queued"


def test_a_fetched_recording_waits_for_its_turn(bench: Workbench) -> None:
    """A URL's Task is downloading, then queued with its bytes, then processing."""
    job_id = bench.jobs.submit(Submission(TranscriptionOptions(), url="https://example.org/talk.mp3"))
    (task_id,) = bench.jobs.tasks_of_job(job_id)
    assert bench.tasks.claim("worker", to_fetch=False) is None
    claim = bench.tasks.claim("worker", to_fetch=True)
    assert claim is not None
    assert bench.queries.task(task_id).status == "downloading"
    bench.tasks.arrived(claim.lease, bench.store_bytes(), FACTS, "talk.mp3")
    assert bench.queries.task(task_id).status == "queued"
    assert bench.queries.task(task_id).filename == "talk.mp3"
    bench.claim()
    assert bench.statuses(task_id) == ["queued", "downloading", "queued", "processing"]


def test_the_jobs_status_is_written_with_the_tasks(bench: Workbench) -> None:
    """A Job counts its finished Tasks and is completed, failed or partial when all are."""
    first, _second = bench.submit(2)
    job_id = bench.queries.task(first).job_id
    assert bench.queries.job(job_id).status is JobStatus.QUEUED
    lease = bench.claim().lease
    assert bench.queries.job(job_id).status is JobStatus.PROCESSING
    bench.tasks.complete(lease, RESULT)
    job = bench.queries.job(job_id)
    assert (job.status, job.progress_current, job.progress_total) == (JobStatus.PROCESSING, 1, 2)
    bench.tasks.fail(bench.claim().lease, CesarError("bad_media"))
    job = bench.queries.job(job_id)
    assert (job.status, job.progress_current) == (JobStatus.PARTIAL, 2)
    assert job.started_at is not None
    assert job.completed_at is not None


def test_a_lease_of_an_earlier_attempt_is_void(bench: Workbench) -> None:
    """The fence is attempt and owner together: the same worker's older lease does not count."""
    (task_id,) = bench.submit()
    old = bench.claim("me").lease
    bench.tasks.put_back(old)
    new = bench.claim("me").lease
    assert not bench.tasks.holds(old)
    assert bench.tasks.holds(new)
    assert not bench.tasks.holds(Lease(task_id, new.attempt, "you"))


def test_a_run_of_a_deleted_task_ends_in_silence(bench: Workbench) -> None:
    """A Task that is deleted while it runs takes neither a result nor a failure, and nobody is told of a fault."""
    (task_id,) = bench.submit()
    lease = bench.claim().lease
    bench.jobs.delete_task(task_id)
    with pytest.raises(Cancelled):
        bench.tasks.complete(lease, RESULT)
    with pytest.raises(Cancelled):
        bench.tasks.reached(lease, TaskProgressStage.DIARIZING, Transcript(RESULT.segments))
    bench.tasks.fail(lease, CesarError("bad_media"))


def test_options_of_an_earlier_release_do_not_stop_the_queue(bench: Workbench) -> None:
    """A Task whose stored options are refused today fails with the reason, and the next one is claimed."""
    first, second = bench.submit(1)[0], bench.submit(1)[0]
    with bench.store.write() as tx:
        job = tx.tasks.get(first).job
        job.options = job.options | {"chunk_size": 60}
    assert bench.tasks.claim("worker", to_fetch=False) is None
    task = bench.queries.task(first)
    assert (task.status, task.error_code) == ("failed", "bad_value")
    assert "chunk_size" in (task.technical_detail or "")
    assert bench.claim().task_id == second
