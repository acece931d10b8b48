"""Who hears what, and at what pace progress leaves."""

import asyncio

from app.domain.events import Event, ProgressEvent, StatusEvent, TranscriptChangedEvent, WarningEvent
from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.hub import PACE_SECONDS, Hub
from tests.fakes.event_log import InMemoryEventLog
from tests.fakes.receiver import Receiver

TRANSCRIBING, ALIGNING = TaskProgressStage.TRANSCRIBING, TaskProgressStage.ALIGNING


class Stage:
    """A hub, its log, and one watcher of the Task `t`."""

    def __init__(self) -> None:
        self.gaps: list[str] = []
        self.hub = Hub(self.gaps.append)
        self.log = InMemoryEventLog("t", "u")
        self.receiver = Receiver()
        self.connection = Connection(1 << 20, frames=self.receiver)
        subscription = self.hub.subscribe(self.connection, "t")
        subscription.seq = 0
        subscription.release()

    def tell(self, *events: Event, task_id: str = "t") -> None:
        self.hub.fan_out(self.log.append([(task_id, event) for event in events]), lambda: None)

    def heard(self) -> list[tuple[int, int]]:
        return [(event["seq"], event.get("skipped", 0)) for event in self.receiver.events()]


def at(percentage: int, stage: TaskProgressStage = TRANSCRIBING) -> ProgressEvent:
    return ProgressEvent(stage, percentage)


WARNING = WarningEvent("option_ignored", "w")


async def test_the_first_progress_leaves_at_once_and_the_newest_after_its_time() -> None:
    """A burst becomes its first and its last, and the last says how many were left out."""
    stage = Stage()
    stage.tell(at(10), at(11), at(12), at(13))
    assert stage.heard() == [(1, 0)]
    await asyncio.sleep(PACE_SECONDS + 0.05)
    assert stage.heard() == [(1, 0), (4, 2)]


async def test_another_event_sends_waiting_progress_ahead() -> None:
    """Order holds, and no other event ever waits."""
    stage = Stage()
    stage.tell(at(10), at(11), at(12), WARNING, at(13))
    assert stage.heard() == [(1, 0), (3, 1), (4, 0)]


async def test_a_new_stage_and_the_end_leave_at_once() -> None:
    """They are what a person waits for."""
    stage = Stage()
    stage.tell(at(10), at(11), at(40, ALIGNING), at(41, ALIGNING), at(100, TaskProgressStage.COMPLETE))
    assert stage.heard() == [(1, 0), (3, 1), (5, 1)]


async def test_progress_slower_than_the_pace_is_never_left_out() -> None:
    """An ordinary run is told whole."""
    stage = Stage()
    for percentage in (10, 11, 12):
        stage.tell(at(percentage))
        await asyncio.sleep(PACE_SECONDS + 0.02)
    assert stage.heard() == [(1, 0), (2, 0), (3, 0)]


async def test_only_watchers_of_the_task_hear_of_it() -> None:
    """Another Task's events go elsewhere, and after `unsubscribe` nothing comes."""
    stage = Stage()
    stage.tell(WARNING, task_id="u")
    stage.tell(WARNING)
    assert stage.hub.unsubscribe(stage.connection, "t")
    stage.tell(WARNING)
    assert stage.heard() == [(1, 0)]
    assert not stage.hub.is_watched


async def test_a_watcher_of_everything_lets_go_of_finished_tasks() -> None:
    """It hears them to the end, keeps nothing of them, and hears of them again if they are retried."""
    stage = Stage()
    stage.hub.forget(stage.connection)
    stage.hub.watch_everything(stage.connection)
    stage.hub.release_everything(stage.connection)
    stage.tell(WARNING, StatusEvent(JobStatus.COMPLETED), task_id="u")
    assert stage.connection.subscriptions == {}
    stage.tell(StatusEvent(JobStatus.QUEUED, attempt=2), task_id="u")
    assert stage.heard() == [(1, 0), (2, 0), (3, 0)]


async def test_a_watcher_of_everything_hears_of_edits_and_keeps_nothing_of_the_task() -> None:
    """A finished Task whose transcript somebody changes is heard of each time."""
    stage = Stage()
    stage.hub.forget(stage.connection)
    stage.hub.watch_everything(stage.connection)
    stage.hub.release_everything(stage.connection)
    for version in (8, 9):
        stage.tell(TranscriptChangedEvent(version), task_id="u")
        assert stage.connection.subscriptions == {}
    assert stage.heard() == [(1, 0), (2, 0)]


async def test_a_jump_in_the_numbers_is_noticed() -> None:
    """Events that the log lost before they were read are reported."""
    stage = Stage()
    stage.tell(WARNING)
    stage.log.append([("t", WARNING)])
    stage.tell(WARNING)
    assert stage.gaps == ["t"]


async def test_one_bad_event_does_not_silence_the_next() -> None:
    """A payload that cannot be read is logged and passed over."""
    stage = Stage()
    (bad,) = stage.log.append([("t", at(10))])
    broken = type(bad)(bad.row, "t", bad.seq, "progress", b"not json")
    stage.hub.fan_out([broken], lambda: None)
    stage.tell(WARNING)
    assert stage.heard() == [(2, 1)]
