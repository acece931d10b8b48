"""Recordings on web pages, with the real yt-dlp: what it fetches is bounded, and it reaches nothing that a direct download could not."""

import base64
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.core.config import Settings, SettingsError
from app.domain.errors import Cancelled, CesarError
from app.infrastructure.media import fetchers
from app.infrastructure.media.fetch import UrlFetcher
from app.infrastructure.media.site_fetch import CHILD, SiteFetcher
from app.infrastructure.net import guard_proxy
from app.infrastructure.net.guard_proxy import GuardProxy
from app.infrastructure.storage.local import LocalReceiver, LocalStorage
from tests.fakes.recorded_control import RecordedControl

MIB = 1 << 20
SOUND = b"RIFF" + os.urandom(300_000)
PAGE = '<!doctype html><html><head><title>{title}</title></head><body><audio src="{source}"></audio></body></html>'

Answer = tuple[int, str, bytes]


class Site:
    """A local web site: each path answers with a status, a type and a body; what was asked is written down."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                answer = site.answers.get(self.path, (404, "text/html", b"<p>nothing</p>"))
                if callable(answer):
                    with suppress(OSError):
                        answer(self)
                    return
                status, kind, body = answer
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None:
                """Not here."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, path: str, source: str, title: str = "A talk") -> None:
        """A page with a recording on it."""
        self.answers[path] = (200, "text/html; charset=utf-8", PAGE.format(title=title, source=source).encode())

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with a recording at /a.wav."""
    site = Site()
    site.answers["/a.wav"] = (200, "audio/wav", SOUND)
    yield site
    site.close()


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """Where recordings rest."""
    return LocalStorage(tmp_path / "media")


@pytest.fixture
def receiver(storage: LocalStorage) -> Iterator[LocalReceiver]:
    """One incoming recording."""
    receiving = storage.receive()
    yield receiving
    receiving.abandon()


def fetcher(site: Site, storage: LocalStorage, *, limit: int = MIB, seconds: float = 60) -> SiteFetcher:
    """May reach this site and nothing else inside."""
    allowed = frozenset({site.host})
    direct = UrlFetcher(limit, seconds, allowed)
    return SiteFetcher(
        direct, max_bytes=limit, timeout_seconds=seconds, memory_mb=2048, scratch=storage.scratch, allow_private=allowed
    )


def fetch(site: Site, storage: LocalStorage, receiver: LocalReceiver, path: str, **limits: float) -> str:
    """The name of what came."""
    found = fetcher(site, storage, **limits).fetch(f"http://{site.host}{path}", receiver, RecordedControl())  # type: ignore[arg-type]
    return found.filename


def refused(site: Site, storage: LocalStorage, receiver: LocalReceiver, path: str, **limits: float) -> str:
    """The code with which it failed; nothing is left behind."""
    with pytest.raises(CesarError) as problem:
        fetch(site, storage, receiver, path, **limits)
    assert list((receiver.path.parent.parent / "scratch").iterdir()) == []
    assert "127.0.0.1/" not in (problem.value.detail or "")
    return problem.value.code


def test_a_recording_on_a_page_is_fetched(site: Site, storage: LocalStorage, receiver: LocalReceiver) -> None:
    """Byte for byte, under the page's title."""
    site.page("/talk", "/a.wav", "Herons &amp; cranes/../../x")
    name = fetch(site, storage, receiver, "/talk")
    assert name.startswith("Herons & cranes_")
    assert name.endswith(".wav")
    stored = receiver.commit()
    assert storage.path_of(stored.key).read_bytes() == SOUND


def test_a_direct_link_needs_no_yt_dlp(site: Site, storage: LocalStorage, receiver: LocalReceiver) -> None:
    """It is asked for once, by us."""
    assert fetch(site, storage, receiver, "/a.wav") == "a.wav"
    assert site.asked == ["/a.wav"]


def test_without_yt_dlp_a_page_is_not_media(site: Site, receiver: LocalReceiver) -> None:
    """It is told at its beginning, and nothing of it is kept."""
    site.page("/talk", "/a.wav")
    with pytest.raises(CesarError, match="not_media"):
        UrlFetcher(MIB, 10, frozenset({site.host})).fetch(f"http://{site.host}/talk", receiver, RecordedControl())
    assert receiver.path.stat().st_size == 0


def test_a_recording_that_is_called_a_page_is_taken(site: Site, storage: LocalStorage, receiver: LocalReceiver) -> None:
    """Some servers call everything text/html."""
    site.answers["/odd"] = (200, "text/html", SOUND)
    assert fetch(site, storage, receiver, "/odd") == "odd"


def slowly(handler: BaseHTTPRequestHandler) -> None:
    """A recording that never ends."""
    handler.send_response(200)
    handler.send_header("content-type", "audio/wav")
    handler.end_headers()
    while True:
        handler.wfile.write(b"RIFF")
        time.sleep(0.1)


