"""Owns the words of the tus protocol 1.0.0 on the wire: what requests say in their headers, and what every answer says.

Source: https://tus.io/protocols/resumable-upload, core and the extensions in `EXTENSIONS`.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from functools import wraps
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.api.errors import answer, on_anything
from app.domain.errors import CesarError
from app.domain.parts import CHECKSUMS, Checksum
from app.services.upload_service import UploadPosition

VERSION: Final = "1.0.0"
EXTENSIONS: Final = ("creation", "creation-with-upload", "termination", "expiration", "checksum")
PIECE: Final = "application/offset+octet-stream"
_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)

Endpoint = Callable[[Request], Awaitable[Response]]


def speaking_tus(endpoint: Endpoint) -> Endpoint:
    """An endpoint that checks the client's version first, and whose every answer, failures included, says the server's."""

    @wraps(endpoint)
    async def speaking(request: Request) -> Response:
        try:
            if request.headers.get("tus-resumable") != VERSION:
                raise CesarError("upload_version", f"the request must say Tus-Resumable: {VERSION}")
            response = await endpoint(request)
        except CesarError as problem:
            response = answer(request, problem)
        except Exception as problem:  # nobody further out would say the version
            response = await on_anything(request, problem)
        response.headers["tus-resumable"] = VERSION
        if response.status_code == 412:
            response.headers["tus-version"] = VERSION
        return response

    return speaking


def abilities(max_bytes: int) -> dict[str, str]:
    """What the server tells about itself."""
    return {
        "tus-resumable": VERSION,
        "tus-version": VERSION,
        "tus-extension": ",".join(EXTENSIONS),
        "tus-checksum-algorithm": ",".join(CHECKSUMS),
        "tus-max-size": str(max_bytes),
    }


def standing(position: UploadPosition) -> dict[str, str]:
    """Where an upload stands, and whose it is."""
    headers = {
        "upload-offset": str(position.offset),
        "x-cesar-task": position.id,
        "x-cesar-job": position.job_id,
        "cache-control": "no-store",
    }
    if position.expires_at is not None:
        headers["upload-expires"] = format_datetime(position.expires_at, usegmt=True)
    return headers


def number(request: Request, name: str) -> int:
    """A header that is a number of bytes. Raises `CesarError("bad_value")`."""
    text = request.headers.get(name.lower())
    if text is None or not _NUMBER.fullmatch(text):
        raise CesarError("bad_value", f"{name} must be a number of bytes")
    return int(text)


def carries_piece(request: Request) -> bool:
    """Whether the body is a piece of an upload."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == PIECE


def announced_bytes(request: Request) -> int | None:
    """The length of the body; None where it is not said beforehand."""
    text = request.headers.get("content-length", "")
    return int(text) if _NUMBER.fullmatch(text) else None


def checksum(request: Request) -> Checksum | None:
    """What the body has to add up to. Raises `CesarError("bad_value")` for an unknown algorithm or a broken sum."""
    header = request.headers.get("upload-checksum")
    if header is None:
        return None
    algorithm, _, encoded = header.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        raise CesarError("bad_value", f"Upload-Checksum must be one of {', '.join(CHECKSUMS)}")
    try:
        return Checksum(algorithm, b64decode(encoded.strip(), validate=True))
    except NotBase64:
        raise CesarError("bad_value", "Upload-Checksum must be in base64") from None
