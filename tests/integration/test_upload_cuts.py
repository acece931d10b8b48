"""A hundred cuts of one upload, on a real server."""

import signal
from pathlib import Path

from tests.campaigns.cuts import CutCampaign
from tests.running_server import RunningServer
from tests.tus_client import TusClient


def test_a_hundred_cuts_lose_no_byte(tmp_path: Path) -> None:
    """FIN, RST, silence and SIGKILL in any order: the stored bytes are those that were sent, and what was safe stays safe."""
    server = RunningServer(tmp_path, embedded_worker=False).start()
    try:
        cuts = {"fin": 40, "rst": 40, "stall": 12, "kill": 8}
        verdict = CutCampaign(server, size=20_000_000, cuts=cuts, seed=11).run()
        assert verdict.resumed_at > 0
        assert verdict.lost == []
        assert verdict.stored_sha256 == verdict.sent_sha256
        assert "Traceback" not in server.log
    finally:
        server.close()


def test_a_server_that_is_stopped_keeps_what_came(tmp_path: Path) -> None:
    """SIGTERM in the middle of a piece: it ends in time, and the next server goes on from what had come."""
    server = RunningServer(tmp_path, embedded_worker=False).start()
    try:
        tus = TusClient(server)
        upload_id = tus.new(3_000_000)
        piece = tus.connect(upload_id, 0, 3_000_000)
        piece.send(b"x" * 2_500_000)
        assert server.stop(35) in (0, -signal.SIGTERM)
        piece.finish()
        server.start()
        assert tus.offset(upload_id) == 2_500_000
        assert tus.send(upload_id, 2_500_000, b"x" * 500_000).status_code == 204
    finally:
        server.close()
