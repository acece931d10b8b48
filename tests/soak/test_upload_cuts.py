"""The promise about uploads in pieces in its long form."""

from pathlib import Path

import pytest

from tests.campaigns.cuts import CutCampaign
from tests.running_server import RunningServer


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_cuts_again_and_again(tmp_path: Path, seed: int) -> None:
    """A thousand cuts of ten uploads in all, 200 of them SIGKILLs: every byte is stored as it was sent."""
    server = RunningServer(tmp_path, embedded_worker=False).start()
    try:
        cuts = {"fin": 30, "rst": 30, "stall": 20, "kill": 20}
        verdict = CutCampaign(server, size=80_000_000, cuts=cuts, seed=seed).run()
    finally:
        server.close()
    assert verdict.resumed_at > 0
    assert (verdict.lost, verdict.stored_sha256) == ([], verdict.sent_sha256)
