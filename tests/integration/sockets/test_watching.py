"""Watching over real sockets: what a client hears, in which order, and when the socket ends."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import httpx2
import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from app.domain.events import ProgressEvent, SegmentEvent
from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from tests.integration.sockets.conftest import World, warning
from tests.integration.sockets.some_tasks import SomeTasks


async def test_a_new_watcher_gets_a_snapshot_and_then_live_events(world: World) -> None:
    """Without `after` the first messages are `subscribed`, the present state, and then what happens."""
    (task,) = world.tasks.add()
    world.log.append([(task, ProgressEvent(TaskProgressStage.TRANSCRIBING, 25))])
    async with world.connect(f"/ws/tasks/{task}") as client:
        subscribed = await client.hear()
        assert (subscribed["type"], subscribed["seq"], subscribed["recovered"]) == ("subscribed", 1, False)
        shown = await client.hear_until(lambda m: m["type"] == "segments_revised")
        assert [m["percentage"] for m in shown if m["type"] == "progress"] == [25]
        world.log.append([(task, SegmentEvent(0, 0.0, 1.5, "hello"))])
        segment = await client.hear()
        assert (segment["type"], segment["seq"], segment["text"]) == ("segment", 2, "hello")


async def test_a_watcher_that_comes_back_gets_exactly_what_it_missed(world: World) -> None:
    """With `after` the missed events come first, without a hole and without a repetition, then live ones."""
    (task,) = world.tasks.add()
    world.log.append([(task, warning(str(n))) for n in range(1, 451)])
    async with world.connect(f"/ws/tasks/{task}?after=7") as client:
        assert (await client.hear())["recovered"] is True
        await client.hear_until(lambda m: m["seq"] == 450)
        world.log.append([(task, warning("live"))])
        await client.hear_until(lambda m: m["seq"] == 451)
        assert [m["seq"] for m in client.heard[1:]] == list(range(8, 452))


@pytest.mark.parametrize("query", ["after=99", "after=1&epoch=another"])
async def test_a_gap_that_cannot_be_filled_is_said(world: World, query: str) -> None:
    """A number beyond the log, or of another epoch, leads to `recovered: false` and a snapshot."""
    (task,) = world.tasks.add()
    world.log.append([(task, warning()), (task, warning())])
    async with world.connect(f"/ws/tasks/{task}?{query}") as client:
        assert (await client.hear())["recovered"] is False
        assert (await client.hear())["type"] == "status"


async def test_the_socket_ends_after_the_final_event(world: World) -> None:
    """The last event is the final status; then the server closes with 1000."""
    (task,) = world.tasks.add()
    async with world.connect(f"/ws/tasks/{task}") as client:
        await client.hear()
        world.tasks.finish(task)
        heard = await client.hear_all()
        assert (heard[-1]["type"], heard[-1]["status"]) == ("status", "cancelled")
        assert client.connection.close_code == 1000


async def test_a_finished_task_is_shown_and_the_socket_closed(world: World) -> None:
    """Who comes after the end gets the snapshot, or what it missed, and 1000."""
    (task,) = world.tasks.add()
    world.tasks.finish(task)
    async with world.connect(f"/ws/tasks/{task}?after=0") as client:
        heard = await client.hear_all()
        assert [m["type"] for m in heard] == ["subscribed", "status"]
        assert client.connection.close_code == 1000


async def test_an_unknown_task_is_refused_with_4540(world: World) -> None:
    """The refusal is an `error` event and a close code that says: stay away."""
    async with world.connect("/ws/tasks/nobody") as client:
        heard = await client.hear_all()
        assert [(m["type"], m["error_code"], m["task_id"]) for m in heard] == [("error", "task_not_found", "nobody")]
        assert client.connection.close_code == 4540


async def test_a_bad_query_is_refused_with_4500(world: World) -> None:
    """`after` that is no number cannot become right by trying again."""
    async with world.connect("/ws/tasks/x?after=soon") as client:
        assert [m["error_code"] for m in await client.hear_all()] == ["bad_value"]
        assert client.connection.close_code == 4500


async def test_one_socket_watches_all_tasks_of_a_job(world: World) -> None:
    """Each Task is answered with `subscribed`, the list with `ok`, all with the command's id."""
    job = world.tasks.add_job(3)
    tasks = world.tasks.tasks_of_job(job)
    async with world.connect("/ws") as client:
        await client.say(type="subscribe", job_id=job, id=5)
        heard = await client.hear_until(lambda m: m["type"] == "ok")
        assert heard[-1]["id"] == 5
        assert [m["task_id"] for m in heard if m["type"] == "subscribed"] == tasks
        world.log.append([(task, warning()) for task in tasks])
        live = [await client.hear() for _ in tasks]
        assert [m["task_id"] for m in live] == tasks
        await client.say(type="unsubscribe", task_id=tasks[0])
        assert (await client.hear())["type"] == "unsubscribed"
        world.log.append([(task, warning()) for task in tasks])
        assert [(await client.hear())["task_id"] for _ in tasks[1:]] == tasks[1:]


