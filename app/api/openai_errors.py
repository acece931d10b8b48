"""Owns how failures look under `/v1`: OpenAI's shape, its statuses, and a word to its clients whether to try again."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from app.core.logging import logger
from app.domain.disclosure import shown_text
from app.domain.errors import CesarError
from app.schemas.openai import OpenAIErrorAnswer, OpenAIErrorBody
from app.services.openai_request import FieldRefused

PREFIX: Final = "/v1"
_STATUS_OF_OPENAI_CODE: Final = {"model_not_found": 404}
_STATUS_THERE: Final = {415: 400, 422: 400}
"""What OpenAI's API answers where the catalogue is more exact: its clients know few statuses."""

_RETRY_AFTER_SECONDS: Final = "2"
_DETAIL_CHARACTERS: Final = 200
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

Endpoint = Callable[[Request], Awaitable[Response]]


def documented_openai(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For FastAPI's `responses`: the error statuses a route may answer with."""
    return {status: {"model": OpenAIErrorAnswer} for status in statuses}


def in_openai_shape(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose failures, foreseen or not, are answered in OpenAI's shape."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except CesarError as problem:
            return openai_answer(problem)
        except Exception as problem:
            logger.error("unforeseen_failure", exc_info=problem, path=request.url.path)
            return openai_answer(CesarError("internal"))

    return answered


def is_openais(scope: Scope) -> bool:
    """Whether a request is for an address under `/v1`."""
    path: str = scope["path"]
    return scope["type"] == "http" and path.startswith(f"{PREFIX}/")


def openai_answer(problem: CesarError) -> Response:
    """The answer for one failure."""
    status = _status(problem)
    # OpenAI's clients send a request again after 409, 429 and 5xx by themselves: in vain, where nothing will have changed.
    headers = {"x-should-retry": "true" if problem.entry.retryable else "false"}
    if status in (429, 503):
        headers["retry-after"] = _RETRY_AFTER_SECONDS
    body = openai_error(problem).model_dump_json()
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def openai_error(problem: CesarError) -> OpenAIErrorAnswer:
    """One failure in OpenAI's shape: the sentence, what exactly, and what to do."""
    entry = problem.entry
    detail = problem.detail if isinstance(problem, _NothingHere) else shown_text(problem.detail)
    if isinstance(problem, FieldRefused):
        message = f"{detail}."
        return _error(message, problem, param=problem.param, code=problem.openai_code)
    return _error(" ".join(filter(None, (entry.sentence, detail and f"({detail})", entry.remedy))), problem)


def _error(
    message: str, problem: CesarError, *, param: str | None = None, code: str | None = None
) -> OpenAIErrorAnswer:
    body = OpenAIErrorBody(message=message, type=_type(_status(problem)), param=param, code=code or problem.code)
    return OpenAIErrorAnswer(error=body)


def _status(problem: CesarError) -> int:
    status = problem.entry.http_status
    if isinstance(problem, FieldRefused):
        return _STATUS_OF_OPENAI_CODE.get(problem.openai_code, status)
    return _STATUS_THERE.get(status, status)


def _type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


class _NothingHere(CesarError):
    """There is no such address, or not with this method. The detail repeats what was asked for, which hides no folder of ours."""

    def __init__(self, request: Request, allowed: list[str]) -> None:
        asked_for = f"{request.method} {request.url.path}"[:_DETAIL_CHARACTERS]
        super().__init__("method_not_allowed" if allowed else "not_found", asked_for)


class _Elsewhere(Route):
    """Whatever else is asked for under `/v1`; to be added after every route that is there."""

    def __init__(self) -> None:
        super().__init__(PREFIX + "/{path:path}", in_openai_shape(_nothing_here), methods=_METHODS)


async def _nothing_here(request: Request) -> Response:
    allowed = _methods_there(request)
    answer = openai_answer(_NothingHere(request, allowed))
    if allowed:
        answer.headers["allow"] = ", ".join(allowed)
    return answer


def _methods_there(request: Request) -> list[str]:
    app: FastAPI = request.app
    there = (route for route in app.routes if isinstance(route, Route) and not isinstance(route, _Elsewhere))
    return sorted(
        {name for one in there if one.matches(request.scope)[0] is Match.PARTIAL for name in one.methods or ()}
    )


unknown_addresses: Final = [_Elsewhere()]
"""For the app's routes, after those that exist."""
