"""Owns what every answer carries: a request id and the headers that keep a browser from running anything foreign.

That holds for failures too, so this stands outside everything that answers them.
"""

import os
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_DOCUMENTATION_POLICY: Final = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI writes style attributes; it shows nothing that a stranger sent."""

_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_FOR_DOCUMENTATION: Final = [*_HEADERS, (b"content-security-policy", _DOCUMENTATION_POLICY.encode())]
_FOR_ALL_ELSE: Final = [*_HEADERS, (b"content-security-policy", CONTENT_SECURITY_POLICY.encode())]


_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})
"""The beginning of an answer, and of the answer to a handshake that is refused."""


class AnswerHeaders:
    """Pure ASGI: adds headers on the way out, costs two microseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass HTTP through with headers added; of sockets, only refusals have any."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = os.urandom(16).hex()
        scope.setdefault("state", {})["request_id"] = request_id
        added = _FOR_DOCUMENTATION if scope["path"] == "/docs" else _FOR_ALL_ELSE

        async def send_with_headers(message: Message) -> None:
            if message["type"] in _STARTS:
                own = [*message.get("headers", ()), *added, (b"x-request-id", request_id.encode())]
                message = {**message, "headers": own}
            await send(message)

        await self._app(scope, receive, send_with_headers)
