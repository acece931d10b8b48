"""What every answer carries, and that none of them waits for uploads."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.gate import GateRule
from app.api.state import Services
from app.core.config import Settings
from app.domain.ports import Audio, MediaFacts, RunControl
from app.infrastructure.websocket import ConnectionManager
from app.main import create_app
from app.services.duplicate_service import DuplicateService
from app.services.intake_service import IntakeService
from app.services.work_filter import TaskFilter
from tests.workbench import FACTS, Workbench

UPLOADS = 60
POLICIES = {
    "x-request-id",
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
}


class SlowMedia:
    """`app.domain.ports.MediaTools` whose probes wait until they are let go; `most` of them ran at once."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.most = self._running = 0
        self._lock = threading.Lock()

    def probe(self, path: Path) -> MediaFacts:
        """See the port."""
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        self.begun.release()
        assert self.let_go.wait(60)
        with self._lock:
            self._running -= 1
        return FACTS

    def decode(self, path: Path, target: Path, control: RunControl) -> Audio:
        """See the port; nothing is decoded here."""
        raise NotImplementedError


class Broken:
    """Whatever is asked of it fails in a way that nobody foresaw."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    bench = Workbench(tmp_path / "data")
    yield bench
    bench.close()


@asynccontextmanager
async def asking(bench: Workbench, **others: object) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the whole application, whose services are the workbench's or `others`."""
    settings = Settings()
    given = {
        "jobs": bench.jobs,
        "tasks": bench.tasks,
        "queries": bench.queries,
        "storage": bench.storage,
        "duplicates": DuplicateService(bench.store, bench.tasks.duplicates),
    }
    services = SimpleNamespace(**{"settings": settings, **given, **others})
    sockets = ConnectionManager()
    app = create_app(settings, sockets)
    state = {"services": cast("Services", services), "sockets": sockets, "gate": GateRule(settings)}
    transport = httpx2.ASGITransport(_with_state(app, state), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as client:
        yield client


def _with_state(app: ASGIApp, state: dict[str, Any]) -> ASGIApp:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return call


def assert_complete(answer: httpx2.Response) -> None:
    """It carries each header once, and an error names the same request."""
    for name in POLICIES:
        assert len(answer.headers.get_list(name)) == 1, name
    if answer.status_code >= 400:
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"] != ""


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/tasks", {}, 200),
        ("GET", "/", {}, 200),
        ("GET", "/docs", {}, 200),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/assets/nothing.js", {}, 404),
        ("GET", "/tasks/unknown", {}, 404),
        ("PATCH", "/tasks", {}, 405),
        ("GET", "/tasks?page=zero", {}, 422),
        ("POST", "/transcribe", {"content-type": "multipart/form-data; boundary=x"}, 400),
        ("POST", "/transcribe", {"content-type": "multipart/form-data"}, 422),
        ("POST", "/transcribe", {"content-type": "text/plain"}, 422),
        ("GET", "/tasks", {"host": "evil.example"}, 421),
        ("GET", "/tasks/unknown/progress", {"host": "evil.example"}, 421),
        ("POST", "/transcribe", {"origin": "http://evil.example"}, 403),
    ],
)
async def test_every_answer_has_an_id_and_the_policies(
    bench: Workbench, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Pages, lists, unknown addresses, wrong methods, bad forms and refusals at the gate."""
    async with asking(bench) as client:
        answer = await client.request(method, path, headers=headers, content=b"" if method == "POST" else None)
    assert answer.status_code == status
    assert_complete(answer)


@pytest.mark.parametrize("path", ["/tasks", "/tasks/some/progress"])
async def test_an_unforeseen_failure_is_an_answer_like_all_others(bench: Workbench, path: str) -> None:
    """500 with the catalogue's body, on the usual way and on the short way of a poll; the cause stays in the log."""
    async with asking(bench, queries=Broken(), progress=Broken()) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert answer.json()["error"]["detail"] is None
    assert_complete(answer)


async def test_uploads_that_wait_for_their_probe_hold_up_nobody(bench: Workbench) -> None:
    """With sixty slow probes waiting, the list of Tasks is read at once; two probes run at a time, and all become Jobs."""
    media = SlowMedia()
    async with asking(bench, intake=IntakeService(bench.jobs, media)) as client:
        form = {"files": ("a.wav", b"bytes")}
        uploads = [asyncio.create_task(client.post("/transcribe", files=form)) for _ in range(UPLOADS)]
        for _ in range(2):
            assert await asyncio.to_thread(media.begun.acquire, timeout=30)
        await asyncio.sleep(0.5)  # all the others are in the queue behind them by now
        for _ in range(5):
            answer = await asyncio.wait_for(client.get("/tasks"), 10)
            assert answer.json()["total"] == 0
        assert not any(upload.done() for upload in uploads)
        media.let_go.set()
        answers = await asyncio.gather(*uploads)
    assert [answer.status_code for answer in answers] == [202] * UPLOADS
    assert media.most == 2


async def test_an_upload_that_is_given_up_leaves_nothing(bench: Workbench, tmp_path: Path) -> None:
    """A cancelled wait for a probe abandons the bytes."""
    media = SlowMedia()
    async with asking(bench, intake=IntakeService(bench.jobs, media)) as client:
        upload = asyncio.create_task(client.post("/transcribe", files={"files": ("a.wav", b"bytes")}))
        assert await asyncio.to_thread(media.begun.acquire, timeout=30)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        media.let_go.set()
    assert not [path for path in (tmp_path / "data" / "media").rglob("*") if path.is_file()]
    assert bench.queries.tasks(TaskFilter(), 1, 10).total == 0
