"""Owns the mapping of failures to answers: the catalogue's status, one shape, a request id."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from app.core.logging import logger
from app.domain.disclosure import shown_text
from app.domain.errors import CATALOGUE, CesarError
from app.schemas.service import ErrorAnswer, ErrorBody

_CODE_OF_STATUS: Final = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 429: "too_many_requests"}
_RETRY_AFTER_SECONDS: Final = "2"

DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorAnswer} for status in sorted({entry.http_status for entry in CATALOGUE.values()})
}
"""For FastAPI's `responses`: every error answer has this shape."""


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For FastAPI's `responses`: the error statuses a route may answer with."""
    return {status: DOCUMENTED[status] for status in statuses}


def install_error_answers(app: FastAPI) -> None:
    """Make every failure answer in the one shape."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
        CesarError: _on_cesar_error,
        RequestValidationError: _on_malformed,
        HTTPException: _on_http_exception,
        Exception: on_anything,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def answer(connection: HTTPConnection, error: CesarError) -> JSONResponse:
    """The answer for one failure of a request or a handshake."""
    entry = error.entry
    body = ErrorAnswer(
        error=ErrorBody(
            code=entry.code,
            message=entry.sentence,
            detail=shown_text(error.detail),
            retryable=entry.retryable,
            remedy=entry.remedy,
            request_id=getattr(connection.state, "request_id", ""),
        )
    )
    headers = {"retry-after": _RETRY_AFTER_SECONDS} if entry.http_status in (429, 503) else None
    return JSONResponse(body.model_dump(), status_code=entry.http_status, headers=headers)


async def _on_cesar_error(request: Request, error: CesarError) -> Response:
    return answer(request, error)


async def _on_malformed(request: Request, error: RequestValidationError) -> Response:
    problems = (f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors())
    return answer(request, CesarError("malformed", "; ".join(problems)))


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    code = _CODE_OF_STATUS.get(error.status_code, "malformed" if error.status_code < 500 else "internal")
    reply = answer(request, CesarError(code))
    reply.headers.update(error.headers or {})
    return reply


async def on_anything(request: Request, error: Exception) -> Response:
    """The answer for a failure that nobody foresaw; only the log knows what it was."""
    logger.error("unforeseen_failure", exc_info=error, path=request.url.path)
    return answer(request, CesarError("internal"))
