"""Owns how large a body may be that is read as a whole: nobody fills the server's memory with JSON."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from app.domain.errors import CesarError

SMALL_BYTES: Final = 1 << 20
"""Far more than a whole segment's text, or fifty tags."""


async def read_body(request: Request, most: int) -> bytes:
    """The whole body. Raises `CesarError("too_large")` as soon as it has more than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise CesarError("too_large", f"a body of this request may have {most} bytes")
    return bytes(body)


class SmallBodyRoute(APIRoute):
    """A route of FastAPI's, which would read a body of any size by itself."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """FastAPI's own, behind the reading of the body."""
        handle: Any = super().get_route_handler()
        if self.body_field is None:
            return handle  # type: ignore[no-any-return]

        async def bounded(request: Request) -> Response:
            body = await read_body(request, SMALL_BYTES)
            answer: Response = await handle(Request(request.scope, _again(body, request)))
            return answer

        return bounded


def _again(body: bytes, request: Request) -> Callable[[], Awaitable[Message]]:
    left = [body]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await request.receive()

    return receive
