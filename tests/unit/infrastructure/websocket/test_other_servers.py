"""The same sockets on a server that offers no ready-made frames."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from app.api.gate import Gate, GateRule
from app.api.middleware import AnswerHeaders
from app.api.socket_api import socket_routes
from app.core.config import Settings
from app.domain.events import StatusEvent, WarningEvent
from app.domain.lifecycle import JobStatus
from app.infrastructure.websocket.connection_manager import ConnectionManager, DefaultLimits
from tests.fakes.event_log import InMemoryEventLog


@pytest.fixture
def log() -> InMemoryEventLog:
    return InMemoryEventLog("t")


@pytest.fixture
def manager() -> ConnectionManager:
    return ConnectionManager()


@pytest.fixture
def client(log: InMemoryEventLog, manager: ConnectionManager) -> Iterator[TestClient]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        manager.attach(log, log, DefaultLimits())
        manager.start(asyncio.get_running_loop())
        yield {"sockets": manager, "gate": GateRule(Settings(allowed_hosts=frozenset({"testserver"})))}
        await manager.stop(1)

    with TestClient(AnswerHeaders(Gate(Starlette(routes=socket_routes, lifespan=lifespan)))) as client:
        yield client


def test_events_are_sent_as_texts_in_order(client: TestClient, log: InMemoryEventLog) -> None:
    """History, live events, the final one, and the close code."""
    log.append([("t", WarningEvent("option_ignored", "early"))])
    with client.websocket_connect("/ws/tasks/t?after=0") as socket:
        assert [socket.receive_json()["seq"] for _ in range(2)] == [1, 1]
        log.append([("t", WarningEvent("option_ignored", "late")), ("t", StatusEvent(JobStatus.COMPLETED))])
        assert [socket.receive_json()["seq"] for _ in range(2)] == [2, 3]
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1000


def test_a_long_history_is_no_overflow(client: TestClient, log: InMemoryEventLog) -> None:
    """More than the outbox holds reaches a watcher that reads, in portions it can take."""
    log.append([("t", WarningEvent("option_ignored", "x" * 10_000))] * 400)
    with client.websocket_connect("/ws/tasks/t?after=0") as socket:
        socket.receive_json()
        assert [socket.receive_json()["seq"] for _ in range(400)] == list(range(1, 401))


def test_batches_are_arrays_here_too(client: TestClient, log: InMemoryEventLog) -> None:
    """Every frame is an array."""
    log.append([("t", WarningEvent("option_ignored", "early")), ("t", StatusEvent(JobStatus.COMPLETED))])
    with client.websocket_connect("/ws/tasks/t?after=0&batch=1") as socket:
        assert [event["seq"] for event in socket.receive_json()] == [2, 1, 2]


def test_a_message_sent_from_another_loop_reaches_the_watchers(client: TestClient, manager: ConnectionManager) -> None:
    """`send_to_task` is safe from any thread's event loop, and stores and numbers nothing."""
    with client.websocket_connect("/ws/tasks/t") as socket:
        for _ in range(3):
            socket.receive_json()
        asyncio.run(manager.send_to_task("t", {"type": "progress", "percentage": 5}))
        assert socket.receive_json() == {"type": "progress", "percentage": 5}


def refused(client: TestClient, **headers: str) -> WebSocketDenialResponse:
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("/ws", headers=headers),
    ):
        pass
    return refused.value


def test_a_refused_origin_sees_403(client: TestClient) -> None:
    """With the error's body and the headers of every answer, where the server can send them."""
    answer = refused(client, origin="http://evil.example")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "origin_refused"
    assert answer.headers["x-request-id"] == answer.json()["error"]["request_id"] != ""
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_refused_host_sees_421(client: TestClient) -> None:
    """A name that was pointed at this machine opens no socket."""
    answer = refused(client, host="evil.example", origin="http://evil.example")
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "host_refused")
