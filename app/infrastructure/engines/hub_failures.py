"""Owns what a failed diarization is called: the libraries' exceptions, with their causes, to codes of the catalogue."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.domain.errors import CesarError
from app.infrastructure.engines.diarization_models import is_gated, terms_of
from app.infrastructure.engines.whisperx_loading import is_out_of_memory

_UNREACHABLE = ("LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "ConnectTimeout", "ReadTimeout")
"""Exceptions of huggingface_hub and requests, by name: they are known without importing either."""


def diarization_failure(problem: Exception, model: str, secret: SecretStr | None) -> CesarError:
    """`hf_token_required`, `hf_token_invalid` or `diarization_failed`, with the reason; the token is not in it."""
    if isinstance(problem, CesarError):
        return CesarError("diarization_failed", f"{problem.entry.sentence} ({problem.detail})")
    token = secret.get_secret_value() if secret else ""
    code, detail = _named(problem, model, token)
    return CesarError(code, detail.replace(token, "[redacted]") if token else detail)


def _named(problem: Exception, model: str, token: str) -> tuple[str, str]:
    refusal = next((cause for cause in _causes(problem) if _status(cause) in (401, 403)), None)
    if refusal is not None:
        return _refused(refusal, model, token)
    said = " ".join(str(problem).split())[:500]
    if any(type(cause).__name__ in _UNREACHABLE for cause in _causes(problem)):
        if not token and is_gated(model):
            return (
                "hf_token_required",
                f"{model} is not on this machine, and {terms_of(model)} (the hub is out of reach, too)",
            )
        return "diarization_failed", f"{model} is not on this machine and the model hub cannot be reached: {said}"
    return "diarization_failed", f"{_in_short(problem)}{type(problem).__name__}: {said}"


def _in_short(problem: Exception) -> str:
    if is_out_of_memory(problem):
        return "not enough memory: "
    return "there is no such model: " if any(_status(cause) == 404 for cause in _causes(problem)) else ""


def _refused(refusal: BaseException, model: str, token: str) -> tuple[str, str]:
    asked = _repository(refusal) or model
    if not token:
        return "hf_token_required", f"the model hub wants a token for {asked}, and {terms_of(asked)}"
    if not token.startswith("hf_"):
        return "hf_token_invalid", f"the token does not begin with hf_, so it was not sent; {asked} wants one"
    return "hf_token_invalid", f"the model hub answered {_status(refusal)} for {asked}: {terms_of(asked)}"


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    """The exception and what it came from, nearest first."""
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        yield problem
        problem = problem.__cause__ or problem.__context__


def _status(problem: BaseException) -> int | None:
    return getattr(getattr(problem, "response", None), "status_code", None)


def _repository(problem: BaseException) -> str | None:
    """`organisation/name` from the address that was refused: a pipeline may use models of other repositories."""
    address = str(getattr(getattr(problem, "response", None), "url", "") or "")
    parts = urlsplit(address).path.strip("/").split("/")
    return "/".join(parts[:2]) if len(parts) > 3 and parts[2] == "resolve" else None