async def test_a_task_that_goes_meanwhile_keeps_nobody_from_watching_its_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between listing a Job's Tasks and watching them one may be deleted: the others are watched all the same."""
    job = world.tasks.add_job(2)
    tasks = world.tasks.tasks_of_job(job)
    monkeypatch.setattr(SomeTasks, "tasks_of_job", lambda *_: [tasks[0], "gone", tasks[1]])
    async with world.connect("/ws") as client:
        await client.say(type="subscribe", job_id=job)
        heard = await client.hear_until(lambda m: m["type"] in ("ok", "error"))
        assert [m["task_id"] for m in heard if m["type"] == "subscribed"] == tasks
        assert heard[-1]["type"] == "ok"


async def test_a_job_tells_how_far_it_is(world: World) -> None:
    """Who subscribed to a Job hears its present state, each time it is another one, and that it is gone."""
    job = world.tasks.add_job(2)
    tasks = world.tasks.tasks_of_job(job)

    def of_job(message: dict[str, Any], done: int = 0) -> bool:
        return message["type"] == "job" and message["progress_current"] >= done

    async with world.connect("/ws") as client:
        await client.say(type="subscribe", job_id=job)
        told = (await client.hear_until(of_job))[-1]
        assert (told["job_id"], told["job_type"], told["status"]) == (job, "process", "queued")
        assert (told["progress_current"], told["progress_total"], "seq" in told) == (0, 2, False)
        for done, task in enumerate(tasks, start=1):
            world.tasks.finish(task)
            told = (await client.hear_until(partial(of_job, done=done)))[-1]
            assert told["progress_current"] == done
        assert told["status"] == "cancelled"
        world.tasks.delete_job(job)
        gone = await client.hear_until(lambda m: m.get("error_code") == "job_not_found")
        assert gone[-1]["task_id"] is None
    async with world.connect("/ws") as client:
        empty = world.tasks.add_job(0)
        await client.say(type="subscribe", job_id=empty)
        assert [(await client.hear())["type"] for _ in range(2)] == ["job", "ok"]
        await client.say(type="unsubscribe", job_id=empty)
        await client.say(type="ping")
        assert (await client.hear())["type"] == "pong"
        world.tasks.delete_job(empty)
        await client.say(type="ping")
        assert (await client.hear())["type"] == "pong"


async def test_all_covers_tasks_created_later_and_retried_ones(world: World) -> None:
    """A watcher of everything hears of Tasks it never asked for, from their first event on."""
    (early,) = world.tasks.add()
    (done,) = world.tasks.add()
    world.tasks.finish(done)
    async with world.connect("/ws") as client:
        await client.say(type="subscribe", all=True)
        heard = await client.hear_until(lambda m: m["type"] == "ok")
        assert [m["task_id"] for m in heard if m["type"] == "subscribed"] == [early]
        (late,) = world.tasks.add()
        world.log.append([(late, warning()), (late, warning())])
        assert [((m := await client.hear())["task_id"], m["seq"]) for _ in range(2)] == [(late, 1), (late, 2)]
        world.tasks.retry(done)
        assert ((m := await client.hear())["task_id"], m["status"]) == (done, "queued")


