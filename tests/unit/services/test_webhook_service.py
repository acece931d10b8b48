"""Deliveries: written down with the change they tell of, claimed once, tried again later and later, and given up."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.webhooks import NOBODY, WebhookTarget
from app.models import WebhookDelivery
from app.services.runs import RunResult
from app.services.submission import ArrivedFile, Submission
from app.services.webhook_service import CLAIM_SECONDS, LONGEST_PAUSE_SECONDS, Delivery, Outcome, WebhookService
from app.services.work_filter import JobFilter
from tests.workbench import FACTS, Workbench

URL = "https://hooks.example.org/cesar?key=hush"
ENDS = WebhookTarget(URL)
STATUSES = WebhookTarget(URL, statuses=True)
RESULT = RunResult(text="a word", segments=(), engine="scripted", model="script", device="cpu", duration_seconds=1.0)
OK = Outcome(204)
BROKEN = Outcome(500)


class Clock:
    """A time that passes when told. It begins in the future, so that what is written down is due."""

    def __init__(self) -> None:
        self.now = utc_now() + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def submit(bench: Workbench, webhook: WebhookTarget = ENDS, files: int = 1, key: str | None = None) -> str:
    """A Job that somebody wants to hear of."""
    arrived = tuple(ArrivedFile(f"{n}.wav", bench.store_bytes(), FACTS) for n in range(files))
    return bench.jobs.submit(Submission(TranscriptionOptions(), arrived, webhook=webhook, idempotency_key=key))


def rows(bench: Workbench) -> list[WebhookDelivery]:
    """Everything written down, oldest first."""
    with bench.database.read() as session:
        found = list(session.exec(select(WebhookDelivery)).all())
        session.expunge_all()
    return sorted(found, key=lambda row: row.id)


def told(bench: Workbench) -> list[str]:
    """Types of what was written down."""
    return [row.event_type for row in rows(bench)]


def service(bench: Workbench, clock: Clock, *, max_attempts: int = 3, chance: float = 1.0) -> WebhookService:
    """Pauses as long as they can be, at a time of the test's own."""
    return WebhookService(
        bench.store, max_attempts=max_attempts, first_pause_seconds=5, chance=lambda: chance, now=clock
    )


def claimed(deliveries: WebhookService) -> Delivery:
    """The next one, which there has to be."""
    delivery = deliveries.claim()
    assert delivery is not None
    return delivery


def test_the_end_of_a_job_is_written_down_with_the_change(bench: Workbench) -> None:
    """When the last Task ends, one delivery tells the Job's status and each Task's newest number, and holds no words."""
    job_id = submit(bench, files=2)
    bench.tasks.complete(bench.claim().lease, RESULT)
    assert told(bench) == []
    bench.tasks.fail(bench.claim().lease, CesarError("out_of_memory", "a detail"))
    (row,) = rows(bench)
    message = orjson.loads(row.payload)
    tasks = bench.jobs.tasks_of_job(job_id)
    assert (row.event_type, message["type"], message["data"]["status"]) == ("job.partial", "job.partial", "partial")
    assert [task["id"] for task in message["data"]["tasks"]] == tasks
    assert [task["status"] for task in message["data"]["tasks"]] == ["completed", "failed"]
    assert [task["seq"] for task in message["data"]["tasks"]] == [bench.log.since(task, 0)[-1].seq for task in tasks]
    assert message["data"]["tasks"][1]["error_code"] == "out_of_memory"
    assert message["data"]["tasks"][0]["links"]["transcript"] == f"/tasks/{tasks[0]}/transcript"
    assert b"a word" not in row.payload


def test_a_change_that_is_rolled_back_tells_nothing(bench: Workbench) -> None:
    """If the transaction of a Task's end fails after it, neither the end nor its delivery is there."""
    submit(bench)
    claim = bench.claim()
    broken = RunResult(
        text="", segments=(), engine="e", model="m", device="cpu", duration_seconds=1.0,
        work_seconds={"transcribing": None},  # type: ignore[dict-item]
    )  # fmt: skip
    with pytest.raises(TypeError):
        bench.tasks.complete(claim.lease, broken)
    assert told(bench) == []
    assert bench.queries.task(claim.task_id).status == "processing"


