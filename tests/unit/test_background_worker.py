"""The worker's lanes: whatever happens to a run, the lane goes on, and what a run leaves behind is not left to run on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from app.background_worker import BackgroundWorker
from app.composition import build_worker
from app.core.config import Settings
from app.domain.errors import Cancelled
from app.domain.lifecycle import JobStatus
from app.domain.options import TranscriptionOptions
from app.infrastructure.queue.channel import NoAnnouncer
from app.services.job_service import Submission
from app.services.run_progress import RunProgress
from app.services.runs import Claim
from tests.running_server import wait_for
from tests.workbench import Workbench


class Replaced(BaseException):
    """Stands for the end of this process."""


class OddOnce:
    """Runs that cannot even be called the first time, and cancel their Tasks afterwards."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._asked = 0

    @property
    def run(self) -> Callable[[Claim, RunProgress], None]:
        self._asked += 1
        if self._asked == 1:
            raise RuntimeError("odd")
        return lambda claim, progress: self._bench.tasks.cancel(claim.task_id)


class UntilCancelled:
    """Runs that end when they are no longer wanted."""

    def run(self, claim: Claim, progress: RunProgress) -> None:
        try:
            while True:
                progress.check()
                time.sleep(0.02)
        except Cancelled:
            return


class StuckBesideADownload:
    """A transcription that hears no stop, and a download that ends as soon as it is stopped, by then with this status."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.left_as: list[JobStatus] = []

    def run(self, claim: Claim, progress: RunProgress) -> None:
        while claim.storage_key is not None:
            time.sleep(0.1)
            if progress.is_stopped and self.left_as:
                return
        while not progress.is_stopped:
            time.sleep(0.001)
        self.left_as.append(self._bench.queries.task(claim.task_id).status)


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    """The database of the worker's data folder."""
    bench = Workbench(tmp_path / "data")
    yield bench
    bench.close()


@asynccontextmanager
async def working(folder: Path, replaced: Callable[[], NoReturn], **changed: Any) -> AsyncIterator[BackgroundWorker]:
    """A real worker's parts, with some changed, at work."""
    settings = Settings(_env_file=None, data_dir=folder)
    parts = replace(build_worker(settings, NoAnnouncer()), **changed)
    worker = BackgroundWorker(parts, settings, lambda: None, replaced)
    work = asyncio.create_task(worker.run())
    yield worker
    worker.drain(0)
    await work
    await asyncio.to_thread(parts.close)


async def reaches(bench: Workbench, task_id: str, status: JobStatus) -> None:
    """Wait for a status."""
    await asyncio.to_thread(wait_for, lambda: bench.queries.task(task_id).status is status, 20)


def never() -> NoReturn:
    raise Replaced


async def test_a_lane_outlives_a_run_that_cannot_begin(bench: Workbench, tmp_path: Path) -> None:
    """What goes wrong around a run costs that Task its attempt; the next one is claimed all the same."""
    first, second = bench.submit(2)
    async with working(tmp_path / "data", never, runs=OddOnce(bench)):
        await reaches(bench, second, JobStatus.CANCELLED)
        assert bench.queries.task(first).status is JobStatus.PROCESSING
    assert bench.queries.task(first).status is JobStatus.QUEUED


@pytest.mark.parametrize("strays", [0, 1])
async def test_a_call_that_is_left_behind_costs_the_process(bench: Workbench, tmp_path: Path, strays: int) -> None:
    """A run that stops well and leaves a native call behind: nothing else is claimed, the process is given up; without one it goes on."""
    cancelled, waiting = bench.submit(2)
    given_up: list[float] = []

    def give_up() -> NoReturn:
        given_up.append(time.monotonic())
        raise Replaced

    async with working(tmp_path / "data", give_up, runs=UntilCancelled(), stray_calls=lambda: strays):
        await reaches(bench, cancelled, JobStatus.PROCESSING)
        bench.tasks.cancel(cancelled)
        if strays:
            await asyncio.to_thread(wait_for, lambda: bool(given_up), 10)
            assert bench.queries.task(waiting).status is JobStatus.QUEUED
        else:
            await reaches(bench, waiting, JobStatus.PROCESSING)
    assert len(given_up) == strays


async def test_what_runs_beside_is_put_back_before_it_is_stopped(bench: Workbench, tmp_path: Path) -> None:
    """When the process is given up, the other lane's Task waits again by the time its run hears of it: its lease cannot get lost."""
    (stuck,) = bench.submit(1)
    (url,) = bench.jobs.tasks_of_job(
        bench.jobs.submit(Submission(TranscriptionOptions(), url="http://example.org/a.wav"))
    )
    runs = StuckBesideADownload(bench)
    given_up: list[float] = []

    def give_up() -> NoReturn:
        given_up.append(time.monotonic())
        raise Replaced

    async with working(tmp_path / "data", give_up, runs=runs):
        await reaches(bench, url, JobStatus.DOWNLOADING)
        await reaches(bench, stuck, JobStatus.PROCESSING)
        bench.tasks.cancel(stuck)
        await asyncio.to_thread(wait_for, lambda: bool(given_up and runs.left_as), 10)
    assert runs.left_as[0] is JobStatus.QUEUED