async def test_bad_commands_are_answered_and_end_nothing(world: World) -> None:
    """Whatever is wrong with a message, the answer says so with its id, and the socket goes on."""
    (task,) = world.tasks.add()
    async with world.connect("/ws") as client:
        for text, code in (
            ("{", "bad_message"),
            ("[]", "bad_message"),
            ('{"type":"dance","id":1}', "bad_command"),
            ('{"type":"subscribe","id":2}', "bad_command"),
            ('{"type":"subscribe","task_id":7,"id":3}', "bad_command"),
            ('{"type":"subscribe","task_id":"none","id":4}', "task_not_found"),
            ('{"type":"subscribe","job_id":"none","id":5}', "job_not_found"),
            ('{"type":"cancel","task_id":"none","id":6}', "task_not_found"),
            (f'{{"type":"retry","task_id":"{task}","id":7}}', "illegal_move"),
        ):
            await client.connection.send(text)
            answer = await client.hear()
            assert (answer["type"], answer["error_code"]) == ("error", code)
            sent = orjson.loads(text) if text != "{" else {}
            assert answer.get("id") == (sent.get("id") if isinstance(sent, dict) else None)
        await client.say(type="ping", id="x")
        assert await client.hear() == {"type": "pong", "id": "x"}


async def test_cancel_and_retry_act_on_the_task(world: World) -> None:
    """A command is answered with `ok` after it was done, and its event reaches the watchers."""
    (task,) = world.tasks.add()
    async with world.connect("/ws") as client:
        await client.say(type="subscribe", task_id=task)
        await client.hear_until(lambda m: m["type"] == "segments_revised")
        await client.say(type="cancel", task_id=task, id=1)
        heard = [await client.hear(), await client.hear()]
        assert {m["type"] for m in heard} == {"ok", "status"}
        await client.say(type="retry", task_id=task, id=2)
        heard = [await client.hear(), await client.hear()]
        assert {m.get("status") for m in heard} == {None, JobStatus.QUEUED}


async def test_ping_is_all_that_a_task_socket_answers(world: World) -> None:
    """On `/ws/tasks/…` a ping gets its pong and any other command a complaint."""
    (task,) = world.tasks.add()
    async with world.connect(f"/ws/tasks/{task}") as client:
        await client.hear_until(lambda m: m["type"] == "segments_revised")
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}
        await client.say(type="cancel", task_id=task)
        assert (await client.hear())["error_code"] == "bad_command"


async def test_batches_hold_the_same_events_in_arrays(world: World) -> None:
    """With `batch=1` frames are arrays, and their elements are the events, in order."""
    (task,) = world.tasks.add()
    async with world.connect(f"/ws/tasks/{task}?after=0&batch=1") as client:
        frames = [await client.connection.recv()]
        for n in range(60):
            world.log.append([(task, warning(str(n)))])
        while True:
            frames.append(await asyncio.wait_for(client.connection.recv(), 10))
            if orjson.loads(frames[-1])[-1].get("seq") == 60:
                break
        events = [event for frame in frames for event in orjson.loads(frame)]
        assert [event["seq"] for event in events] == list(range(61))


async def test_an_idle_socket_gets_heartbeats(start_world) -> None:
    """Something is sent before a proxy takes the connection for dead."""
    world = start_world(heartbeat_seconds=0.3)
    async with world.connect("/ws") as client:
        beat = await client.hear(5)
        assert (beat["type"], sorted(beat)) == ("heartbeat", ["timestamp", "type"])


