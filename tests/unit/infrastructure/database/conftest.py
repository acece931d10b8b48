"""The services on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """A fresh workbench."""
    bench = Workbench(tmp_path / "data")
    yield bench
    bench.close()
