"""Reuse beyond the submission: while the first is still running, over the library, and what is told of it later."""

import pytest

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.lifecycle import JobStatus
from app.domain.options import TranscriptionOptions
from app.schemas.tasks import Task
from app.services import turns
from app.services.duplicate_rule import DuplicateRule
from app.services.duplicate_service import DuplicateService
from app.services.reuse import WouldRun
from app.services.submission import ArrivedFile, ExpectedFile, Submission
from app.services.work_filter import TaskFilter
from tests.fakes.pipeline import Pipeline
from tests.workbench import FACTS, Workbench


def send(bench: Workbench, content: bytes = b"a", **options: object) -> str:
    """A Job over one File with these bytes; the id of its Task."""
    arrived = ArrivedFile("a.wav", bench.store_bytes(content), FACTS)
    wanted = TranscriptionOptions(**options)  # type: ignore[arg-type]
    return bench.jobs.tasks_of_job(bench.jobs.submit(Submission(wanted, files=(arrived,))))[0]


def again(bench: Workbench, file_id: str, **options: object) -> str:
    """A Job over a File of the library; the id of its Task."""
    wanted = TranscriptionOptions(**options)  # type: ignore[arg-type]
    return bench.jobs.tasks_of_job(bench.jobs.submit(Submission(wanted, library=(file_id,))))[0]


def transcribed(bench: Workbench, content: bytes = b"a", **options: object) -> str:
    """A completed Task about a File with these bytes."""
    task_id = send(bench, content, **options)
    Pipeline(bench).run_next()
    return task_id


def told(bench: Workbench, task_id: str) -> Task:
    """The Task as it is read by itself."""
    (task,) = DuplicateService(bench.store, bench.tasks.duplicates).told([bench.queries.task(task_id)])
    return task


def answered(bench: Workbench, task_id: str) -> Task:
    """The Task as the answer to its submission has it."""
    job = bench.queries.job(bench.queries.task(task_id).job_id)
    return DuplicateService(bench.store, bench.tasks.duplicates).answer(job).tasks[0]


def file_of(bench: Workbench, task_id: str) -> str:
    """The public id of a Task's File."""
    return bench.queries.task(task_id).file_id


def test_what_was_running_when_it_came_again_is_reused_at_its_turn(bench: Workbench) -> None:
    """Two equal recordings at once are transcribed once: the second waits, and is completed when a worker takes it."""
    pipeline = Pipeline(bench)
    first, second = send(bench), send(bench, on_duplicate="reuse")
    assert bench.queries.task(second).status is JobStatus.QUEUED
    pipeline.run_next()
    pipeline.run_next()
    assert (bench.queries.task(second).status, bench.queries.task(second).reused_from) == ("completed", first)
    assert pipeline.shelf.lent.count("engine") == 1
    assert bench.statuses(second) == ["queued", "processing", "completed"]
    assert bench.queries.transcript(second).text == bench.queries.transcript(first).text


def test_at_its_turn_too_the_options_have_to_fit(bench: Workbench) -> None:
    """What would come out otherwise is transcribed."""
    send(bench)
    second = send(bench, on_duplicate="reuse", beam_size=2)
    pipeline = Pipeline(bench)
    pipeline.run_next()
    pipeline.run_next()
    assert bench.queries.task(second).status == "completed"
    assert bench.queries.task(second).reused_from is None


def test_a_retry_is_transcribed_however_much_there_is(bench: Workbench) -> None:
    """Who tries again what failed wants to see it done."""
    send(bench)
    second = send(bench, on_duplicate="reuse")
    claim, other = bench.claim(), bench.claim()
    bench.tasks.fail(other.lease, CesarError("out_of_memory"))
    bench.tasks.put_back(claim.lease)
    Pipeline(bench).run_next()
    bench.tasks.retry(second)
    Pipeline(bench).run_next()
    assert bench.queries.task(second).reused_from is None


def test_the_setting_is_about_recordings_that_come_in(bench: Workbench) -> None:
    """A File of the library that is named is transcribed, whatever the setting says of uploads."""
    file_id = file_of(bench, transcribed(bench))
    for setting in ("refuse", "reuse"):
        bench.tasks.duplicates = DuplicateRule(setting)
        assert bench.queries.task(again(bench, file_id)).status == "queued"


