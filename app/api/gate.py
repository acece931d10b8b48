"""Owns the gate: which names the server answers to, and which web pages may make it do something.

A page of anybody can point a name of its own at this machine (DNS rebinding) or send a form to it, and the browser carries it out.
One rule for requests and for the handshakes of sockets, and for the polling lane behind it too.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import answer
from app.api.openai_errors import is_openais, openai_answer
from app.core.config import Settings
from app.domain.errors import CesarError
from app.infrastructure.websocket.origin import origin_is_allowed

THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing; what they answer, browsers keep from foreign pages."""

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@\s]+?)\.?(?::[0-9]*)?")
_REMEMBERED_HOSTS: Final = 64
_ANY: Final = "*"


class GateRule:
    """Who may come in, from the settings.

    While the server listens on a loopback address only names of this machine and those of `CESAR_ALLOWED_HOSTS` are answered to;
    otherwise everything is, unless that setting names something. What the request says of the end it came in at is always a name of
    ours: an address of this machine, or what a program that runs the application inside itself calls it.
    """

    def __init__(self, settings: Settings) -> None:
        self._names = _names(settings.host, settings.allowed_hosts)
        self._origins = settings.allowed_origins
        self._answers_to = lru_cache(_REMEMBERED_HOSTS)(self._look_up)

    def check(self, scope: Scope) -> None:
        """Let a request or a handshake pass.

        Raises:
            CesarError: `host_refused`, `origin_refused`.
        """
        if self._names is not None:
            came_in_at = (scope.get("server") or ("",))[0]
            for name, value in scope["headers"]:
                if name == b"host" and not self._answers_to(value) and _name_of(value.decode("latin-1")) != came_in_at:
                    raise CesarError("host_refused", f"the request is for {value.decode('latin-1')}")
        if scope["type"] == "websocket" or scope["method"] not in _HARMLESS:
            self._check_page(HTTPConnection(scope))

    def _look_up(self, host: bytes) -> bool:
        name = _name_of(host.decode("latin-1"))
        return name is not None and (self._names is None or name in self._names)

    def _check_page(self, connection: HTTPConnection) -> None:
        headers = connection.headers
        origin = headers.get("origin")
        named = origin is not None and origin_is_allowed(origin, None, self._origins)
        is_foreign = headers.get("sec-fetch-site", "").lower() == "cross-site"
        if not named and (is_foreign or not origin_is_allowed(origin, headers.get("host"), self._origins)):
            raise CesarError("origin_refused", f"the page comes from {origin or 'elsewhere'}")


class Gate:
    """Pure ASGI: refuses what its rule, which the lifespan gives as `gate`, does not let in; passes all else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        if scope["type"] in ("http", "websocket"):
            rule: GateRule = scope["state"]["gate"]
            try:
                rule.check(scope)
            except CesarError as problem:
                await _refuse(problem, scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refuse(problem: CesarError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    refusal = openai_answer(problem) if is_openais(scope) else answer(HTTPConnection(scope), problem)
    await refusal(scope, receive, send)


def _names(listens_on: str, allowed: Iterable[str]) -> frozenset[str] | None:
    """Every name that is answered to; None for any."""
    named = frozenset(filter(None, map(_name_of, allowed)))
    if _ANY in named or not (named or _is_loopback(listens_on)):
        return None
    own = _name_of(listens_on)
    return THIS_MACHINE | named | ({own} if own else frozenset())


def _name_of(host: str) -> str | None:
    """The name in a Host header or a setting, without its port; None if it is neither a name nor an address."""
    text = host.strip().lower()
    found = _HOST.fullmatch(f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text)
    return found[1] if found else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
