"""Owns the route that FastAPI documents and Starlette runs: for endpoints that stream, or that are asked thousands of times a second."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response


class PlainRoute(APIRoute):
    """The endpoint takes a Starlette Request and returns a Response; FastAPI's injection and validation are left out."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], **documentation: Any) -> None:
        super().__init__(path, endpoint, **documentation)
        self.app = request_response(endpoint)
