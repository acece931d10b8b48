"""Webhooks from a real server and worker to real receivers: signed, tried again, and told although everything was killed."""

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.fakes.webhook_receiver import Reply, WebhookReceiver
from tests.running_server import RunningServer, free_port, wait_for

Serve = Callable[..., RunningServer]
Receive = Callable[..., WebhookReceiver]


@pytest.fixture
def receive() -> Iterator[Receive]:
    """Starts receivers; all are ended afterwards."""
    started: list[WebhookReceiver] = []

    def start(replies: Callable[[int], Reply] = lambda _: Reply(), port: int = 0) -> WebhookReceiver:
        started.append(WebhookReceiver(replies, port))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


def deliveries(server: RunningServer, task_id: str) -> list[dict[str, Any]]:
    """The delivery log of the Task's Job."""
    answer = server.http.get(f"/jobs/{server.task(task_id)['job_id']}/webhooks", params={"per_page": 200})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["deliveries"])


def wait_until(server: RunningServer, task_id: str, *statuses: str, seconds: float = 30) -> list[dict[str, Any]]:
    """Wait until the Job's deliveries have these statuses."""
    wait_for(
        lambda: [row["status"] for row in deliveries(server, task_id)] == list(statuses),
        seconds,
        lambda: f"{deliveries(server, task_id)}\n{server.log[-3000:]}",
    )
    return deliveries(server, task_id)


def test_the_end_of_a_job_arrives_signed(serve: Serve, receive: Receive, silence: Path) -> None:
    """The reference library verifies it with the secret of the data folder; neither log nor body knows path, query, secret or words."""
    receiver = receive()
    server = serve(webhook_allow_private=receiver.host).start()
    (task_id,) = server.submit(silence, webhook_url=receiver.url)
    wait_for(lambda: len(receiver.received) == 1, 30, lambda: server.log[-3000:])
    secret = server.folder / "data" / "webhook_secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    (got,) = receiver.received
    message = Webhook(secret.read_text().strip()).verify(got.body, got.headers)
    task = server.task(task_id)
    assert message["type"] == "job.completed"
    assert message["data"]["id"] == task["job_id"]
    assert [(one["id"], one["status"], one["seq"]) for one in message["data"]["tasks"]] == [
        (task_id, "completed", task["seq"])
    ]
    (row,) = wait_until(server, task_id, "delivered")
    assert (row["id"], row["attempts"], row["last_status_code"]) == (got.headers["webhook-id"], 1, 204)
    job = server.http.get(f"/jobs/{task['job_id']}").json()
    assert (job["webhook_url"], job["webhook_statuses"]) == (f"http://{receiver.host}", False)
    assert row["url"] == job["webhook_url"]
    assert "hush" not in server.log
    assert secret.read_text().strip() not in server.log
    assert b"Segment number" not in got.body
    assert "Segment number" not in server.log


def test_statuses_are_the_sockets_events(serve: Serve, receive: Receive, silence: Path) -> None:
    """With webhook_statuses each change of status arrives as the very event that watchers get, number included."""
    receiver = receive()
    server = serve(webhook_allow_private=receiver.host, webhook_url=receiver.url).start()
    (task_id,) = server.submit(silence, initial_prompt="segments=2 delay=0.1", webhook_statuses="true")
    server.finish(task_id)
    wait_until(server, task_id, *["delivered"] * 4)
    told = sorted((message["data"] for message in receiver.of_type("task.status")), key=lambda event: event["seq"])
    seen = {event["seq"]: event for event in server.history(task_id) if event["type"] == "status"}
    assert [event["status"] for event in told] == ["queued", "processing", "completed"]
    assert told == [seen[event["seq"]] for event in told]
    assert len(receiver.of_type("job.completed")) == 1


def test_a_failed_delivery_is_tried_again_and_can_be_asked_for(serve: Serve, receive: Receive, silence: Path) -> None:
    """500, then 200: delivered at the second attempt under the same id; asked for once more, it comes once more, signed each time."""
    receiver = receive(lambda number: Reply(500 if number == 1 else 200))
    server = serve(webhook_allow_private="127.0.0.1", webhook_retry_seconds=0.2).start()
    (task_id,) = server.submit(silence, webhook_url=receiver.url)
    (row,) = wait_until(server, task_id, "delivered")
    assert row["attempts"] == 2
    again = server.http.post(f"/jobs/{server.task(task_id)['job_id']}/webhooks/{row['id']}/retry")
    assert (again.status_code, again.json()["status"]) == (200, "waiting")
    wait_for(lambda: len(receiver.received) == 3, 30, lambda: server.log[-3000:])
    assert {got.headers["webhook-id"] for got in receiver.received} == {row["id"]}
    verify = Webhook((server.folder / "data" / "webhook_secret").read_text().strip()).verify
    assert [verify(got.body, got.headers)["type"] for got in receiver.received] == ["job.completed"] * 3
    unknown = server.http.post(f"/jobs/{server.task(task_id)['job_id']}/webhooks/none/retry")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")


