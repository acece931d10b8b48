"""Owns the campaign of cuts: one upload, whose connections end in every way there is while bytes are on their way."""

import contextlib
import hashlib
import random
from dataclasses import dataclass, field

import httpx2

from tests.running_server import RunningServer, wait_for
from tests.tus_client import RawPiece, TusClient, wav_head


@dataclass
class CutVerdict:
    """What the campaign found: where the last piece began (0: nothing was kept of any other), and where a safe byte was lost."""

    resumed_at: int = 0
    lost: list[str] = field(default_factory=list)
    sent_sha256: str = ""
    stored_sha256: str = ""


class CutCampaign:
    """Sends `size` bytes with `cuts` of each kind (`fin`, `rst`, `stall`, `kill`), in an order drawn from `seed`."""

    def __init__(self, server: RunningServer, *, size: int, cuts: dict[str, int], seed: int) -> None:
        self._server = server
        self._tus = TusClient(server)
        self._random = random.Random(seed)
        # A real recording, so that its Task ends well.
        self._content = wav_head(size - 44) + self._random.randbytes(size - 44)
        self._kinds = [kind for kind, count in cuts.items() for _ in range(count)]
        self._random.shuffle(self._kinds)
        self._stalled: list[RawPiece] = []

    def run(self) -> CutVerdict:
        """Run to the end; the upload is complete then and its Task waits or is done."""
        verdict = CutVerdict(sent_sha256=hashlib.sha256(self._content).hexdigest())
        upload_id = self._tus.new(len(self._content))
        most = 2 * (len(self._content) - 1000) // (len(self._kinds) + 1)
        at = 0
        for kind in self._kinds:
            self._cut(kind, upload_id, at, self._random.randrange(1, most))
            before, at = at, self._stand(upload_id)
            if at < before:
                verdict.lost.append(f"{kind}: {before} were safe, then {at}")
        verdict.resumed_at = at
        assert self._tus.send(upload_id, at, self._content[at:]).status_code == 204
        for piece in self._stalled:
            piece.finish()
        key = upload_id.replace("-", "")
        stored = self._server.folder / "data" / "media" / key[:2] / key
        wait_for(stored.exists, 30)
        verdict.stored_sha256 = hashlib.sha256(stored.read_bytes()).hexdigest()
        return verdict

    def _cut(self, kind: str, upload_id: str, at: int, count: int) -> None:
        count = min(count, len(self._content) - at - 1)
        piece = self._tus.connect(upload_id, at, len(self._content) - at)
        piece.send(self._content[at : at + count])
        match kind:
            case "fin":
                piece.finish()
            case "rst":
                piece.reset()
            case "stall":
                self._stalled.append(piece)
            case "kill":
                self._server.kill_all()
                piece.finish()
                self._server.start()

    def _stand(self, upload_id: str) -> int:
        """Where it stands once nobody else has it."""
        stands = -1

        def is_free() -> bool:
            nonlocal stands
            with contextlib.suppress(httpx2.TransportError):
                stands = self._tus.offset(upload_id)
                return self._tus.send(upload_id, stands, b"").status_code == 204
            return False

        wait_for(is_free, 60)
        return stands
