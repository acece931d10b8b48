"""Owns the download of recordings that stand on web pages: by yt-dlp, fenced, when the address itself holds none."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from app.domain.errors import CATALOGUE, CesarError
from app.domain.filenames import safe_filename
from app.domain.ports import Download, Fetcher, Receiver, RunControl
from app.infrastructure.media.fetch import WebPage
from app.infrastructure.media.sandbox import Talk, end_child
from app.infrastructure.net.guard_proxy import GuardProxy
from app.infrastructure.net.guarded import Allowance, Resolver, system_resolver

CHILD: Final = Path(__file__).with_name("site_child.py")
CPU_SECONDS: Final = 60
_BLOCK_BYTES: Final = 1 << 20


class SiteFetcher:
    """The `Fetcher` port for recordings and for pages that hold one. Synchronous; safe for use from several threads.

    Args:
        direct: tried first; what it fetches is taken as it is.
        max_bytes: largest recording, in bytes.
        timeout_seconds: for yt-dlp, from its start.
        memory_mb: address space of its process, in MiB.
        scratch: makes a private folder for one run.
        allow_private: `host` or `host:port` that may be fetched although their address is private.
        resolver: names to numeric addresses.
    """

    def __init__(
        self,
        direct: Fetcher,
        *,
        max_bytes: int,
        timeout_seconds: float,
        memory_mb: int,
        scratch: Callable[[], AbstractContextManager[Path]],
        allow_private: frozenset[str] = frozenset(),
        resolver: Resolver = system_resolver,
    ) -> None:
        self._direct = direct
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
        self._memory_bytes = memory_mb * 1024 * 1024
        self._scratch = scratch
        self._allow_private = allow_private
        self._resolver = resolver

    def fetch(self, url: str, receiver: Receiver, control: RunControl) -> Download:
        """The recording at the address, or on the page that is there. Raises `CesarError` as the port says; `Cancelled`."""
        try:
            return self._direct.fetch(url, receiver, control)
        except WebPage:
            return self._from_page(url, receiver, control)

    def _from_page(self, url: str, receiver: Receiver, control: RunControl) -> Download:
        proxy = GuardProxy(self._timeout_seconds, self._allow_private, self._resolver)
        with self._scratch() as folder, proxy:
            try:
                result = self._run(url, proxy, folder, control)
            except CesarError as problem:
                raise (proxy.refusal or problem) from problem
            self._take(folder / Path(result["file"]).name, receiver, control)
            return Download(filename=safe_filename(str(result["name"]).replace("/", "_")))

    def _run(self, url: str, proxy: GuardProxy, folder: Path, control: RunControl) -> dict[str, Any]:
        allowance = Allowance(self._timeout_seconds, control.check)
        answer: dict[str, Any] = {}
        with self._child(folder, self._order(url, proxy)) as child:
            talk = Talk(child, silence_seconds=self._timeout_seconds + 10)
            for message in talk.messages(lambda: _go_on(allowance)):
                if "fraction" in message:
                    control.fraction(float(message["fraction"]))
                else:
                    answer = message
        if "result" not in answer:
            code = answer.get("error", "")
            raise CesarError(
                code if code in CATALOGUE else "url_unreachable", str(answer.get("detail", "yt-dlp was ended"))
            )
        result: dict[str, Any] = answer["result"]
        return result

    def _order(self, url: str, proxy: GuardProxy) -> bytes:
        order = {
            "url": url,
            "proxy": proxy.url,
            "port": proxy.port,
            "max_bytes": self._max_bytes,
            "memory_bytes": self._memory_bytes,
            "cpu_seconds": CPU_SECONDS,
        }
        return json.dumps(order).encode()

    @contextmanager
    def _child(self, folder: Path, order: bytes) -> Iterator[subprocess.Popen[bytes]]:
        child = subprocess.Popen(  # noqa: S603 - our own program; what a stranger chose goes to its standard input
            [sys.executable, "-I", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd=folder,
            env={"HOME": str(folder), "PATH": "", "LANG": "C.UTF-8", "YTDLP_NO_PLUGINS": "1"},
        )
        try:
            if child.stdin is not None:
                child.stdin.write(order)
                child.stdin.close()
            yield child
        finally:
            end_child(child)

    def _take(self, path: Path, receiver: Receiver, control: RunControl) -> None:
        done = 0
        with path.open("rb") as source:
            while block := source.read(_BLOCK_BYTES):
                control.check()
                done += len(block)
                if done > self._max_bytes:
                    raise CesarError("too_large", f"more than {self._max_bytes} bytes")
                receiver.write(block)


def _go_on(allowance: Allowance) -> None:
    allowance.left(1.0)
