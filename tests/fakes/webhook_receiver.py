"""A receiver of webhooks: a real HTTP server on 127.0.0.1 that writes down what it gets and answers as the test says."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def message(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(orjson.loads(self.body))


@dataclass(frozen=True)
class Reply:
    """What to answer, after how long."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    body: bytes = b""


class WebhookReceiver:
    """`replies` gives the reply to the n-th request (from 1). Listens from the start; `port` can be given to come back on."""

    def __init__(self, replies: Callable[[int], Reply] = lambda number: Reply(), port: int = 0) -> None:
        self.received: list[Received] = []
        self._replies = replies
        self._noting = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def host(self) -> str:
        """For the setting that allows it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """With a path and a query that are nobody's business."""
        return f"http://{self.host}/hush/hook?key=hush"

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        """Messages of one type, in the order of their arrival."""
        return [got.message for got in list(self.received) if got.message["type"] == event_type]

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def _note(self, request: BaseHTTPRequestHandler) -> Reply:
        body = request.rfile.read(int(request.headers["content-length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._noting:
            self.received.append(Received(request.path, headers, body, time.monotonic()))
            return self._replies(len(self.received))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                reply = receiver._note(self)
                time.sleep(reply.delay)
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def do_GET(self) -> None:
                receiver.received.append(Received(self.path, {}, b'{"type": "GET"}', time.monotonic()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The test's output is not the place."""

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    return  # the sender was killed, or waited long enough

        return Handler