def test_nobody_is_told_unless_somebody_asked(bench: Workbench) -> None:
    """Without an address nothing is written down."""
    submit(bench, NOBODY)
    bench.tasks.complete(bench.claim().lease, RESULT)
    assert told(bench) == []


def test_a_cancelled_job_is_told_once(bench: Workbench) -> None:
    """Cancelling a Job of three Tasks ends it once."""
    bench.jobs.cancel(submit(bench, files=3))
    assert told(bench) == ["job.cancelled"]


def test_a_retried_job_tells_its_end_again(bench: Workbench) -> None:
    """Failed, retried, completed: two ends, two deliveries."""
    job_id = submit(bench)
    bench.tasks.fail(bench.claim().lease, CesarError("out_of_memory"))
    bench.jobs.retry(job_id)
    bench.tasks.complete(bench.claim("other").lease, RESULT)
    assert told(bench) == ["job.failed", "job.completed"]


def test_a_job_that_ends_because_its_last_waiting_task_is_deleted_is_told(bench: Workbench) -> None:
    """Deleting what was unfinished ends the Job; deleting from an ended one tells nothing more."""
    job_id = submit(bench, files=3)
    bench.tasks.complete(bench.claim().lease, RESULT)
    _, second, third = bench.jobs.tasks_of_job(job_id)
    bench.jobs.delete_task(second)
    assert told(bench) == []
    bench.jobs.delete_task(third)
    assert told(bench) == ["job.completed"]


def test_statuses_are_the_events_that_watchers_get(bench: Workbench) -> None:
    """Each change of status is told as the very event of the log; a mere change of place in the queue is not."""
    submit(bench, NOBODY)
    job_id = submit(bench, STATUSES)
    (task_id,) = bench.jobs.tasks_of_job(job_id)
    bench.claim()
    bench.tasks.complete(bench.claim().lease, RESULT)
    assert told(bench) == ["task.status"] * 3 + ["job.completed"]
    log = {event.seq: event.payload for event in bench.log.since(task_id, 0)}
    messages = [orjson.loads(row.payload) for row in rows(bench)[:3]]
    assert [message["data"]["status"] for message in messages] == ["queued", "processing", "completed"]
    for message, row in zip(messages, rows(bench), strict=False):
        assert log[message["data"]["seq"]] in row.payload
        assert message["timestamp"] == message["data"]["timestamp"]
    assert b'"queue_position":1' in b"".join(log.values())


def test_deliveries_go_with_their_job(bench: Workbench) -> None:
    """A deleted Job leaves no delivery."""
    job_id = submit(bench)
    bench.jobs.cancel(job_id)
    bench.jobs.delete(job_id)
    assert told(bench) == []


def test_another_webhook_under_the_same_key_is_a_conflict(bench: Workbench) -> None:
    """An Idempotency-Key stands for the webhook too."""
    submit(bench, key="key")
    assert submit(bench, key="key")
    with pytest.raises(CesarError) as refused:
        submit(bench, STATUSES, key="key")
    assert refused.value.code == "idempotency_conflict"


def test_a_refused_address_leaves_nothing(bench: Workbench) -> None:
    """A submission with an address inside is refused before anything is stored."""
    with pytest.raises(CesarError) as refused:
        submit(bench, WebhookTarget("http://127.0.0.1/"))
    assert refused.value.code == "webhook_refused"
    assert bench.queries.jobs(JobFilter(), 1, 10).total == 0
    assert list(bench.storage.keys()) == []


def test_a_delivered_one_is_done(bench: Workbench) -> None:
    """2xx: delivered, at that time, and nothing is due any more."""
    job_id, clock = submit(bench), Clock()
    bench.jobs.cancel(job_id)
    deliveries = service(bench, clock)
    deliveries.settle(claimed(deliveries), Outcome(202))
    clock.pass_by(100_000)
    assert deliveries.claim() is None
    (shown,) = deliveries.deliveries(job_id, 1, 50).deliveries
    assert (shown.status, shown.attempts, shown.last_status_code, shown.last_error) == ("delivered", 1, 202, None)
    assert shown.delivered_at is not None
    assert "hush" not in shown.url


