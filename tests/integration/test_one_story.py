"""Socket, event stream and polling tell the same story from one log."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from websockets.exceptions import ConnectionClosed

from tests.running_server import RunningServer, stream_events

SCRIPT = "segments=4 delay=0.3 words=1"


def numbered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without greetings and heartbeats."""
    return [event for event in events if "seq" in event and event["type"] != "subscribed"]


def over_socket(server: RunningServer, path: str) -> list[dict[str, Any]]:
    """Everything a socket says until it is closed."""
    with server.socket(path) as socket:
        return [orjson.loads(message) for message in socket]


def over_stream(server: RunningServer, task_id: str, **headers: str) -> list[dict[str, Any]]:
    """Everything the event stream says."""
    with server.http.stream("GET", f"/tasks/{task_id}/events", headers=headers, params={"after": 0}) as answer:
        return list(stream_events(answer.iter_lines()))


def test_replays_are_identical(shared_server: RunningServer, silence: Path) -> None:
    """After the end, socket and event stream replay the very same events, byte for byte, whenever they are asked."""
    (task_id,) = shared_server.submit(silence, initial_prompt=SCRIPT)
    shared_server.finish(task_id)
    socket = numbered(over_socket(shared_server, f"/ws/tasks/{task_id}?after=0"))
    stream = numbered(over_stream(shared_server, task_id))
    again = numbered(over_socket(shared_server, f"/ws/tasks/{task_id}?after=0"))
    assert socket == stream == again
    assert [event["seq"] for event in socket] == list(range(1, len(socket) + 1))
    resumed = numbered(over_socket(shared_server, f"/ws/tasks/{task_id}?after=5"))
    assert resumed == socket[5:]


def test_live_watchers_see_the_same(shared_server: RunningServer, silence: Path) -> None:
    """Two sockets, a batched one and a stream that watch from the start see the same segments, warnings and statuses,
    and a progress that another replaced is counted in `skipped`."""
    (task_id,) = shared_server.submit(silence, initial_prompt=SCRIPT)
    seen: dict[str, list[dict[str, Any]]] = {}
    watchers = [
        threading.Thread(target=lambda: seen.update(one=over_socket(shared_server, f"/ws/tasks/{task_id}?after=0"))),
        threading.Thread(target=lambda: seen.update(two=over_socket(shared_server, f"/ws/tasks/{task_id}?after=0"))),
        threading.Thread(target=lambda: seen.update(batch=_flat(over_socket(shared_server, f"/ws/tasks/{task_id}?after=0&batch=1")))),
        threading.Thread(target=lambda: seen.update(stream=over_stream(shared_server, task_id))),
    ]  # fmt: skip
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join(30)
    history = shared_server.history(task_id)
    for events in seen.values():
        got = numbered(events)
        assert [event for event in got if event["type"] != "progress"] == [
            event for event in history if event["type"] != "progress"
        ]
        covered = [seq for event in got for seq in range(event["seq"] - event.get("skipped", 0), event["seq"] + 1)]
        assert covered == [event["seq"] for event in history]
    assert len(seen) == 4


def test_polling_agrees_with_the_newest_event(shared_server: RunningServer, silence: Path) -> None:
    """Each answer of a waiting poll is the event of its number: the same stage, percentages, estimate and message."""
    (task_id,) = shared_server.submit(silence, initial_prompt=SCRIPT)
    seq, polled = 0, []
    while not polled or polled[-1]["status"] != "completed":
        answer = shared_server.http.get(f"/tasks/{task_id}/progress", params={"wait": 20, "after": seq}).json()
        polled.append(answer)
        seq = answer["seq"]
    history = {event["seq"]: event for event in shared_server.history(task_id)}
    compared = 0
    for answer in polled:
        event = history[answer["seq"]]
        if event["type"] == "progress":
            compared += 1
            assert (answer["progress_stage"], answer["progress_percentage"]) == (event["stage"], event["percentage"])
            assert answer["stage_percentage"] == event["stage_percentage"]
            assert (answer["eta_seconds"], answer["message"]) == (event["eta_seconds"], event["message"])
    assert compared > 5


def test_the_result_is_there_when_complete_arrives(shared_server: RunningServer, silence: Path) -> None:
    """Whoever reads on `complete` finds the result, every time."""
    for _ in range(5):
        (task_id,) = shared_server.submit(silence)
        with shared_server.socket(f"/ws/tasks/{task_id}?after=0") as socket:
            for message in socket:
                event = orjson.loads(message)
                if event["type"] == "progress" and event["stage"] == "complete":
                    task = shared_server.task(task_id)
                    assert (task["status"], bool(task["result_text"])) == ("completed", True)
                    break
            else:
                raise AssertionError("no complete event")


def test_a_late_watcher_gets_the_state_first(shared_server: RunningServer, silence: Path) -> None:
    """Without `after` a snapshot comes first: status, progress, all segments so far; then the socket is closed at the end."""
    (task_id,) = shared_server.submit(silence, initial_prompt="segments=3")
    shared_server.finish(task_id)
    greeting, *events = over_socket(shared_server, f"/ws/tasks/{task_id}")
    assert (greeting["type"], greeting["recovered"]) == ("subscribed", False)
    assert [event["type"] for event in events] == ["status", "progress", "segments_revised"]
    assert events[1]["percentage"] == 100
    assert len(events[2]["segments"]) == 3


def test_watchers_hear_of_a_deletion(shared_server: RunningServer, silence: Path) -> None:
    """When a Task is deleted, its own sockets are closed as unknown, and those that watch everything are told."""
    (task_id,) = shared_server.submit(silence, initial_prompt="segments=50 delay=0.2")
    with shared_server.socket("/ws") as everything, shared_server.socket(f"/ws/tasks/{task_id}") as one:
        everything.send('{"type":"subscribe","all":true}')
        while orjson.loads(everything.recv(10))["type"] != "progress":
            pass
        assert shared_server.http.delete(f"/tasks/{task_id}").status_code == 204
        with suppress(ConnectionClosed):
            for message in one:
                farewell = orjson.loads(message)
        assert (farewell["error_code"], one.close_code) == ("task_not_found", 4540)
        told = [orjson.loads(everything.recv(10))]
        while told[-1]["type"] != "error":
            told.append(orjson.loads(everything.recv(10)))
    assert (told[-1]["task_id"], told[-1]["error_code"]) == (task_id, "task_not_found")


def test_places_in_the_queue_are_pushed(shared_server: RunningServer, silence: Path) -> None:
    """A waiting Task is told its place, and each move up, while it waits."""
    tasks = shared_server.submit(silence, silence, silence, silence, initial_prompt="segments=1 delay=0.4")
    for task_id in tasks:
        shared_server.finish(task_id)
    places = [
        event["queue_position"]
        for event in shared_server.history(tasks[-1])
        if event["type"] == "status" and event["status"] == "queued"
    ]
    assert places in ([4, 3, 2, 1], [3, 2, 1])


def _flat(frames: list[Any]) -> list[dict[str, Any]]:
    """Frames of a batched socket are arrays."""
    return [event for frame in frames for event in (frame if isinstance(frame, list) else [frame])]