def endlessly(handler: BaseHTTPRequestHandler) -> None:
    """A recording of which nobody says how large it is, and which is very large."""
    handler.send_response(200)
    handler.send_header("content-type", "audio/wav")
    handler.end_headers()
    while handler.command == "GET":
        handler.wfile.write(bytes(65_536))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, "audio/wav", b""), "url_not_found"),
        ((403, "audio/wav", b""), "url_forbidden"),
        ((401, "audio/wav", b""), "url_forbidden"),
        ((500, "audio/wav", b""), "url_unreachable"),
        ((200, "audio/wav", bytes(2 * MIB)), "too_large"),
        (endlessly, "too_large"),
    ],
)
def test_what_goes_wrong_has_its_code(
    site: Site, storage: LocalStorage, receiver: LocalReceiver, answer: Answer, code: str
) -> None:
    """Whatever the server says about the recording on the page."""
    site.page("/talk", "/b.wav")
    site.answers["/b.wav"] = answer
    assert refused(site, storage, receiver, "/talk") == code


def test_a_page_without_a_recording_is_not_media(site: Site, storage: LocalStorage, receiver: LocalReceiver) -> None:
    """Text alone."""
    site.answers["/text"] = (200, "text/html", b"<!doctype html><html><body><p>Herons.</p></body></html>")
    assert refused(site, storage, receiver, "/text") == "not_media"


def test_a_slow_site_is_left_when_the_time_is_over(site: Site, storage: LocalStorage, receiver: LocalReceiver) -> None:
    """The whole of yt-dlp has one limit."""
    site.page("/talk", "/slow.wav")
    site.answers["/slow.wav"] = slowly
    begun = time.monotonic()
    assert refused(site, storage, receiver, "/talk", seconds=8) == "url_timed_out"
    assert time.monotonic() - begun < 30


def test_a_cancelled_run_ends_it(site: Site, storage: LocalStorage, receiver: LocalReceiver) -> None:
    """Within moments, with its process."""
    site.page("/talk", "/slow.wav")
    site.answers["/slow.wav"] = slowly

    class Control(RecordedControl):
        def check(self) -> None:
            if "/slow.wav" in site.asked:
                raise Cancelled

    with pytest.raises(Cancelled):
        fetcher(site, storage).fetch(f"http://{site.host}/talk", receiver, Control())
    assert list((receiver.path.parent.parent / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    "inside", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "2130706433:{port}", "0.0.0.0:{port}"]
)
def test_a_page_cannot_send_it_inside(site: Site, storage: LocalStorage, receiver: LocalReceiver, inside: str) -> None:
    """A recording on another port of this machine is never asked for; the address is what is refused."""
    other = Site()
    try:
        port = other.host.rpartition(":")[2]
        site.page("/talk", f"http://{inside.format(port=port)}/secret.wav")
        assert refused(site, storage, receiver, "/talk") == "url_refused"
        assert other.asked == []
    finally:
        other.close()


def test_a_redirect_cannot_send_it_inside(site: Site, storage: LocalStorage, receiver: LocalReceiver) -> None:
    """The page is public, what it leads to is not."""
    other = Site()

    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("location", f"http://{other.host}/secret.wav")
        handler.send_header("content-length", "0")
        handler.end_headers()

    try:
        site.page("/talk", "/away.wav")
        site.answers["/away.wav"] = redirect
        assert refused(site, storage, receiver, "/talk") == "url_refused"
        assert other.asked == []
    finally:
        other.close()


FENCED = """
import sys; sys.path.insert(0, {folder!r})
import site_child
sys.addaudithook(site_child._fence({port}, {cwd!r}))
try:
    {action}
except PermissionError as problem:
    print("refused", problem.errno)
else:
    print("done")
"""


@pytest.mark.parametrize(
    "action",
    [
        "import socket; socket.create_connection(('127.0.0.1', {other}))",
        "import socket; socket.create_connection(('localhost', {other}))",
        "import socket; socket.socket(socket.AF_UNIX).connect('/tmp/x')",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {other}))",
        "import socket; socket.socket().bind(('127.0.0.1', 0))",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.posix_spawn('/bin/true', ['true'], {{}})",
        "open('/etc/passwd').read()",
        "open({secret!r}).read()",
        "open('../written', 'w')",
        "import os; os.open('/tmp/written', os.O_CREAT | os.O_WRONLY)",
        "import os; os.symlink('/etc/passwd', 'link')",
        "import os; os.rename({secret!r}, 'mine')",
        "import os; os.remove({secret!r})",
        "import ctypes; ctypes.CDLL(None)",
        "import sqlite3; sqlite3.connect({secret!r}).execute('SELECT 1')",
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
        "import os; os.kill(os.getppid(), 0)",
        "import os; os.killpg(os.getpgid(os.getppid()), 0)",
        "import os; os.chdir('..'); open('secret').read()",
    ],
)
def test_inside_the_fence_nothing_else_can_be_reached(tmp_path: Path, action: str) -> None:
    """No address but the proxy's, no program, no file outside the folder, whatever the code in there wants."""
    assert fenced(tmp_path, action) == "refused 1"


