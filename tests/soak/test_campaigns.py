"""The promises about accepted Tasks in their long form."""

from pathlib import Path

import pytest

from tests.campaigns.kills import KillCampaign
from tests.running_server import RunningServer
from tests.workbench import write_wav


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(8))
def test_25_kills_over_200_tasks_again_and_again(tmp_path: Path, seed: int) -> None:
    """Eight times: 200 SIGKILLs over 1 600 Tasks in all, none lost and none doubled."""
    server = RunningServer(tmp_path, lease_seconds=10, max_attempts=100).start()
    try:
        verdict = KillCampaign(server, write_wav(tmp_path / "silence.wav"), tasks=200, kills=25, seed=seed).run(600)
    finally:
        server.close()
    assert (verdict.unfinished, verdict.doubled, verdict.holes) == ([], [], [])
