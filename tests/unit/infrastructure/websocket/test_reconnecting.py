"""Whatever happens to the log and to the server, a watcher that comes back has every event once, or is told that it has not."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from app.domain.events import Event, LogPosition, ProgressEvent, WarningEvent
from app.domain.progress import TaskProgressStage
from app.infrastructure.websocket import batcher, event_log, hub
from app.infrastructure.websocket.catch_up import Resume
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.connection_manager import ConnectionManager, DefaultLimits
from tests.fakes.event_log import InMemoryEventLog
from tests.fakes.receiver import Receiver

TASK = "t"
EVENTS: list[Event] = [
    WarningEvent("option_ignored", "w"),
    ProgressEvent(TaskProgressStage.TRANSCRIBING, 20),
    ProgressEvent(TaskProgressStage.ALIGNING, 50),
]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses that save processor time in earnest would make 5 000 steps take minutes."""
    monkeypatch.setattr(event_log, "BREATH_SECONDS", 0.0)
    monkeypatch.setattr(batcher, "BATCH_SECONDS", 0.001)
    monkeypatch.setattr(hub, "PACE_SECONDS", 0.002)


class Watcher:
    """A client and what it believes: the number it has, and the epoch it has it from."""

    def __init__(self, resume: Resume, *, batch: bool) -> None:
        self.resume = resume
        self.batch = batch
        self.receiver = Receiver()
        self.connection: Connection

    @property
    def position(self) -> Resume:
        events = self.receiver.events()
        epoch = next((event["epoch"] for event in reversed(events) if event["type"] == "subscribed"), None)
        number = next((event["seq"] for event in reversed(events) if event["type"] != "error"), None)
        return self.resume if epoch is None else Resume(number, epoch)

    def is_at(self, position: LogPosition) -> bool:
        """Whether it has all that is in the log, or is told about another log."""
        mine = self.position
        return bool(self.receiver.frames) and (mine.after == position.seq or mine.epoch != position.epoch)

    def check(self, log: InMemoryEventLog) -> None:
        """The story from the last `subscribed` on has no hole and no repetition, and ends where the log ends."""
        events = self.receiver.events()
        starts = [place for place, event in enumerate(events) if event["type"] == "subscribed"]
        for start, end in zip(starts, [*starts[1:], len(events)], strict=True):
            self._check_story(events[start], events[start + 1 : end], first=start == 0)
        position = log.position(TASK)
        assert position is not None
        if events[starts[-1]]["epoch"] == position.epoch:
            assert self.position.after == position.seq

    def _check_story(self, subscribed: dict[str, Any], story: list[dict[str, Any]], *, first: bool) -> None:
        if subscribed["recovered"]:
            assert not first or self.resume.epoch in (None, subscribed["epoch"])
            have = self.resume.after if first else None
        else:
            assert [event["seq"] for event in story[:2]] == [subscribed["seq"]] * 2
            have, story = subscribed["seq"], story[2:]
        for event in story:
            assert have is None or event["seq"] == have + 1 + event.get("skipped", 0)
            have = event["seq"]


class Reconnecting(RuleBasedStateMachine):
    """Publish, prune, lose, restart, reconnect at any number, in any order."""

    watchers = Bundle("watchers")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.log = InMemoryEventLog(TASK)
        self.manager = ConnectionManager()
        self.alive: list[Watcher] = []
        self.runner.run(self._start())

    async def _start(self) -> None:
        self.manager.attach(self.log, self.log, DefaultLimits())
        self.manager.start(asyncio.get_running_loop())

    @rule(events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=30), announced=st.booleans())
    def publish(self, events: list[Event], announced: bool) -> None:
        """Something happens."""
        self.log.append([(TASK, event) for event in events])
        if announced:
            self.manager.announce(TASK)

    @rule(share=st.floats(0, 1))
    def prune(self, share: float) -> None:
        """The older part of the log is thrown away, after everybody got it."""
        self._settle()
        position = self.log.position(TASK)
        assert position is not None
        self.log.prune(TASK, int(position.seq * share))

    @rule()
    def prune_behind_their_backs(self) -> None:
        """All of the log is thrown away before anybody has read it."""
        self.log.append([(TASK, EVENTS[0])] * 3)
        position = self.log.position(TASK)
        assert position is not None
        self.log.prune(TASK, position.seq - 1)

    @rule()
    def restart(self) -> None:
        """The server goes and comes back; the log stays."""
        self.runner.run(self.manager.stop(0))
        self.manager = ConnectionManager()
        self.alive.clear()
        self.runner.run(self._start())

    @rule()
    def lose_history(self) -> None:
        """The server comes back with an empty log."""
        self.restart()
        self.log.lose_history(TASK)

    @rule(target=watchers, after=st.none() | st.integers(0, 60), batch=st.booleans())
    def connect(self, after: int | None, batch: bool) -> Watcher:
        """Somebody comes, with any number."""
        return self._connect(Resume(after), batch)

    @rule(target=watchers, watcher=consumes(watchers), while_publishing=st.integers(0, 5))
    def reconnect(self, watcher: Watcher, while_publishing: int) -> Any:
        """Somebody comes back from where it was, while things happen."""
        if watcher in self.alive:
            self.manager.forget(watcher.connection)
            self.alive.remove(watcher)
        self.log.append([(TASK, EVENTS[0])] * while_publishing)
        return multiple(self._connect(watcher.position, watcher.batch))

    @invariant()
    def everybody_has_everything(self) -> None:
        """Checked after every step."""
        self._settle()
        for watcher in self.alive:
            watcher.check(self.log)

    def teardown(self) -> None:
        """Stop the threads."""
        self.runner.run(self.manager.stop(0))
        self.runner.close()

    def _connect(self, resume: Resume, batch: bool) -> Watcher:
        watcher = Watcher(resume, batch=batch)
        self.runner.run(self._watch(watcher))
        self.alive.append(watcher)
        return watcher

    async def _watch(self, watcher: Watcher) -> None:
        shared = self.manager.batcher if watcher.batch else None
        watcher.connection = Connection(1 << 20, frames=watcher.receiver, batcher=shared)
        self.manager.admit(watcher.connection)
        watching = asyncio.create_task(self.manager.watch(watcher.connection, TASK, watcher.resume))
        self.log.append([(TASK, EVENTS[1])])
        await watching

    def _settle(self) -> None:
        self.runner.run(self._wait())

    async def _wait(self) -> None:
        """Until everybody is where the log is; what never comes true is left to the check."""
        end = asyncio.get_running_loop().time() + 3
        while asyncio.get_running_loop().time() < end:
            position = self.log.position(TASK)
            assert position is not None
            if all(w.is_at(position) for w in self.alive):
                return
            self.manager.announce(TASK)
            await asyncio.sleep(0.002)


Reconnecting.TestCase.settings = settings(
    stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestReconnecting = Reconnecting.TestCase
