"""The polling read."""

from pathlib import Path

import pytest

from app.domain.errors import CesarError
from app.infrastructure.database.progress_reader import ProgressReader
from tests.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path / "data")


def test_every_commit_is_noticed(bench: Workbench) -> None:
    """Also those of this process, whose connections are used again and again: what was read is never taken for fresh."""
    reader = ProgressReader(bench.database)
    (task_id,) = bench.submit()
    seen = [(reader.version(), reader.read(task_id))]
    for turn in range(20):
        if turn % 2:
            bench.tasks.retry(task_id)
        else:
            bench.tasks.cancel(task_id)
        version, row = reader.version(), reader.read(task_id)
        assert version != seen[-1][0]
        assert row is not None
        assert row.status == ("queued" if turn % 2 else "cancelled")
        seen.append((version, row))
    bench.close()


def test_a_database_that_cannot_be_read_is_unavailable(bench: Workbench) -> None:
    """An error of the catalogue, on the first read and on a later one; and it works again afterwards."""
    (task_id,) = bench.submit()
    reader, late = ProgressReader(bench.database), ProgressReader(bench.database)
    assert reader.read(task_id) is not None
    _rename(bench, "tasks", "elsewhere")
    for one in (reader, late):
        with pytest.raises(CesarError, match="unavailable: no such table"):
            one.read(task_id)
    _rename(bench, "elsewhere", "tasks")
    assert reader.read(task_id) == late.read(task_id) is not None
    bench.close()


def _rename(bench: Workbench, table: str, name: str) -> None:
    with bench.database.write() as session:
        session.connection().exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")
