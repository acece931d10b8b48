"""Owns talking to a running server over HTTP: finding it, handing recordings over, reading what became of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import IO, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from app.client.follow import PATIENCE_SECONDS, Follower
from app.client.library_service import KnownFile, TakenIn
from app.client.recordings import Recording
from app.client.service import Accepted, Event, Outcome, Sent, Unreachable
from app.core.config import Settings
from app.domain.errors import CATALOGUE, CesarError
from app.domain.options import TranscriptionOptions
from app.services.export.options import RenderOptions

_PROBE_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 30.0
_INTAKE_SECONDS: Final = 600.0
"""A server looks into every file of a submission before it answers."""

_SENDING_TRIES: Final = 3
_PAUSE_SECONDS: Final = 0.5
_HEALTH_FIELDS: Final = frozenset({"status", "version", "worker", "queued", "connections"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def address_of(settings: Settings) -> str | None:
    """Where this machine's own server would listen; None if the settings leave the port open."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}" if settings.port else None


def look_for_cesar(url: str, seconds: float = _PROBE_SECONDS) -> dict[str, Any] | None:
    """The health of the Cesar at this address; None if nobody or somebody else answers."""
    try:
        with _client(url, seconds) as client:
            health = client.get("/health").json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        return None
    return health if isinstance(health, dict) and health.keys() >= _HEALTH_FIELDS else None


class Server:
    """`app.client.service.Service` on a running server.

    Requests are repeated while the server is away, up to `PATIENCE_SECONDS`; submissions carry an `Idempotency-Key`, so
    repeating them does no harm.
    """

    outlives_us = True

    def __init__(self, url: str) -> None:
        self.place = f"the server at {url}"
        self._url = url
        self._client = _client(url, _ANSWER_SECONDS)

    def submit_files(self, recordings: Sequence[Recording], options: TranscriptionOptions, sent: Sent) -> Accepted:
        """Upload all files in one form that is read from disk while it is sent."""
        fields = {name: _form_value(value) for name, value in _given(options).items()}
        return _accepted(self._upload("/transcribe", fields, recordings, sent))

    def _upload(
        self, path: str, fields: dict[str, str], recordings: Sequence[Recording], sent: Sent
    ) -> httpx2.Response:
        fields["modified"] = ",".join(_last_change(recording) for recording in recordings)
        key = str(uuid4())

        def send() -> httpx2.Response:
            with ExitStack() as opened:
                files = [
                    ("files", (recording.name, _Counted(opened, recording, sent), "application/octet-stream"))
                    for recording in recordings
                ]
                return self._post(path, key, data=fields, files=files)

        return self._answer(send, tries=_SENDING_TRIES)

    def submit_url(self, url: str, options: TranscriptionOptions) -> Accepted:
        """The server's worker fetches it."""
        key, body = str(uuid4()), {"url": url, **_given(options)}
        return _accepted(self._answer(lambda: self._post("/transcribe/url", key, json=body)))

    def known(self, sha256: str) -> KnownFile | None:
        """As the library's list tells."""
        query = {"sha256": sha256, "hidden": "true"}
        files = _body(self._answer(lambda: self._client.get("/files", params=query)))["files"]
        return KnownFile(files[0]["id"], bool(files[0]["tasks"])) if files else None

    def take_in(self, recordings: Sequence[Recording]) -> TakenIn:
        """Upload all files in one form; they are in the library when the answer comes."""
        job = _body(self._upload("/jobs", {"job_type": "import"}, recordings, lambda _recording, _count: None))
        return TakenIn(tuple(file["id"] for file in job["files"]), tuple((job["error_message"] or "").splitlines()))

    def process(self, file_ids: Sequence[str], options: TranscriptionOptions) -> Accepted:
        """The server's worker takes them from the library."""
        key, body = str(uuid4()), {"files": list(file_ids), **_given(options)}
        return _accepted(self._answer(lambda: self._post("/jobs", key, json=body)))

    def follow(self, task_ids: Sequence[str]) -> Iterator[Event]:
        """Over a socket, or by polling."""
        url = f"ws{self._url.removeprefix('http')}/ws"
        return Follower(url, self, proxy=not _is_local(self._url)).follow(task_ids)

    def progress(self, task_id: str) -> dict[str, Any]:
        """The polling body, in one try. Raises `CesarError`; OSError when nobody answers."""
        try:
            return _body(self._client.get(f"/tasks/{task_id}/progress"))
        except httpx2.TransportError as problem:
            raise OSError(str(problem)) from None

    def outcome(self, task_id: str) -> Outcome:
        """As the Task's body tells it."""
        return Outcome.of(_body(self._answer(lambda: self._client.get(f"/tasks/{task_id}"))))

    def transcript(self, task_id: str, wanted: str, options: RenderOptions) -> bytes:
        """Rendered by the server."""
        path = f"/tasks/{task_id}/transcript"
        query = {"format": wanted} | {name: _form_value(value) for name, value in _given(options).items()}
        answer = self._answer(lambda: self._client.get(path, params=query))
        _check(answer)
        return answer.content

    def cancel(self, job_id: str) -> None:
        """End the Job on the server."""
        _body(self._answer(lambda: self._client.post(f"/jobs/{job_id}/cancel")))

    def how_to_cancel(self, job_id: str) -> str:
        """On its page, or by one request."""
        return f"curl -X POST {self._url}/jobs/{job_id}/cancel"

    def likely_engine(self) -> str | None:
        """What the server says."""
        try:
            with _client(self._url, _ANSWER_SECONDS) as client:
                default = client.get("/health/engines").json()["default"]
        except (httpx2.HTTPError, ValueError, KeyError):
            return None
        return default["engine"] if default else None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, path: str, key: str, **content: Any) -> httpx2.Response:
        timeout = httpx2.Timeout(_ANSWER_SECONDS, read=_INTAKE_SECONDS)
        return self._client.post(path, headers={"idempotency-key": key}, timeout=timeout, **content)

    def _answer(self, ask: Callable[[], httpx2.Response], tries: int | None = None) -> httpx2.Response:
        """Ask until there is an answer. `tries` bounds how often, for what is costly to repeat."""
        deadline, tried = time.monotonic() + PATIENCE_SECONDS, 0
        while True:
            try:
                return ask()
            except httpx2.TransportError as problem:
                # Nobody there cost nothing; a conversation that broke off did.
                tried += not isinstance(problem, httpx2.ConnectError)
                if time.monotonic() > deadline:
                    raise Unreachable(self._url) from None
                if tries is not None and tried >= tries:
                    raise CesarError("upload_interrupted", str(problem)) from None
            time.sleep(_PAUSE_SECONDS)


