"""Owns the two socket addresses: `/ws/tasks/{task_id}` for one Task, `/ws` for many."""

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from app.domain.errors import CesarError
from app.infrastructure.websocket.connection_manager import ConnectionManager
from app.infrastructure.websocket.session import Session, refuse
from app.schemas.socket import Subscribe


async def watch_task(websocket: WebSocket) -> None:
    """`/ws/tasks/{task_id}?after=SEQ&epoch=…&batch=1`: subscribed on connect, closed with 1000 after the final event."""
    sockets = await _accept(websocket)
    try:
        task = _subscription(websocket)
    except CesarError as problem:
        await refuse(websocket, problem)
        return
    await Session(websocket, sockets, batch=_wants_batches(websocket), task=task).run()


async def watch_many(websocket: WebSocket) -> None:
    """`/ws?batch=1`: commands choose what is watched."""
    sockets = await _accept(websocket)
    await Session(websocket, sockets, batch=_wants_batches(websocket)).run()


async def _accept(websocket: WebSocket) -> ConnectionManager:
    """The sockets of this server; whom they are not for, the gate has refused."""
    sockets: ConnectionManager = websocket.state.sockets
    await websocket.accept()
    return sockets


def _subscription(websocket: WebSocket) -> Subscribe:
    """The address as the command it stands for. Raises `CesarError`: `bad_value`."""
    query = websocket.query_params
    try:
        return Subscribe(
            type="subscribe",
            task_id=websocket.path_params["task_id"],
            after=int(query["after"]) if "after" in query else None,
            epoch=query.get("epoch"),
        )
    except ValueError:
        raise CesarError("bad_value", "after must be a number from 0, epoch a short text") from None


def _wants_batches(websocket: WebSocket) -> bool:
    return websocket.query_params.get("batch") == "1"


socket_routes = [WebSocketRoute("/ws/tasks/{task_id}", watch_task), WebSocketRoute("/ws", watch_many)]
