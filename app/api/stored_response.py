"""Owns the answer that is a stored file: whole or one range of it, and every refusal in the one shape of errors."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from app.api.errors import answer
from app.domain.errors import CesarError

_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class StoredResponse(FileResponse):
    """A file of several GB as well as a small one: read in pieces as the reader takes them. `gone` is told when it is not there.

    A `Range` that Starlette would refuse although it may be left unread (RFC 9110, 14.2) is taken away first.
    """

    chunk_size = 256 * 1024

    def __init__(self, path: Path, gone: CesarError, **given: Any) -> None:
        super().__init__(path, **given)
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            self.stat_result = stat = await asyncio.to_thread(os.stat, self.path)
        except FileNotFoundError:  # deleted a moment ago
            await answer(Request(scope), self._gone)(scope, receive, send)
            return
        self.set_stat_headers(stat)
        headers = Headers(scope=scope)
        asked = _RANGE.fullmatch(headers.get("range", ""))
        if asked is None or not self._is_current(headers.get("if-range")) or not _is_range(asked[1], asked[2]):
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0].lower() != b"range"]}
        elif not _is_within(asked[1], asked[2], stat.st_size):
            refusal = answer(Request(scope), CesarError("range_unsatisfiable", f"it has {stat.st_size} bytes"))
            refusal.headers["content-range"] = f"bytes */{stat.st_size}"
            await refusal(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    def _is_current(self, known: str | None) -> bool:
        return known is None or known in (self.headers["etag"], self.headers["last-modified"])


def _is_range(first: str, last: str) -> bool:
    return bool(last) if not first else not last or int(first) <= int(last)


def _is_within(first: str, last: str, size: int) -> bool:
    return int(first) < size if first else int(last) > 0 and size > 0