class _Counted:
    """A file that tells how much of it has been read. As little of a file as the form encoder needs."""

    def __init__(self, opened: ExitStack, recording: Recording, sent: Sent) -> None:
        if recording.path is None:
            raise ValueError("only files are uploaded")
        self._file: IO[bytes] = opened.enter_context(recording.path.open("rb"))
        self._recording = recording
        self._sent = sent

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._file.read(size)
        self._sent(self._recording, self._file.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Where the reading goes on."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """How far the reading is."""
        return self._file.tell()

    def fileno(self) -> int:
        """Lets the encoder ask the system for the size."""
        return self._file.fileno()


def _client(url: str, seconds: float) -> httpx2.Client:
    # A proxy of the environment is for the world outside, not for this machine's own server.
    return httpx2.Client(base_url=url, timeout=seconds, trust_env=not _is_local(url))


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK


def _given(options: TranscriptionOptions | RenderOptions) -> dict[str, Any]:
    return {name: value for name, value in asdict(options).items() if value is not None}


def _last_change(recording: Recording) -> str:
    """Milliseconds since 1970; empty for what is no file that can be asked."""
    try:
        return str(recording.path.stat().st_mtime_ns // 1_000_000) if recording.path else ""
    except OSError:
        return ""


def _form_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _accepted(answer: httpx2.Response) -> Accepted:
    job = _body(answer)
    return Accepted(job["id"], tuple(task["id"] for task in job["tasks"]))


def _body(answer: httpx2.Response) -> dict[str, Any]:
    _check(answer)
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CesarError("internal", "the server's answer could not be read")
    return body


def _check(answer: httpx2.Response) -> None:
    """Raise what the server refused as the catalogue's entry."""
    if answer.is_success:
        return
    try:
        error = answer.json()["error"]
        code, message, detail = error["code"], error["message"], error["detail"]
    except (ValueError, KeyError, TypeError):
        raise CesarError("unavailable", f"the server answered {answer.status_code}") from None
    if code in CATALOGUE:
        raise CesarError(code, detail)
    raise CesarError("internal", f"{code}: {message}")