def test_it_is_tried_again_later_and_later_and_then_given_up(bench: Workbench) -> None:
    """The pause after the n-th failure is up to 5 s · 2^(n-1); after the last attempt nothing more is due."""
    job_id, clock = submit(bench), Clock()
    bench.jobs.cancel(job_id)
    deliveries = service(bench, clock)
    for pause in (5, 10):
        deliveries.settle(claimed(deliveries), BROKEN)
        clock.pass_by(pause - 0.1)
        assert deliveries.claim() is None
        clock.pass_by(0.1)
    deliveries.settle(claimed(deliveries), BROKEN)
    clock.pass_by(100_000)
    assert deliveries.claim() is None
    (shown,) = deliveries.deliveries(job_id, 1, 50).deliveries
    assert (shown.status, shown.attempts, shown.next_attempt_at) == ("given_up", 3, None)
    assert shown.last_error == "the receiver answered 500"


def test_jitter_takes_any_part_of_the_pause(bench: Workbench) -> None:
    """With the smallest chance it is tried again at once, with a half after half of the pause."""
    bench.jobs.cancel(submit(bench))
    clock = Clock()
    for chance, pause in ((0.0, 0.0), (0.5, 5.0)):
        deliveries = service(bench, clock, chance=chance)
        deliveries.settle(claimed(deliveries), BROKEN)
        assert rows(bench)[0].next_attempt_at == clock.now + timedelta(seconds=pause)
        clock.pass_by(pause)


def test_without_being_told_pauses_are_spread(bench: Workbench) -> None:
    """Receivers that come back are not met by everybody at once: the pauses of many differ, and none is longer than the first."""
    for _ in range(20):
        bench.jobs.cancel(submit(bench))
    clock = Clock()
    deliveries = WebhookService(bench.store, max_attempts=3, first_pause_seconds=60, now=clock)
    for _ in range(20):
        deliveries.settle(claimed(deliveries), BROKEN)
    pauses = [(row.next_attempt_at - clock.now).total_seconds() for row in rows(bench) if row.next_attempt_at]
    assert len(set(pauses)) == 20
    assert 0 <= min(pauses) < 30 < max(pauses) <= 60


@pytest.mark.parametrize(("asked_for", "pause"), [(60.0, 60.0), (1.0, 5.0), (1e9, LONGEST_PAUSE_SECONDS)])
def test_retry_after_is_heeded_within_bounds(bench: Workbench, asked_for: float, pause: float) -> None:
    """Not sooner than the receiver asks for, not later than an hour."""
    bench.jobs.cancel(submit(bench))
    clock = Clock()
    deliveries = service(bench, clock)
    deliveries.settle(claimed(deliveries), Outcome(503, retry_after=asked_for))
    assert rows(bench)[0].next_attempt_at == clock.now + timedelta(seconds=pause)


def test_pauses_do_not_grow_beyond_an_hour(bench: Workbench) -> None:
    """However many attempts are allowed."""
    bench.jobs.cancel(submit(bench))
    clock = Clock()
    deliveries = service(bench, clock, max_attempts=10_000)
    delivery = claimed(deliveries)
    with bench.database.write() as session:
        session.get_one(WebhookDelivery, delivery.row).attempts = 5000
    late = replace(delivery, attempt=5000)
    deliveries.settle(late, BROKEN)
    assert rows(bench)[0].next_attempt_at == clock.now + timedelta(seconds=LONGEST_PAUSE_SECONDS)


@pytest.mark.parametrize("outcome", [Outcome(410), Outcome(error="it is inside", refused=True)])
def test_what_will_never_work_is_given_up_at_once(bench: Workbench, outcome: Outcome) -> None:
    """410 Gone and a refused address are not tried again, and the reason is kept."""
    bench.jobs.cancel(submit(bench))
    deliveries = service(bench, Clock())
    deliveries.settle(claimed(deliveries), outcome)
    (row,) = rows(bench)
    assert (row.status, row.last_error) == ("given_up", outcome.reason)