def test_a_job_over_the_library_may_ask_to_reuse_or_to_refuse(bench: Workbench) -> None:
    """What was made of the File itself counts: reused if it fits, told what differs if not, refused if that is wanted."""
    first = transcribed(bench)
    file_id = file_of(bench, first)
    fitting, other = (
        again(bench, file_id, on_duplicate="reuse"),
        again(bench, file_id, on_duplicate="reuse", beam_size=3),
    )
    assert bench.queries.task(fitting).reused_from == first
    assert bench.queries.task(other).status == "queued"
    about = answered(bench, other).duplicate_of
    assert about is not None
    assert (about.file_id, about.task_id, about.differs) == (file_id, fitting, ["beam_size"])
    with pytest.raises(CesarError, match="duplicate_refused"):
        again(bench, file_id, on_duplicate="refuse")
    never = file_of(bench, send(bench, b"b"))
    bench.tasks.cancel(bench.queries.tasks(TaskFilter((JobStatus.QUEUED,)), 1, 9).tasks[0].id)
    assert answered(bench, again(bench, never, on_duplicate="reuse")).duplicate_of is None


def test_a_task_tells_later_too_what_it_repeats(bench: Workbench) -> None:
    """Read by itself it names the oldest File, the transcript that was taken over or is there, and what differed."""
    first = transcribed(bench)
    reused = send(bench, on_duplicate="reuse")
    other = transcribed(bench, on_duplicate="reuse", beam_size=2)
    plain = send(bench)
    assert told(bench, first).duplicate_of is None
    about = [told(bench, task_id).duplicate_of for task_id in (reused, other, plain)]
    assert [(one.file_id, one.task_id, one.differs) for one in about if one is not None] == [
        (file_of(bench, first), first, []),
        (file_of(bench, first), reused, ["beam_size"]),
        (file_of(bench, first), other, []),
    ]


def test_reading_a_task_asks_nobody_what_would_run(bench: Workbench) -> None:
    """Only a submission may ask the model hub; what ran is known."""
    transcribed(bench)
    second = transcribed(bench, on_duplicate="reuse", beam_size=2)

    def asks(_: object) -> WouldRun:
        raise AssertionError("the hub is asked")

    bench.tasks.duplicates = DuplicateRule(would_run=asks)
    assert told(bench, second).duplicate_of is not None


def test_a_reused_task_whose_source_is_gone_names_what_is_left(bench: Workbench) -> None:
    """A deleted Task is no address; without any other transcript there is none."""
    first = transcribed(bench)
    reused = send(bench, on_duplicate="reuse")
    assert told(bench, reused).duplicate_of is not None
    bench.jobs.delete_task(first)
    assert told(bench, reused).duplicate_of is None


def test_an_upload_is_refused_though_it_began_first(bench: Workbench) -> None:
    """What counts is whose bytes were here first, not which Task is older."""
    expected = ExpectedFile("a.wav", 1, "", utc_now())
    job = bench.jobs.submit(Submission(TranscriptionOptions(on_duplicate="refuse"), expected=(expected,)))
    (slow,) = bench.jobs.tasks_of_job(job)
    quick = send(bench)
    plan = bench.tasks.plan_for(slow)
    with bench.store.write() as tx:
        task = tx.tasks.get(slow)
        task.file.file_hash_sha256 = tx.tasks.get(quick).file.file_hash_sha256
        with pytest.raises(CesarError, match="duplicate_refused") as refused:
            bench.tasks.duplicates.settle(tx, task, plan)
    assert quick in (refused.value.detail or "")


def test_many_are_reused_without_holding_up_the_others(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes: each transaction takes over what its turn allows, and all are completed when the answer comes."""
    monkeypatch.setattr(turns, "_HOLD_SECONDS", 0.0)
    contents = [bytes([number]) for number in range(5)]
    for content in contents:
        transcribed(bench, content)
    arrived = tuple(ArrivedFile("a.wav", bench.store_bytes(content), FACTS) for content in (*contents, b"new"))
    job = bench.jobs.submit(Submission(TranscriptionOptions(on_duplicate="reuse"), files=arrived))
    assert [task.status for task in bench.queries.job(job).tasks] == ["completed"] * 5 + ["queued"]
    assert bench.queries.job(job).tasks[-1].queue_position == 1


def test_a_busy_database_leaves_the_rest_to_the_workers(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Job is accepted; what could not be taken over at once is taken over at its turn."""
    monkeypatch.setattr(turns, "_HOLD_SECONDS", 0.0)
    sources = [transcribed(bench, content) for content in (b"a", b"b")]
    arrived = tuple(ArrivedFile("a.wav", bench.store_bytes(content), FACTS) for content in (b"a", b"b"))
    write, asked = bench.store.write, []

    def busy(**durable: bool) -> object:
        asked.append(durable)
        if len(asked) > 1:
            raise CesarError("unavailable")
        return write(**durable)

    monkeypatch.setattr(bench.store, "write", busy)
    job = bench.jobs.submit(Submission(TranscriptionOptions(on_duplicate="reuse"), files=arrived))
    monkeypatch.undo()
    assert [task.status for task in bench.queries.job(job).tasks] == ["completed", "queued"]
    Pipeline(bench).run_next()
    assert [task.reused_from for task in bench.queries.job(job).tasks] == sources
