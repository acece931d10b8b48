"""Owns the two socket addresses: `/ws/tasks/{task_id}` for one Task, `/ws` for many."""

from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from app.domain.errors import CesarError
from app.infrastructure.websocket.connection_manager import ConnectionManager
from app.infrastructure.websocket.origin import origin_is_allowed
from app.infrastructure.websocket.session import Session, refuse
from app.schemas.socket import Subscribe


async def watch_task(websocket: WebSocket) -> None:
    """`/ws/tasks/{task_id}?after=SEQ&epoch=…&batch=1`: subscribed on connect, closed with 1000 after the final event."""
    sockets = await _accept(websocket)
    if sockets is None:
        return
    try:
        task = _subscription(websocket)
    except CesarError as problem:
        await refuse(websocket, problem)
        return
    await Session(websocket, sockets, batch=_wants_batches(websocket), task=task).run()


async def watch_many(websocket: WebSocket) -> None:
    """`/ws?batch=1`: commands choose what is watched."""
    sockets = await _accept(websocket)
    if sockets is not None:
        await Session(websocket, sockets, batch=_wants_batches(websocket)).run()


async def _accept(websocket: WebSocket) -> ConnectionManager | None:
    """The sockets of this server, or None if the page may not use them."""
    sockets: ConnectionManager = websocket.state.sockets
    headers = websocket.headers
    if origin_is_allowed(headers.get("origin"), headers.get("host"), sockets.limits.allowed_origins):
        await websocket.accept()
        return sockets
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(_origin_refused())
    else:
        await websocket.close()
    return None


def _origin_refused() -> JSONResponse:
    entry = CesarError("origin_refused").entry
    error = {"code": entry.code, "message": entry.sentence, "detail": None, "retryable": entry.retryable}
    return JSONResponse({"error": error | {"request_id": None}}, status_code=entry.http_status)


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
