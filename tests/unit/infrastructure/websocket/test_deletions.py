"""Tasks that another process deleted."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from app.domain.events import StatusEvent
from app.domain.lifecycle import JobStatus
from app.infrastructure.websocket.close_codes import UNKNOWN_TASK
from app.infrastructure.websocket.connection import Connection
from app.infrastructure.websocket.connection_manager import ConnectionManager, DefaultLimits
from tests.fakes.event_log import InMemoryEventLog

SOON = 10.0


@pytest.fixture
def log() -> InMemoryEventLog:
    return InMemoryEventLog("a", "b", "finished")


@pytest.fixture
async def manager(log: InMemoryEventLog) -> AsyncIterator[ConnectionManager]:
    manager = ConnectionManager()
    manager.attach(log, log, DefaultLimits())
    manager.start(asyncio.get_running_loop())
    yield manager
    await manager.stop(1)


async def farewells(connection: Connection, *task_ids: str) -> None:
    """Read until these Tasks, and no others, were said to be gone."""
    told: list[str] = []
    async with asyncio.timeout(SOON):
        while len(told) < len(task_ids) and (items := await connection.take()) is not None:
            messages = [orjson.loads(message.text(skipped)) for message, skipped in items]
            told += [one["task_id"] for one in messages if one.get("error_code") == "task_not_found"]
    assert sorted(told) == sorted(task_ids)


async def test_a_watcher_of_one_task_is_told_and_closed(manager: ConnectionManager, log: InMemoryEventLog) -> None:
    """As if it had been deleted here: an error, then the code for an unknown Task."""
    connection = Connection(1_000_000, ends_with_task=True)
    manager.admit(connection)
    await manager.watch(connection, "a")
    log.delete("a")
    await farewells(connection, "a")
    assert connection.closing is UNKNOWN_TASK
    manager.forget(connection)


async def test_a_watcher_of_several_keeps_the_others(manager: ConnectionManager, log: InMemoryEventLog) -> None:
    """One is gone, the other goes on."""
    connection = Connection(1_000_000)
    manager.admit(connection)
    for task_id in ("a", "b"):
        await manager.watch(connection, task_id)
    log.delete("b")
    await farewells(connection, "b")
    assert set(connection.subscriptions) == {"a"}
    log.delete("a")
    await farewells(connection, "a")
    manager.forget(connection)


async def test_who_watches_everything_hears_of_quiet_tasks_too(
    manager: ConnectionManager, log: InMemoryEventLog
) -> None:
    """A finished Task has no watchers left, but stands in somebody's list."""
    log.append([("finished", StatusEvent(JobStatus.COMPLETED))])
    connection = Connection(1_000_000)
    manager.admit(connection)
    await manager.watch_everything(connection)
    assert "finished" not in connection.subscriptions
    await asyncio.sleep(2.5)  # until it knows which Tasks there are
    log.delete("finished")
    log.delete("a")
    await farewells(connection, "finished", "a")
    manager.forget(connection)


async def test_a_database_that_fails_for_a_while_hides_nothing(
    manager: ConnectionManager, log: InMemoryEventLog
) -> None:
    """What was deleted meanwhile is told afterwards."""
    connection = Connection(1_000_000)
    manager.admit(connection)
    await manager.watch(connection, "a")
    log.failing = True
    await asyncio.sleep(1.5)
    log.failing = False
    log.delete("a")
    await farewells(connection, "a")
    manager.forget(connection)
