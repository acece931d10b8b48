"""Downloads: what arrives is whole and bounded, and no address inside is ever dialled, whatever the URL says.

The test server listens on 127.0.0.1. An audit hook of Python itself, below every library, writes down each connect.
"""

import hashlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.domain.errors import Cancelled, CesarError
from app.infrastructure.media.fetch import UrlFetcher
from app.infrastructure.storage.local import LocalReceiver, LocalStorage
from tests.fakes.recorded_control import RecordedControl

MIB = 1 << 20
DIALLED: list[object] = []


def _write_down(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        DIALLED.append((event, arguments[1] if event != "socket.getaddrinfo" else arguments[0]))


sys.addaudithook(_write_down)

Handler = Callable[[socket.socket, str], None]


class _Server:
    """Answers each connection with a function of the path; everything it is asked is written down."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request and (data := connection.recv(65_536)):
                request += data
            self.requests.append(request.decode("latin-1"))
            with suppress(OSError):
                self._handler(connection, request.split(b" ")[1].decode("latin-1"))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], _Server]]:
    servers: list[_Server] = []

    def start(handler: Handler) -> _Server:
        servers.append(_Server(handler))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[LocalReceiver]:
    receiving = LocalStorage(tmp_path / "media").receive()
    DIALLED.clear()
    yield receiving
    receiving.abandon()


def _answer(
    connection: socket.socket, body: bytes = b"", *, status: str = "200 OK", length: bool = True, headers: str = ""
) -> None:
    head = f"HTTP/1.1 {status}\r\n{headers}" + (f"Content-Length: {len(body)}\r\n" if length else "")
    connection.sendall(head.encode() + b"\r\n" + body)


def _to(location: str) -> Handler:
    return lambda connection, _: _answer(connection, status="302 Found", headers=f"Location: {location}\r\n")


def _fetch(
    server: _Server, receiver: LocalReceiver, path: str = "/a.mp3", *, limit: int = MIB, seconds: float = 10
) -> str:
    fetcher = UrlFetcher(limit, seconds, frozenset({server.host}))
    return fetcher.fetch(f"http://{server.host}{path}", receiver, RecordedControl()).filename


def _failure(act: Callable[[], object]) -> CesarError:
    with pytest.raises(CesarError) as caught:
        act()
    return caught.value


def test_a_body_arrives_whole_with_its_progress(serve: Callable[[Handler], _Server], receiver: LocalReceiver) -> None:
    """Bytes, name and rising fractions; the server is asked for the body as it is."""
    body = os.urandom(700_000)
    server = serve(lambda connection, _: _answer(connection, body))
    control = RecordedControl()
    fetcher = UrlFetcher(MIB, 10, frozenset({server.host}))
    download = fetcher.fetch(f"http://{server.host}/talks/monday%201.mp3?token=x", receiver, control)
    assert download.filename == "monday 1.mp3"
    assert receiver.commit().sha256 == hashlib.sha256(body).hexdigest()
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0
    assert "accept-encoding: identity" in server.requests[0].lower()
    assert f"host: {server.host}" in server.requests[0].lower()


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_without_a_length_arrives_whole(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver, chunked: bool
) -> None:
    """Chunked, or ended by closing the connection."""
    body = os.urandom(100_000)
    wire = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    headers = "Transfer-Encoding: chunked\r\n" if chunked else ""
    server = serve(lambda connection, _: _answer(connection, wire, length=False, headers=headers))
    _fetch(server, receiver)
    assert receiver.commit().sha256 == hashlib.sha256(body).hexdigest()


def test_the_server_s_name_for_the_file_wins(serve: Callable[[Handler], _Server], receiver: LocalReceiver) -> None:
    """Content-Disposition names the file, without any folder."""
    headers = "Content-Disposition: attachment; filename*=UTF-8''..%2Fr%C3%A9sum%C3%A9.wav\r\n"
    server = serve(lambda connection, _: _answer(connection, b"x", headers=headers))
    assert _fetch(server, receiver, "/download?id=5") == "résumé.wav"


def test_redirects_are_followed_a_few_times(serve: Callable[[Handler], _Server], receiver: LocalReceiver) -> None:
    """Five redirects, also relative ones, are followed."""

    def count_down(connection: socket.socket, path: str) -> None:
        left = int(path.strip("/").partition(".")[0])
        if left:
            _answer(connection, status="307 Temporary Redirect", headers=f"Location: ../{left - 1}.mp3\r\n")
        else:
            _answer(connection, b"there")

    server = serve(count_down)
    assert _fetch(server, receiver, "/5.mp3") == "0.mp3"
    assert receiver.path.read_bytes() == b"there"
    problem = _failure(lambda: _fetch(server, receiver, "/6.mp3"))
    assert (problem.code, problem.detail) == ("url_unreachable", "more than 5 redirects")


@pytest.mark.parametrize(
    ("status", "code"),
    [("404 x", "url_not_found"), ("410 x", "url_not_found"), ("401 x", "url_forbidden"), ("403 x", "url_forbidden"),
     ("500 x", "url_unreachable"), ("503 x", "url_unreachable"), ("204 x", "url_unreachable"), ("206 x", "url_unreachable"),
     ("418 x", "url_unreachable"), ("304 x", "url_unreachable"), ("302 no location", "url_unreachable")],
)  # fmt: skip
def test_a_status_becomes_a_reason(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver, status: str, code: str
) -> None:
    """Every answer but 200 is an error that says what to do."""
    server = serve(lambda connection, _: _answer(connection, b"", status=status))
    assert _failure(lambda: _fetch(server, receiver)).code == code


def test_a_body_that_says_it_is_too_large_is_not_read(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver
) -> None:
    """The Content-Length alone decides."""
    server = serve(lambda c, _: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx"))
    assert _failure(lambda: _fetch(server, receiver)).code == "too_large"
    assert receiver.path.stat().st_size == 0


def test_a_body_without_a_length_is_cut_at_the_limit(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver
) -> None:
    """Not more than the limit is written, however much comes."""

    def endless(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(65_536))

    server = serve(endless)
    assert _failure(lambda: _fetch(server, receiver, limit=MIB)).code == "too_large"
    assert receiver.path.stat().st_size <= MIB


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_compressed_body_is_refused(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver, encoding: str
) -> None:
    """Nothing is ever unpacked, so nothing can grow."""
    server = serve(lambda c, _: _answer(c, b"x" * 100, headers=f"Content-Encoding: {encoding}\r\n"))
    assert _failure(lambda: _fetch(server, receiver)).code == "url_unreachable"
    assert receiver.path.stat().st_size == 0


@pytest.mark.parametrize("where", ["silence", "status line", "headers", "body", "chunks", "never ending 100"])
def test_a_dripping_server_is_left_at_the_end_of_the_time(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver, where: str
) -> None:
    """The time is for the whole download: a byte now and then does not buy more of it."""
    starts = {
        "silence": (b"", b""),
        "status line": (b"H", b"T"),
        "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        "never ending 100": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    }

    def drip(connection: socket.socket, _: str) -> None:
        start, drop = starts[where]
        connection.sendall(start)
        for _number in range(100):
            time.sleep(0.05)
            if where != "status line":
                connection.sendall(drop)

    server = serve(drip)
    started = time.monotonic()
    assert _failure(lambda: _fetch(server, receiver, seconds=1)).code == "url_timed_out"
    assert time.monotonic() - started < 4


def test_a_body_that_ends_early_is_an_error(serve: Callable[[Handler], _Server], receiver: LocalReceiver) -> None:
    """Half a file is not a file."""
    server = serve(lambda c, _: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
    assert _failure(lambda: _fetch(server, receiver)).code == "url_unreachable"


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000,
        b"\x16\x03\x01",
        b"HTTP/1.1 999999 x\r\n\r\n",
    ],
)
def test_what_is_not_http_is_unreachable(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver, wire: bytes
) -> None:
    """A server that talks nonsense, or too much, or not at all."""
    server = serve(lambda connection, _: connection.sendall(wire))
    assert _failure(lambda: _fetch(server, receiver)).code == "url_unreachable"


def test_a_closed_port_is_unreachable(receiver: LocalReceiver) -> None:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    fetcher = UrlFetcher(MIB, 5, frozenset({host}))
    assert _failure(lambda: fetcher.fetch(f"http://{host}/a", receiver, RecordedControl())).code == "url_unreachable"


def test_cancelling_is_noticed_while_the_server_is_silent(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver
) -> None:
    """A cancelled download ends at once, not at the end of its time."""
    server = serve(lambda *_: time.sleep(5))
    started = time.monotonic()
    control = RecordedControl(cancel_when=lambda _: time.monotonic() - started > 0.5)
    fetcher = UrlFetcher(MIB, 60, frozenset({server.host}))
    with pytest.raises(Cancelled):
        fetcher.fetch(f"http://{server.host}/a", receiver, control)
    assert time.monotonic() - started < 3


def test_a_slow_name_is_given_up(receiver: LocalReceiver) -> None:
    """A resolver that does not answer cannot hold a download."""
    fetcher = UrlFetcher(MIB, 0.5, resolver=lambda *_: time.sleep(5) or [])
    started = time.monotonic()
    problem = _failure(lambda: fetcher.fetch("http://slow.example/a", receiver, RecordedControl()))
    assert problem.code == "url_timed_out"
    assert time.monotonic() - started < 3


def test_an_unknown_name_is_unreachable(receiver: LocalReceiver) -> None:
    """No answer, or a failure of the resolver, is told as such."""
    for resolver in (
        lambda *_: [],
        lambda *_: _raise(socket.gaierror(-2, "unknown")),
        lambda *_: _raise(UnicodeError()),
    ):
        fetcher = UrlFetcher(MIB, 5, resolver=resolver)
        problem = _failure(lambda fetcher=fetcher: fetcher.fetch("http://no.example/a", receiver, RecordedControl()))
        assert (problem.code, problem.detail) == ("url_unreachable", "the name no.example is not known")


def _raise(problem: Exception) -> list[str]:
    raise problem


INSIDE = {
    "intern.example": ["10.0.0.5"],
    "metadata.google.internal": ["169.254.169.254"],
    "localhost": ["127.0.0.1", "::1"],
    "localtest.example": ["127.0.0.1"],
    "mixed.example": ["93.184.215.14", "127.0.0.1"],
    "mixed6.example": ["2606:4700:4700::1111", "fd00::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:4136:e378:8000:63bf:80ff:fffe"],
    "cgnat.example": ["100.64.0.1"],
    "zero.example": ["0.0.0.0"],  # noqa: S104 - a name that must be refused
    "multicast.example": ["224.0.0.1"],
    "link-local6.example": ["fe80::1%eth0"],
}

HOSTILE_URLS = [
    *[f"http://{name}/" for name in INSIDE],
    *[f"https://{name}:8443/" for name in ("intern.example", "localhost", "mixed.example")],
    "http://127.0.0.1/", "http://127.0.0.1:22/", "http://127.1/", "http://127.0.1/", "http://0/", "http://0.0.0.0/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./", "http://127.127.127.127/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://2852039166/",
    "http://0xa9fea9fe/", "http://169.254.43518/", "http://100.64.0.1/", "http://100.100.100.200/", "http://192.0.0.192/", "http://198.18.0.1/",
    "http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[fe80::1]/", "http://[fc00::1]/",
    "http://[fd00:ec2::254]/", "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/", "http://[2001::1]/",
    "http://[ff02::1]/", "http://[2001:db8::1]/", "http://[fe80::1%25lo]/", "http://①②⑦.⓪.⓪.①/", "http://１２７.0.0.1/", "http://127。0。0。1/",
    "http://user:pass@93.184.215.14/", "http://user@127.0.0.1/", "http://:@127.0.0.1/", "http://93.184.215.14@127.0.0.1/",
    "http://127.0.0.1#@93.184.215.14/", "http://127.0.0.1\\@93.184.215.14/", "http://93.184.215.14\\@127.0.0.1/", "http://93.184.215.14&@127.0.0.1/",
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/", "ldap://127.0.0.1/",
    "data:audio/wav;base64,AAAA", "javascript:alert(1)", "jar:http://127.0.0.1!/", "unix:///var/run/docker.sock", "ws://127.0.0.1/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "", " ", "http://", "http:///etc/passwd", "//127.0.0.1/", "127.0.0.1", "/etc/passwd",
    "http:127.0.0.1",
    "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://127.0.0.1:abc/", "http://\0/", "http://127.0.0.1\r\nHost: x/",
    "http://93.184.215.14:22/", "http://93.184.215.14:25/", "https://93.184.215.14:465/", "http://93.184.215.14:0/",
    "http://" + "a" * 9000, "http://" + "a" * 300 + ".example/", "http://xn--a/", "http://.../", "HTTP://127.0.0.1/", "hTTp://LOCALHOST/",
]  # fmt: skip


def _scripted(host: str, port: int) -> list[str]:
    """Names as in the table, numbers as the system reads them; nothing is ever asked of a name server."""
    if host.lower().rstrip(".") in INSIDE:
        return INSIDE[host.lower().rstrip(".")]
    numeric = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(answer[4][0]) for answer in numeric]


def test_there_are_enough_hostile_urls() -> None:
    """At least eighty different ones."""
    assert len(set(HOSTILE_URLS)) >= 80


@pytest.mark.parametrize("url", HOSTILE_URLS, ids=lambda url: ascii(url)[:60])
def test_a_hostile_url_is_refused_without_a_connect(receiver: LocalReceiver, url: str) -> None:
    """Nothing is dialled at all: not one connect, not one question to a name server."""
    fetcher = UrlFetcher(MIB, 5, resolver=_scripted)
    problem = _failure(lambda: fetcher.fetch(url, receiver, RecordedControl()))
    assert problem.code in ("url_refused", "url_unreachable")
    assert [event for event in DIALLED if event[0] != "socket.getaddrinfo"] == []  # type: ignore[index]


@pytest.mark.parametrize("url", [url for url in HOSTILE_URLS if url.strip() and url.isprintable() and url.isascii()])
def test_a_redirect_to_a_hostile_url_is_refused(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver, url: str
) -> None:
    """The allowed server sends us on; only that server is ever dialled."""
    server = serve(_to(url))
    fetcher = UrlFetcher(MIB, 5, frozenset({server.host}), resolver=_scripted)
    problem = _failure(lambda: fetcher.fetch(f"http://{server.host}/a.mp3", receiver, RecordedControl()))
    assert problem.code in ("url_refused", "url_unreachable")
    assert {address for event, address in DIALLED if event == "socket.connect"} == {("127.0.0.1", server.port)}  # type: ignore[misc]


def test_a_name_that_changes_its_mind_is_asked_once(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver
) -> None:
    """Rebinding: the address that was checked is the one that is dialled; a second answer is never asked for."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["192.0.2.7"] if len(asked) == 1 else ["127.0.0.1"]

    server = serve(lambda connection, _: _answer(connection, b"secret"))
    fetcher = UrlFetcher(MIB, 5, resolver=rebinding)
    url = f"http://rebind.example:{server.port}/"
    assert _failure(lambda: fetcher.fetch(url, receiver, RecordedControl())).code == "url_refused"
    assert asked == ["rebind.example"]
    assert server.requests == []


def test_an_exception_is_for_one_host_and_port(serve: Callable[[Handler], _Server], receiver: LocalReceiver) -> None:
    """Allowing `host:port` does not allow that host's other ports."""
    allowed = serve(lambda connection, _: _answer(connection, b"fine"))
    other = serve(lambda connection, _: _answer(connection, b"secret"))
    fetcher = UrlFetcher(MIB, 5, frozenset({allowed.host}))
    fetcher.fetch(f"http://{allowed.host}/", receiver, RecordedControl())
    assert _failure(lambda: fetcher.fetch(f"http://{other.host}/", receiver, RecordedControl())).code == "url_refused"
    assert other.requests == []


def test_the_checked_address_is_dialled_with_the_name_s_host_header(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver
) -> None:
    """A name is resolved by us; the server still learns which name was asked for."""
    server = serve(lambda connection, _: _answer(connection, b"fine"))
    fetcher = UrlFetcher(MIB, 5, frozenset({"pod.example"}), resolver=lambda *_: ["127.0.0.1"])
    fetcher.fetch(f"http://Pod.Example:{server.port}/", receiver, RecordedControl())
    assert f"host: pod.example:{server.port}" in server.requests[0].lower()


def test_tls_asks_for_the_name_and_not_the_address(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver
) -> None:
    """The first TLS message names the host, so its certificate is verified against the name."""
    hello: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        connection, _ = listener.accept()
        with connection:
            hello.append(connection.recv(65_536))

    threading.Thread(target=listen, daemon=True).start()
    port = listener.getsockname()[1]
    fetcher = UrlFetcher(MIB, 5, frozenset({f"pod.example:{port}"}), resolver=lambda *_: ["127.0.0.1"])
    problem = _failure(lambda: fetcher.fetch(f"https://pod.example:{port}/", receiver, RecordedControl()))
    listener.close()
    assert problem.code == "url_unreachable"
    assert b"pod.example" in hello[0]
    assert b"127.0.0.1" not in hello[0]


def test_a_proxy_of_the_environment_is_not_used(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve names itself, beyond our check."""
    proxy = serve(lambda connection, _: _answer(connection, b"proxied"))
    server = serve(lambda connection, _: _answer(connection, b"direct"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{proxy.host}")
    _fetch(server, receiver)
    assert receiver.path.read_bytes() == b"direct"
    assert proxy.requests == []


def test_an_error_never_tells_the_path_or_the_query(
    serve: Callable[[Handler], _Server], receiver: LocalReceiver
) -> None:
    """An address may hold a token; the details of errors name the host at most."""
    server = serve(_to("http://10.0.0.1/private?token=canary-2"))
    for path in ("/x?token=canary-1",):
        detail = _failure(lambda path=path: _fetch(server, receiver, path)).detail or ""
        assert "canary" not in detail
        assert "private" not in detail.replace("not public", "")


def test_an_error_never_tells_addresses_inside(receiver: LocalReceiver) -> None:
    """Whoever asks learns that a name leads inside, and not where to."""
    problem = _failure(
        lambda: UrlFetcher(MIB, 5, resolver=_scripted).fetch("http://intern.example/", receiver, RecordedControl())
    )
    assert problem.code == "url_refused"
    assert INSIDE["intern.example"][0] not in (problem.detail or "")


def test_a_port_that_is_not_the_web_s_is_refused_before_its_name_is_asked_for(receiver: LocalReceiver) -> None:
    """A request to a mail server could be taken for mail; an admin's exception counts for ports as well."""
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(f"{host}:{port}")
        return ["127.0.0.1"]

    refused = _failure(
        lambda: UrlFetcher(MIB, 5, resolver=resolver).fetch("http://mail.example:25/", receiver, RecordedControl())
    )
    assert (refused.code, refused.detail, asked) == ("url_refused", "port 25 is not one of the web's", [])
    nobody = UrlFetcher(MIB, 5, frozenset({"127.0.0.1:9"}), resolver=resolver)
    with suppress(CesarError):
        nobody.fetch("http://127.0.0.1:9/", receiver, RecordedControl())
    assert asked == ["127.0.0.1:9"]


def test_a_full_disk_ends_the_download(serve: Callable[[Handler], _Server], receiver: LocalReceiver) -> None:
    """What the receiver raises passes through untouched."""
    server = serve(lambda connection, _: _answer(connection, bytes(500_000)))

    class Full:
        path = receiver.path

        def write(self, data: bytes) -> None:
            raise CesarError("disk_full")

    fetcher = UrlFetcher(MIB, 5, frozenset({server.host}))
    problem = _failure(lambda: fetcher.fetch(f"http://{server.host}/", Full(), RecordedControl()))  # type: ignore[arg-type]
    assert problem.code == "disk_full"