def test_attempts_end(serve: Serve, receive: Receive, silence: Path) -> None:
    """After the allowed attempts a delivery is given up; 410 and a redirect's target are never asked again."""
    broken = receive(lambda _: Reply(500))
    gone = receive(lambda _: Reply(410))
    elsewhere = receive()
    moved = receive(lambda _: Reply(302, (("Location", elsewhere.url),)))
    server = serve(webhook_allow_private="127.0.0.1", webhook_retry_seconds=0.1, webhook_max_attempts=2).start()
    for receiver, attempts in ((broken, 2), (gone, 1), (moved, 2)):
        (task_id,) = server.submit(silence, webhook_url=receiver.url)
        (row,) = wait_until(server, task_id, "given_up")
        assert (row["attempts"], len(receiver.received), row["next_attempt_at"]) == (attempts, attempts, None)
    assert elsewhere.received == []
    assert server.log.count("webhook_given_up") == 3
    assert "hush" not in server.log


def test_a_slow_receiver_delays_no_task(serve: Serve, receive: Receive, silence: Path) -> None:
    """While every place of the lane waits for a receiver that does not answer, Tasks run as ever and keep their leases."""
    slow = [receive(lambda _: Reply(delay=60)) for _ in range(2)]
    server = serve(webhook_allow_private="127.0.0.1", lease_seconds=2).start()
    for receiver in slow * 3:
        (task_id,) = server.submit(silence, webhook_url=receiver.url)
        server.finish(task_id)
    wait_for(lambda: sum(len(receiver.received) for receiver in slow) >= 4, 20)
    begun = time.monotonic()
    (task_id,) = server.submit(silence, initial_prompt="segments=6 delay=0.5")
    task = server.finish(task_id)
    assert (task["status"], task["attempt"]) == ("completed", 1)
    assert time.monotonic() - begun < 20


def test_a_receiver_that_does_not_answer_delays_no_other(serve: Serve, receive: Receive, silence: Path) -> None:
    """A dozen messages wait for one that takes forever; another hears of its Job long before the first attempts are over."""
    tarpit, other = receive(lambda _: Reply(delay=60)), receive()
    server = serve(webhook_allow_private="127.0.0.1").start()
    for task_id in server.submit(*[silence] * 4, webhook_url=tarpit.url, webhook_statuses="true"):
        server.finish(task_id)
    (task_id,) = server.submit(silence, webhook_url=other.url)
    server.finish(task_id)
    begun = time.monotonic()
    wait_until(server, task_id, "delivered")
    assert time.monotonic() - begun < 10
    assert len(tarpit.received) == 2


def test_a_date_that_no_calendar_holds_is_no_reason_to_come_again(
    serve: Serve, receive: Receive, silence: Path
) -> None:
    """A receiver that has the message, and says so with a nonsensical Retry-After, does not get it for ever."""
    nonsense = (("Retry-After", "Fri, 01 Jan 99999999999999999999 00:00:00 GMT"),)
    receiver = receive(lambda number: Reply(500 if number == 1 else 200, nonsense))
    server = serve(webhook_allow_private="127.0.0.1", webhook_retry_seconds=0.1).start()
    (task_id,) = server.submit(silence, webhook_url=receiver.url)
    (row,) = wait_until(server, task_id, "delivered")
    assert (row["attempts"], len(receiver.received)) == (2, 2)


def test_a_replaced_worker_holds_nothing_up(serve: Serve, receive: Receive, silence: Path) -> None:
    """Somebody cancels a Task that cannot be stopped while a receiver hesitates: the next worker tells that at once."""
    receiver = receive(lambda number: Reply(delay=60 if number == 1 else 0))
    server = serve(webhook_allow_private="127.0.0.1").start()
    (stuck,) = server.submit(silence, initial_prompt="segments=3 after=1 hang")
    wait_for(lambda: bool(server.http.get(f"/tasks/{stuck}/transcript").json().get("segments")), 30)
    (task_id,) = server.submit(silence, webhook_url=receiver.url)
    server.http.post(f"/tasks/{task_id}/cancel")
    wait_for(lambda: len(receiver.received) == 1, 20)
    before, begun = server.worker_pid(), time.monotonic()
    server.http.post(f"/tasks/{stuck}/cancel")
    (row,) = wait_until(server, task_id, "delivered")
    assert time.monotonic() - begun < 15
    assert server.worker_pid() != before
    assert (row["attempts"], len(receiver.received)) == (1, 2)


