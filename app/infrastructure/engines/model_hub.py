"""Owns the talk with the model hub: one short question whether it has a model, and downloads in a child process.

A child, because huggingface_hub offers no way to stop a download or to hear of its bytes, and because it waits for
dead connections longer than a person does. Killing a child always works, and the next download goes on where it ended.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

from pydantic import SecretStr

from app.domain.errors import CesarError
from app.domain.ports import RunControl

ANSWER_SECONDS: Final = 4.0
"""How long the hub may take to answer whether it has a model; name resolution included, which no socket timeout covers."""

REMEMBER_SECONDS: Final = 60.0
NOT_OFFERED: Final = "the model hub does not offer it"
"""It is not there, or not for us: to strangers the hub answers both alike."""

NOT_THERE: Final = "the model hub has no such model"
"""It is not there, whoever asks."""

_REFUSALS: Final = {401: NOT_OFFERED, 403: NOT_OFFERED, 404: NOT_THERE}
_TICK_SECONDS: Final = 0.1
_MEGABYTE: Final = 1_000_000


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer already: who may not have it is refused before. Following it would take the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


class Hub:
    """The hub at `HF_ENDPOINT`. Its answers are remembered for a minute, so that health checks cost nothing."""

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token.get_secret_value() if token else None
        self._answers: dict[str, tuple[float, str | None]] = {}

    def why_not(self, path: str) -> str | None:
        """None if the hub has this for us (`api/models/organisation/name`, or a file); otherwise the reason, for a person."""
        now = time.monotonic()
        asked_at, answer = self._answers.get(path, (float("-inf"), None))
        if now - asked_at >= REMEMBER_SECONDS:
            answer = _ask(f"{_endpoint()}/{path}", self._token)
            self._answers[path] = (now, answer)
        return answer

    def download(
        self,
        repository: str,
        cache: Path,
        patterns: Sequence[str],
        model: str,
        control: RunControl,
        *,
        one_of: Sequence[str] = (),
    ) -> Path:
        """Download into the cache; the folder of the files. `model` is the name to show; of `one_of` the first that is there.

        Raises `CesarError("model_unavailable")`, `CesarError("disk_full")`, `Cancelled`.
        """
        order = {
            "repository": repository,
            "cache": str(cache),
            "patterns": list(patterns),
            "one_of": list(one_of),
            "token": self._token,
        }
        child = _start_child(order)
        # A thread reads what the child says: the child is silent for minutes and this thread has bytes to report.
        lines: list[dict[str, Any]] = []
        reader = threading.Thread(target=_read_lines, args=(child, lines), name="model-download", daemon=True)
        reader.start()
        try:
            while reader.is_alive():
                reader.join(_TICK_SECONDS)
                _report(lines, cache, repository, model, control)
        finally:
            child.kill()
            child.wait()
            reader.join()
        return _outcome(lines, repository, child.returncode)


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _ask(url: str, token: str | None) -> str | None:
    answers: list[str | None] = []
    thread = threading.Thread(target=lambda: answers.append(_ask_now(url, token)), name="hub-question", daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    return answers[0] if answers else f"the model hub did not answer within {ANSWER_SECONDS:.0f} s"


def _ask_now(url: str, token: str | None) -> str | None:
    if not url.startswith(("http://", "https://")):
        return "HF_ENDPOINT is no web address"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked above
    try:
        with _OPENER.open(request, timeout=ANSWER_SECONDS):
            return None
    except urllib.error.HTTPError as answer:
        if 300 <= answer.code < 400:
            return None
        return _REFUSALS.get(answer.code, f"the model hub answered {answer.code}")
    except (OSError, ValueError):
        return "the model hub cannot be reached"


def _start_child(order: dict[str, Any]) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "HF_HUB_DISABLE_XET": "1",  # xet keeps its half-done files where they can be neither counted nor continued
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # only the settings' token is ever sent
        "HF_HUB_ETAG_TIMEOUT": "5",
        "HF_HUB_OFFLINE": "0",
    }
    child = subprocess.Popen(  # noqa: S603 - our own file, nothing of a request in its arguments
        [sys.executable, "-P", str(Path(__file__).with_name("model_download.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    with _open(
        child.stdin
    ) as pipe:  # the token goes through a pipe: a command line can be read by every user of the machine
        json.dump(order, pipe)
    return child


def _open(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("the child was started without this pipe")
    return pipe


def _read_lines(child: "subprocess.Popen[str]", lines: list[dict[str, Any]]) -> None:
    with _open(child.stdout) as pipe:
        lines.extend(json.loads(line) for line in iter(pipe.readline, ""))


def _report(lines: list[dict[str, Any]], cache: Path, repository: str, model: str, control: RunControl) -> None:
    plan = next((line["blobs"] for line in list(lines) if "blobs" in line), None)
    if plan is None:
        control.check()
        return
    blobs = cache / f"models--{repository.replace('/', '--')}" / "blobs"
    total = sum(plan.values()) or 1
    done = sum(min(size, _bytes_of(blobs, name)) for name, size in plan.items())
    message = f"Downloading model {model}: {done // _MEGABYTE} of {-(-total // _MEGABYTE)} MB"
    control.fraction(done / total, message)


def _bytes_of(blobs: Path, name: str) -> int:
    for file in (blobs / name, blobs / f"{name}.incomplete"):
        try:
            return file.stat().st_size
        except OSError:
            continue
    return 0


def _outcome(lines: list[dict[str, Any]], repository: str, returncode: int) -> Path:
    for line in lines:
        if "folder" in line:
            return Path(line["folder"])
        if "error" in line:
            code = "disk_full" if line["disk_full"] else "model_unavailable"
            raise CesarError(code, f"{repository}: {line['error']}")
    raise CesarError("model_unavailable", f"{repository}: the download ended with status {returncode}")
