"""The log: numbered without a hole, with effects, replayable."""

import json
from concurrent.futures import ThreadPoolExecutor

import orjson

from app.domain.events import ProgressEvent, SegmentEvent, SegmentsRevisedEvent, WarningEvent
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment
from tests.workbench import Workbench

TRANSCRIBING = TaskProgressStage.TRANSCRIBING


def test_many_threads_number_without_a_hole(bench: Workbench) -> None:
    """Whoever appends, a Task's events count 1, 2, 3 … in the order of their rows."""
    (task_id,) = bench.submit()

    def append(number: int) -> None:
        for step in range(20):
            bench.log.append([(task_id, ProgressEvent(TRANSCRIBING, number, str(step)))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(8)))
    events = bench.log.since(task_id, 0)
    assert [event.seq for event in events] == list(range(1, 162))
    assert [event.row for event in events] == sorted(event.row for event in events)


def test_an_event_is_the_change_it_tells(bench: Workbench) -> None:
    """Progress sets the columns, a segment becomes a row, a warning is remembered."""
    (task_id,) = bench.submit()
    bench.log.append(
        [
            (task_id, ProgressEvent(TRANSCRIBING, 25, "half", 50, 3.5, True)),
            (task_id, SegmentEvent(0, 0.0, 1.0, "hello")),
            (task_id, WarningEvent("engine_fallback", "Take care.")),
        ]
    )
    task = bench.queries.task(task_id)
    assert (task.progress_percentage, task.stage_percentage, task.message) == (25, 50, "half")
    assert (task.eta_seconds, task.stalled, task.warnings) == (3.5, True, ["Take care."])
    assert bench.queries.transcript(task_id).text == "hello"
    bench.log.append([(task_id, SegmentsRevisedEvent((Segment(0, 0.0, 1.0, "Hello."), Segment(1, 1.0, 2.0, "You."))))])
    assert bench.queries.transcript(task_id).text == "Hello. You."


def test_the_payload_has_the_fields_of_the_protocol_in_their_order(bench: Workbench) -> None:
    """`progress` and `error` begin with the fields the mission fixed."""
    (task_id,) = bench.submit()
    (event,) = bench.log.append([(task_id, ProgressEvent(TRANSCRIBING, 25, "half", 50))])
    told = orjson.loads(event.payload)
    assert list(told)[:7] == ["type", "task_id", "stage", "percentage", "message", "timestamp", "seq"]
    assert told["timestamp"].endswith("+00:00")


def test_events_of_unknown_tasks_are_left_out(bench: Workbench) -> None:
    """The others of the same call are stored."""
    (task_id,) = bench.submit()
    stored = bench.log.append([("unknown", WarningEvent("a", "b")), (task_id, WarningEvent("a", "b"))])
    assert [event.task_id for event in stored] == [task_id]


def test_the_tail_sees_all_tasks_in_the_order_of_commits(bench: Workbench) -> None:
    """`tail` continues from a row, across Tasks."""
    first, second = bench.submit(2)
    head = bench.log.head()
    for task_id in (first, second, first):
        bench.log.append([(task_id, WarningEvent("a", "b"))])
    assert [event.task_id for event in bench.log.tail(head)] == [first, second, first]
    assert bench.log.tail(bench.log.head()) == []


def test_a_snapshot_is_the_state_at_its_seq(bench: Workbench) -> None:
    """Status, progress and the segments so far, each with the Task's present number."""
    (task_id,) = bench.submit()
    bench.claim()
    bench.log.append([(task_id, ProgressEvent(TRANSCRIBING, 25)), (task_id, SegmentEvent(0, 0.0, 1.0, "hello"))])
    snapshot = bench.log.snapshot(task_id)
    assert snapshot is not None
    told = [json.loads(payload) for payload in snapshot.payloads]
    assert [event["type"] for event in told] == ["status", "progress", "segments_revised"]
    assert {event["seq"] for event in told} == {snapshot.position.seq}
    assert told[0]["status"] == "processing"
    assert told[1]["percentage"] == 25
    assert told[2]["segments"][0]["text"] == "hello"
    assert bench.log.snapshot("unknown") is None


def test_changed_notices_other_connections(bench: Workbench) -> None:
    """It says no until somebody commits."""
    bench.log.changed()
    assert not bench.log.changed()
    bench.submit()
    assert bench.log.changed()
    assert not bench.log.changed()