@pytest.mark.parametrize(
    "action",
    [
        "import socket; socket.create_connection(('127.0.0.1', {port})).close()",
        "open('written', 'w').write('x')",
        "import html.parser, http.client, sqlite3",
    ],
)
def test_inside_the_fence_what_is_needed_works(tmp_path: Path, action: str) -> None:
    """The proxy, the folder, Python's own files."""
    assert fenced(tmp_path, action) == "done"


def fenced(tmp_path: Path, action: str) -> str:
    """What a program inside the fence says."""
    folder = tmp_path / "folder"
    folder.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.create_server(("127.0.0.1", 0)) as other:
        port, elsewhere = proxy.getsockname()[1], other.getsockname()[1]
        acted = action.format(port=port, other=elsewhere, secret=str(secret))
        program = FENCED.format(folder=str(CHILD.parent), port=port, cwd=str(folder), action=acted)
        ran = subprocess.run(
            [sys.executable, "-I", "-c", program], cwd=folder, capture_output=True, text=True, check=False
        )
    assert secret.exists()
    return ran.stdout.strip() or ran.stderr


def ask_proxy(proxy: GuardProxy, request: str) -> bytes:
    """What the proxy answers."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        client.sendall(request.encode())
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while data := client.recv(65_536):
            answer += data
    return answer


def test_the_proxy_answers_only_to_its_child(site: Site) -> None:
    """Without the password nothing is passed on."""
    with GuardProxy(10, frozenset({site.host})) as proxy:
        assert ask_proxy(proxy, f"GET http://{site.host}/a.wav HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 407")
        assert ask_proxy(proxy, f"CONNECT {site.host} HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n").startswith(
            b"HTTP/1.1 407"
        )
    assert site.asked == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=2)


def known_head(proxy: GuardProxy) -> str:
    """The end of a request line, and the password of the child."""
    parts = urlsplit(proxy.url)
    known = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    return f"HTTP/1.1\r\nProxy-Authorization: Basic {known}\r\n\r\n"


def test_the_proxy_makes_tunnels_to_checked_addresses(site: Site) -> None:
    """An allowed host is reached through it, any other address inside is not."""
    with GuardProxy(10, frozenset({site.host})) as proxy:
        head = known_head(proxy)
        through = ask_proxy(proxy, f"CONNECT {site.host} {head}GET /a.wav HTTP/1.0\r\n\r\n")
        assert through.startswith(b"HTTP/1.1 200 Connection established")
        assert through.endswith(SOUND)
        assert ask_proxy(proxy, f"CONNECT 127.0.0.1:8080 {head}").startswith(b"HTTP/1.1 403")
        assert proxy.refusal is not None
        assert proxy.refusal.code == "url_refused"


@pytest.mark.parametrize("target", ["93.184.215.14:25", "93.184.215.14:22", "mail.example:587"])
def test_the_proxy_makes_no_tunnel_to_ports_that_are_not_the_web_s(target: str) -> None:
    """It is refused without a question for its name."""
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return []

    with GuardProxy(10, frozenset(), resolver) as proxy:
        assert ask_proxy(proxy, f"CONNECT {target} {known_head(proxy)}").startswith(b"HTTP/1.1 403")
    assert asked == []


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT [::1",
        "CONNECT example.com",
        "CONNECT example.com:abc",
        "CONNECT :443",
        "GET /a.wav",
        "GET ftp://x/",
        "GET http://x:y/",
    ],
)
def test_the_proxy_refuses_what_it_cannot_read(line: str) -> None:
    """A request without a destination is the child's mistake, and costs nobody else anything."""
    with GuardProxy(10, frozenset()) as proxy:
        assert ask_proxy(proxy, f"{line} {known_head(proxy)}").startswith(b"HTTP/1.1 400")
        assert proxy.refusal is None


def test_a_tunnel_stays_open_while_the_child_only_listens(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who had nothing to say during a long piece can ask for the next one through the same tunnel."""
    monkeypatch.setattr(guard_proxy, "PATIENCE_SECONDS", 0.1)
    with GuardProxy(20, frozenset({site.host})) as proxy, socket.create_connection(("127.0.0.1", proxy.port)) as child:
        child.settimeout(10)
        child.sendall(f"CONNECT {site.host} {known_head(proxy)}".encode())
        assert child.recv(1000).startswith(b"HTTP/1.1 200")
        time.sleep(0.5)
        child.sendall(b"GET /a.wav HTTP/1.0\r\n\r\n")
        assert child.recv(1000).startswith(b"HTTP/1.0 200")


def test_a_missing_yt_dlp_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The setting without the package is one sentence that says what to install."""
    monkeypatch.setattr(fetchers, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"cesar\[ytdlp\]"):
        fetchers.refuse_missing_ytdlp(Settings(data_dir=tmp_path, ytdlp=True))
    fetchers.refuse_missing_ytdlp(Settings(data_dir=tmp_path))