async def test_the_event_stream_tells_the_same_as_the_socket(world: World) -> None:
    """The data of `/tasks/{id}/events` are the socket's messages, its ids their numbers, and it ends after the final event."""
    (task,) = world.tasks.add()
    url = f"http://127.0.0.1:{world.server.port}/tasks/{task}/events"

    async def stream() -> str:
        async with httpx2.AsyncClient() as http:
            answer = await http.get(url, params={"after": "0"}, timeout=30)
            assert answer.headers["content-type"].startswith("text/event-stream")
            return answer.text

    async with world.connect(f"/ws/tasks/{task}?after=0") as client:
        reading = asyncio.create_task(stream())
        for n in range(30):
            world.log.append([(task, ProgressEvent(TaskProgressStage.TRANSCRIBING, 10 + n)), (task, warning())])
            await asyncio.sleep(0.005 * (n % 3))
        world.tasks.finish(task)
        heard = [m for m in await client.hear_all() if m["type"] != "subscribed"]
        blocks = [block.split("\n") for block in (await reading).strip().split("\n\n")]
    told = [orjson.loads(block[-1].removeprefix("data: ")) for block in blocks]
    assert _without_skips([m for m in told if m["type"] != "subscribed"]) == _without_skips(heard)
    assert [block[0] for block in blocks[1:]] == [f"id: {m['seq']}" for m in told[1:]]
    assert _accounted(heard) == _accounted(told[1:]) == 61


async def test_an_idle_event_stream_gets_comments(start_world) -> None:
    """A comment keeps proxies from cutting, and no program has to understand it."""
    world = start_world(heartbeat_seconds=0.3)
    (task,) = world.tasks.add()
    url = f"http://127.0.0.1:{world.server.port}/tasks/{task}/events"
    async with httpx2.AsyncClient() as http, http.stream("GET", url, timeout=10) as answer:
        async for line in answer.aiter_lines():
            assert "heartbeat" not in line or line.startswith(":")
            if line.startswith(":"):
                break


async def test_the_event_stream_resumes_after_last_event_id(world: World) -> None:
    """`Last-Event-ID` gives exactly the missing events; an unknown Task is an ordinary 404."""
    (task,) = world.tasks.add()
    world.log.append([(task, warning()) for _ in range(5)])
    world.tasks.finish(task)
    base = f"http://127.0.0.1:{world.server.port}/tasks"
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{base}/{task}/events", headers={"Last-Event-ID": "3"})
        assert [line for line in answer.text.split("\n") if line.startswith("id")] == ["id: 4", "id: 5", "id: 6"]
        assert (await http.get(f"{base}/nobody/events")).status_code == 404
        assert (await http.get(f"{base}/{task}/events?after=x")).status_code == 400


async def test_more_connections_than_allowed_are_refused_with_4504(start_world) -> None:
    """The limit is said, and those who are in stay in."""
    world = start_world(max_connections=1)
    async with world.connect("/ws") as first, world.connect("/ws") as second:
        assert [m["error_code"] for m in await second.hear_all()] == ["connection_limit"]
        assert second.connection.close_code == 4504
        await first.say(type="ping")
        assert (await first.hear())["type"] == "pong"


async def test_too_many_commands_end_the_socket_with_4029(world: World) -> None:
    """A flood is told to stop, and to come back later."""
    async with world.connect("/ws") as client:
        with suppress(ConnectionClosed):
            for _ in range(5000):
                await client.say(type="ping")
        await client.hear_all()
        assert client.connection.close_code == 4029


def _without_skips(messages: list[dict]) -> list[dict]:
    """What both tell, whichever progress gave way to newer on either."""
    return [m for m in messages if m["type"] != "progress"]


def _accounted(messages: list[dict]) -> int:
    """How many events were told or counted as left out; they must be without a hole."""
    seq = 0
    for message in messages:
        assert message["seq"] == seq + 1 + message.get("skipped", 0)
        seq = message["seq"]
    return seq