def test_a_killed_senders_delivery_is_tried_again(bench: Workbench) -> None:
    """A claim that nobody settles runs out, and only then somebody else gets it."""
    bench.jobs.cancel(submit(bench))
    clock = Clock()
    deliveries = service(bench, clock)
    first = claimed(deliveries)
    clock.pass_by(CLAIM_SECONDS - 0.1)
    assert deliveries.claim() is None
    clock.pass_by(0.1)
    second = claimed(deliveries)
    assert (second.id, second.attempt) == (first.id, 2)
    deliveries.settle(first, BROKEN)
    assert rows(bench)[0].attempts == 2
    assert rows(bench)[0].last_error is None
    deliveries.settle(first, OK)
    assert rows(bench)[0].status == "delivered"


def test_a_message_that_ends_its_senders_is_given_up(bench: Workbench) -> None:
    """After the last allowed attempt nobody gets it any more, although nobody settled it; what else is due is not held up."""
    jobs, clock = [submit(bench), submit(bench)], Clock()
    bench.jobs.cancel(jobs[0])
    deliveries = service(bench, clock, max_attempts=3)
    for attempt in (1, 2, 3):
        assert claimed(deliveries).attempt == attempt
        clock.pass_by(CLAIM_SECONDS)
    bench.jobs.cancel(jobs[1])
    assert claimed(deliveries).id == rows(bench)[1].uuid
    assert deliveries.claim() is None
    (shown,) = deliveries.deliveries(jobs[0], 1, 50).deliveries
    assert (shown.status, shown.attempts, shown.next_attempt_at) == ("given_up", 3, None)
    assert shown.last_error == "its sender ended"


def test_fewer_attempts_allowed_leave_the_reason(bench: Workbench) -> None:
    """What was tried more often than the admin now allows is given up for what was wrong with it."""
    bench.jobs.cancel(submit(bench))
    clock = Clock()
    deliveries = service(bench, clock)
    deliveries.settle(claimed(deliveries), BROKEN)
    clock.pass_by(5)
    assert service(bench, clock, max_attempts=1).claim() is None
    assert (rows(bench)[0].status, rows(bench)[0].last_error) == ("given_up", "the receiver answered 500")


def test_a_sender_that_ends_puts_back_what_it_holds(bench: Workbench) -> None:
    """Due at once and the attempt not counted; what it settled, or lost to somebody else, stays as it is."""
    for _ in range(2):
        bench.jobs.cancel(submit(bench))
    clock = Clock()
    deliveries = service(bench, clock)
    first, second = claimed(deliveries), claimed(deliveries)
    deliveries.settle(second, OK)
    deliveries.put_back([first, second])
    clock.pass_by(0.001)
    again = claimed(deliveries)
    assert (again.id, again.attempt) == (first.id, 1)
    deliveries.put_back([first])
    deliveries.settle(first, Outcome(410))
    assert deliveries.claim() is None
    assert [row.status for row in rows(bench)] == ["waiting", "delivered"]


def test_receivers_can_be_passed_over(bench: Workbench) -> None:
    """By host and port, in whatever letters the address was written."""
    for url in ("https://Slow.example/a", "https://slow.example:443/b", "https://slow.example:8443/c"):
        bench.jobs.cancel(submit(bench, WebhookTarget(url)))
    deliveries = service(bench, Clock())
    left = deliveries.claim(["slow.example:443"])
    assert left is not None
    assert (left.url, left.receiver) == ("https://slow.example:8443/c", "slow.example:8443")
    assert deliveries.claim(["slow.example:443"]) is None
    assert claimed(deliveries).url == "https://Slow.example/a"


def test_first_attempts_go_before_repeated_ones(bench: Workbench) -> None:
    """A receiver that fails all the time does not hold up the news of others."""
    clock = Clock()
    bench.jobs.cancel(submit(bench))
    deliveries = service(bench, clock, chance=0.0)
    failed = claimed(deliveries)
    deliveries.settle(failed, BROKEN)
    bench.jobs.cancel(submit(bench))
    clock.pass_by(1)
    assert claimed(deliveries).id != failed.id
    assert claimed(deliveries).id == failed.id


