"""A stand-in for the model hub on 127.0.0.1: repositories are folders; it can be slow, break off, or refuse.

`gated` repositories describe themselves to everybody, and give their files only to the tokens in `members`; a token outside
`tokens` is refused wherever it is shown.
"""

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

COMMIT = "0" * 40
BLOCK = 32 * 1024


class Hub:
    """Serves `root/organisation/name/…`. `bytes_per_second` throttles; `requests` lists "METHOD path range"."""

    def __init__(self, root: Path, bytes_per_second: float = 0) -> None:
        self.root = root
        self.bytes_per_second = bytes_per_second
        self.status = 0
        self.gated: set[str] = set()
        self.tokens: set[str] = set()
        self.members: set[str] = set()
        self.seen_tokens: set[str] = set()
        self.requests: list[str] = []
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Hub":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: Hub

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.owner.requests.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())
        parts = self.path.split("?")[0].strip("/").split("/")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.owner.seen_tokens |= {token} - {""}
        if self.owner.status:
            self._refuse(self.owner.status, "", "The hub is unwell")
        elif token and token not in self.owner.tokens:
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif parts[2:3] == ["resolve"] and "/".join(parts[:2]) in self.owner.gated - self._given_to(token):
            status = 403 if token else 401
            self._refuse(status, "GatedRepo", f"Access to model {'/'.join(parts[:2])} is restricted")
        elif parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]))
        elif parts[2:3] == ["resolve"]:
            self._send_file("/".join(parts[:2]), "/".join(parts[4:]))
        else:
            self._refuse(404, "", "Not found")

    def _given_to(self, token: str) -> set[str]:
        return self.owner.gated if token in self.owner.members else set()

    def _describe(self, repository: str) -> None:
        folder = self.owner.root / repository
        if not folder.is_dir():
            self._refuse(401, "RepoNotFound", "Repository not found")
            return
        siblings = [
            {"rfilename": str(file.relative_to(folder)), "size": file.stat().st_size, "blobId": _etag(file)}
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ]
        body = {"_id": "1", "id": repository, "modelId": repository, "private": False, "sha": COMMIT, "tags": []}
        self._send(200, {"Content-Type": "application/json"}, json.dumps({**body, "siblings": siblings}).encode())

    def _send_file(self, repository: str, name: str) -> None:
        file = self.owner.root / repository / name
        if not file.is_file():
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        content = file.read_bytes()
        first = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{_etag(file)}"', "Accept-Ranges": "bytes"}
        if "Range" in self.headers:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self._send(206 if "Range" in self.headers else 200, headers, content[first:])

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._send(status, headers, json.dumps({"error": message}).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "GET":
            return
        try:
            for at in range(0, len(body), BLOCK):
                self.wfile.write(body[at : at + BLOCK])
                if self.owner.bytes_per_second:
                    time.sleep(BLOCK / self.owner.bytes_per_second)
        except OSError:  # the client went away
            self.close_connection = True


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
