"""Outlines are made once for all who ask, and for nobody when the recording goes or the server stops."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from app.domain.derived import Peaks
from app.domain.errors import CesarError
from app.infrastructure.storage.derived import LocalDerived
from app.services.media_service import MediaService
from app.services.peak_service import PeakService
from tests.workbench import Workbench


class SlowMaker:
    """Makes an outline when it is told to, and asks all the time whether it is still wanted."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = False

    def make(self, source: Path, target: BinaryIO, check: Callable[[], None]) -> None:
        """Wait."""
        self.begun += 1
        deadline = time.monotonic() + 20
        while not self.may_end and time.monotonic() < deadline:
            check()
            time.sleep(0.01)
        target.write(b"\0\1")

    def read(self, made: Path, points: int) -> Peaks:
        """What was made."""
        return Peaks(16_000, 160, [*made.read_bytes()])


@pytest.fixture
def maker() -> SlowMaker:
    """One that has not begun."""
    return SlowMaker()


@pytest.fixture
def peaks(bench: Workbench, maker: SlowMaker) -> PeakService:
    """The service on the workbench."""
    derived = LocalDerived(bench.database_folder / "media")
    return PeakService(MediaService(bench.store, bench.storage), derived, maker)


async def until(begun: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(20):
        while not begun():
            await asyncio.sleep(0.01)


def only_file(bench: Workbench) -> str:
    """The public id of one File with bytes."""
    (task,) = bench.submit()
    return bench.queries.task(task).file_id


async def test_one_makes_it_and_all_get_it(bench: Workbench, peaks: PeakService, maker: SlowMaker) -> None:
    """Five ask while it is being made, one of them leaves, one asks afterwards."""
    file = only_file(bench)
    asking = [asyncio.ensure_future(peaks.of(file, 10)) for _ in range(5)]
    await until(lambda: maker.begun > 0)
    asking.pop().cancel()
    maker.may_end = True
    answers = [*await asyncio.gather(*asking), await peaks.of(file, 10)]
    assert {tuple(answer.values) for answer in answers} == {(0, 1)}
    assert maker.begun == 1
    peaks.close()


async def test_a_recording_that_is_deleted_meanwhile_is_read_no_further(
    bench: Workbench, peaks: PeakService, maker: SlowMaker
) -> None:
    """Hours of sound are not decoded for nobody; who asked is told that it is gone, and nothing of it stays."""
    (task,) = bench.submit()
    asking = asyncio.ensure_future(peaks.of(bench.queries.task(task).file_id, 10))
    await until(lambda: maker.begun > 0)
    await asyncio.to_thread(bench.jobs.delete_task, task)
    with pytest.raises(CesarError, match="media_gone"):
        await asyncio.wait_for(asking, 10)
    assert list(LocalDerived(bench.database_folder / "media").keys()) == []
    peaks.close()


async def test_a_server_that_stops_makes_no_more(bench: Workbench, peaks: PeakService, maker: SlowMaker) -> None:
    """What is being made ends, and what is asked for then is not begun: both are told to come back."""
    file = only_file(bench)
    asking = asyncio.ensure_future(peaks.of(file, 10))
    await until(lambda: maker.begun > 0)
    peaks.close()
    for waiting in (asking, peaks.of(file, 10)):
        with pytest.raises(CesarError, match="unavailable"):
            await asyncio.wait_for(waiting, 10)
    assert maker.begun == 1