def test_many_claimants_never_get_the_same(bench: Workbench) -> None:
    """Eight threads on forty deliveries: each is claimed once."""
    for _ in range(40):
        bench.jobs.cancel(submit(bench))
    deliveries, taken = service(bench, Clock()), []

    def work() -> None:
        while (delivery := deliveries.claim()) is not None:
            taken.append(delivery.id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(row.uuid for row in rows(bench))


def test_a_delivery_can_be_sent_again(bench: Workbench) -> None:
    """Whatever came of it, it is due at once under the same id, with all its attempts before it."""
    job_id, clock = submit(bench), Clock()
    bench.jobs.cancel(job_id)
    deliveries = service(bench, clock)
    first = claimed(deliveries)
    for outcome in (OK, Outcome(410), BROKEN):
        deliveries.settle(first, outcome)
        shown = deliveries.retry(job_id, first.id)
        assert (shown.status, shown.attempts, shown.next_attempt_at) == ("waiting", 0, clock.now)
        first = claimed(deliveries)
        assert (first.id, first.attempt) == (shown.id, 1)


def test_one_that_is_being_sent_is_not_sent_twice_at_once(bench: Workbench) -> None:
    """Asking for it again while a sender has it changes nothing."""
    job_id, clock = submit(bench), Clock()
    bench.jobs.cancel(job_id)
    deliveries = service(bench, clock)
    first = claimed(deliveries)
    assert deliveries.retry(job_id, first.id).attempts == 1
    assert deliveries.claim() is None


def test_a_claim_from_before_it_was_asked_for_again_settles_nothing(bench: Workbench) -> None:
    """Attempts begin to count anew then, so two claims can have the same number: the older one must not end the younger."""
    job_id, clock = submit(bench), Clock()
    bench.jobs.cancel(job_id)
    deliveries = service(bench, clock)
    old = claimed(deliveries)
    clock.pass_by(CLAIM_SECONDS + 1)
    deliveries.retry(job_id, old.id)
    young = claimed(deliveries)
    assert (old.attempt, young.attempt) == (1, 1)
    with capture_logs() as logs:
        deliveries.settle(old, BROKEN)
        deliveries.settle(old, Outcome(410))
    assert logs == []
    clock.pass_by(CLAIM_SECONDS - 1)
    assert deliveries.claim() is None
    deliveries.settle(young, OK)
    assert rows(bench)[0].status == "delivered"


def test_what_is_stored_is_logged(bench: Workbench) -> None:
    """Each outcome once, with the delivery's id and neither address nor body."""
    bench.jobs.cancel(submit(bench))
    clock = Clock()
    deliveries = service(bench, clock)
    with capture_logs() as logs:
        for outcome in (BROKEN, Outcome(410)):
            deliveries.settle(claimed(deliveries), outcome)
            clock.pass_by(5)
    assert [line["event"] for line in logs] == ["webhook_put_off", "webhook_given_up"]
    assert "hooks.example.org" not in str(logs)


def test_a_delivery_of_another_job_is_not_found(bench: Workbench) -> None:
    """Unknown Jobs and deliveries that are not theirs are told apart."""
    mine, other = submit(bench), submit(bench)
    bench.jobs.cancel(mine)
    deliveries = service(bench, Clock())
    for job_id, code in ((other, "not_found"), ("none", "job_not_found")):
        with pytest.raises(CesarError) as refused:
            deliveries.retry(job_id, rows(bench)[0].uuid)
        assert refused.value.code == code


def test_the_log_comes_in_pages(bench: Workbench) -> None:
    """Oldest first, with the number of all."""
    job_id = submit(bench, STATUSES, files=3)
    page = service(bench, Clock()).deliveries(job_id, 2, 2)
    assert (len(page.deliveries), page.total) == (1, 3)
    assert page.deliveries[0].id == rows(bench)[2].uuid


def test_what_was_written_down_survives(tmp_path: Path) -> None:
    """Another process on the same database finds what is due."""
    bench = Workbench(tmp_path / "data")
    bench.jobs.cancel(submit(bench))
    bench.close()
    again = Workbench(tmp_path / "data")
    assert service(again, Clock()).claim() is not None
    again.close()
