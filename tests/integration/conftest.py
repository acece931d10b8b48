"""Real servers for the integration tests."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running_server import RunningServer
from tests.workbench import write_wav

AUDIO = Path(__file__).parent.parent / "fixtures" / "audio"


@pytest.fixture(scope="session", autouse=True)
def heed_ctrl_c() -> None:
    """What runs in the background of a script is started deaf to SIGINT, and so would be the commands that are sent one here."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of this test's own, with the scripted engine and short leases."""
    server = RunningServer(tmp_path, lease_seconds=3, shutdown_seconds=2).start()
    yield server
    server.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Makes servers with settings of the test's choice, not yet started; all are ended afterwards."""
    made: list[RunningServer] = []

    def make(**settings: object) -> RunningServer:
        made.append(RunningServer(tmp_path, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that the tests of one module share."""
    server = RunningServer(tmp_path_factory.mktemp("shared")).start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fifth of a second of nothing, for the scripted engine."""
    return write_wav(tmp_path_factory.mktemp("media") / "silence.wav")


@pytest.fixture(scope="session")
def audio() -> Path:
    """Folder of real speech with reference texts."""
    return AUDIO