def test_everything_killed_before_the_delivery(serve: Serve, receive: Receive, silence: Path) -> None:
    """SIGKILL to everything after the Job ended and before its receiver could be reached: the restarted server tells it, once."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook"
    server = serve(webhook_allow_private="127.0.0.1", webhook_retry_seconds=2).start()
    (task_id,) = server.submit(silence, webhook_url=url)
    server.finish(task_id)
    wait_for(lambda: (deliveries(server, task_id)[0]["last_error"] or "") != "", 20)
    server.kill_all()
    receiver = receive(port=port)
    server.start()
    wait_until(server, task_id, "delivered", seconds=60)
    assert [got.message["type"] for got in receiver.received] == ["job.completed"]


def test_everything_killed_in_mid_delivery(serve: Serve, receive: Receive, silence: Path) -> None:
    """SIGKILL while a receiver hesitates: nobody knows whether it has it, so it is told again, under the same id."""
    receiver = receive(lambda number: Reply(delay=60 if number == 1 else 0))
    server = serve(webhook_allow_private="127.0.0.1").start()
    (task_id,) = server.submit(silence, webhook_url=receiver.url)
    wait_for(lambda: len(receiver.received) == 1, 30)
    server.kill_all()
    server.start()
    (row,) = wait_until(server, task_id, "delivered", seconds=60)
    assert row["attempts"] == 2
    assert [got.headers["webhook-id"] for got in receiver.received] == [row["id"]] * 2


def test_two_workers_tell_once(serve: Serve, receive: Receive, silence: Path) -> None:
    """Two workers on one database: each of forty deliveries arrives once."""
    receiver = receive(lambda _: Reply(delay=0.05))
    server = serve(webhook_allow_private=receiver.host).start()
    extra = server.start_worker()
    try:
        tasks = [
            task_id
            for _ in range(10)
            for task_id in server.submit(silence, webhook_url=receiver.url, webhook_statuses="true")
        ]
        for task_id in tasks:
            server.finish(task_id)
            wait_until(server, task_id, *["delivered"] * 4)
    finally:
        extra.terminate()
        assert extra.wait(20) == 0
    ids = [got.headers["webhook-id"] for got in receiver.received]
    assert len(ids) == len(set(ids)) == 40


def test_addresses_inside_are_refused(serve: Serve, receive: Receive, silence: Path) -> None:
    """What can be seen is refused at once, by form and by JSON; what only the connection shows is given up with its reason."""
    receiver = receive()
    server = serve(webhook_retry_seconds=0.1, webhook_allow_private="").start()
    files = [("files", (silence.name, silence.read_bytes()))]
    for url in (receiver.url, "ftp://example.org/", "http://user:hunter2@example.org/"):
        by_form = server.http.post("/transcribe", files=files, data={"webhook_url": url})
        by_json = server.http.post("/transcribe", json={"url": "https://example.org/a.mp3", "webhook_url": url})
        for answer in (by_form, by_json):
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "webhook_refused"), answer.text
            assert "hunter2" not in answer.text
    assert server.http.get("/jobs").json()["total"] == 0
    (task_id,) = server.submit(silence, webhook_url=f"http://0x7f000001:{receiver.port}/hook?key=hush")
    (row,) = wait_until(server, task_id, "given_up")
    assert row["attempts"] == 1
    assert "not public" in row["last_error"]
    assert "webhook_given_up" in server.log
    assert "hush" not in server.log
    assert receiver.received == []


def test_a_stopping_server_still_tells_what_just_ended(serve: Serve, receive: Receive, silence: Path) -> None:
    """SIGTERM right after a Job's end: its delivery leaves before the worker does."""
    receiver = receive()
    server = serve(webhook_allow_private=receiver.host, shutdown_seconds=20).start()
    (task_id,) = server.submit(silence, initial_prompt="segments=3 delay=0.3", webhook_url=receiver.url)
    server.wait_status(task_id, "processing")
    server.stop()
    assert [got.message["type"] for got in receiver.received] == ["job.completed"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"webhook_url": "ftp://example.org/"}, "CESAR_WEBHOOK_URL"),
        ({"webhook_secret": "hunter2"}, "CESAR_WEBHOOK_SECRET"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(serve: Serve, settings: dict[str, str], named: str) -> None:
    """One sentence names the setting, and the secret is not in it."""
    server = serve(**settings).start(wait=False)
    wait_for(lambda: named in server.log, 30, lambda: server.log)
    assert "hunter2" not in server.log
