"""Recordings on web pages, from the submission to the transcript, with the real yt-dlp."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.running_server import RunningServer

PAGE = b'<!doctype html><html><head><title>Herons</title></head><body><audio src="/talk.wav"></audio></body></html>'


@pytest.fixture
def site(silence: Path) -> Iterator[str]:
    """`host:port` of a site with a page that holds a recording."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = ("audio/wav", silence.read_bytes()) if self.path == "/talk.wav" else ("text/html", PAGE)
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not here."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("ytdlp", "status"), [(True, "completed"), (False, "failed")])
def test_a_page_becomes_a_transcript_where_that_is_wanted(
    serve: Callable[..., RunningServer], site: str, ytdlp: bool, status: str
) -> None:
    """With the setting the recording on the page is taken under the page's title; without it the page is not media."""
    server = serve(ytdlp=ytdlp, download_allow_private=site).start()
    task = server.http.post("/transcribe", json={"url": f"http://{site}/talk"}).json()["tasks"][0]["id"]
    done = server.finish(task)
    assert (done["status"], done["error_code"]) == (status, None if ytdlp else "not_media")
    if ytdlp:
        assert done["filename"].startswith("Herons")
        assert server.http.get(f"/files/{done['file_id']}/media").status_code == 200


def test_a_page_cannot_send_the_worker_inside(serve: Callable[..., RunningServer], site: str) -> None:
    """An address inside is refused before yt-dlp is even asked."""
    server = serve(ytdlp=True).start()
    task = server.http.post("/transcribe", json={"url": f"http://{site}/talk"}).json()["tasks"][0]["id"]
    assert server.finish(task)["error_code"] == "url_refused"
