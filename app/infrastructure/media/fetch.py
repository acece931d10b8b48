"""Owns the download of a recording from a URL: one GET at a time, redirects followed by hand, everything bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Final

import httpcore2
import httpx2

from app.domain.errors import CesarError
from app.domain.ports import Download, Receiver, RunControl
from app.infrastructure.media.disposition import download_filename
from app.infrastructure.net.guarded import Allowance, GuardedBackend, Resolver, system_resolver

MAX_REDIRECTS: Final = 5
MAX_URL_CHARACTERS: Final = 8192
_PAGES: Final = ("text/html", "application/xhtml+xml")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_STATUS_CODES: Final = {
    401: "url_forbidden",
    403: "url_forbidden",
    404: "url_not_found",
    410: "url_not_found",
    451: "url_forbidden",
}


class WebPage(CesarError):
    """What is at the address is a page, not a recording; nothing of it was kept."""

    def __init__(self) -> None:
        super().__init__("not_media", "the address leads to a web page")


class UrlFetcher:
    """The `Fetcher` port over HTTP/1.1. Synchronous; safe for use from several threads. Proxies of the environment are not used.

    Args:
        max_bytes: largest body, in bytes.
        timeout_seconds: for the whole download, redirects included.
        allow_private: `host` or `host:port` that may be fetched although their address is private.
        resolver: names to numeric addresses.
        ssl_context: what to trust; default: the system's certificates.
    """

    def __init__(
        self,
        max_bytes: int,
        timeout_seconds: float,
        allow_private: frozenset[str] = frozenset(),
        *,
        resolver: Resolver = system_resolver,
        ssl_context: SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
        self._allow_private = allow_private
        self._resolver = resolver
        self._ssl_context = ssl_context

    def fetch(self, url: str, receiver: Receiver, control: RunControl) -> Download:
        """Stream the body into `receiver`, which the caller commits or, after any failure, abandons.

        Details of errors name the host, never the path or query: those may hold a secret.
        Raises `CesarError` as the port says, `WebPage` at the beginning of one; `Cancelled`.
        """
        allowance = Allowance(self._timeout_seconds, control.check)
        target = _checked(url)
        for _ in range(MAX_REDIRECTS + 1):
            with self._get(target, allowance) as response:
                if response.status not in _REDIRECTS:
                    self._receive(response, receiver, control)
                    return Download(filename=_filename(response, target))
                target = _next(target, response)
        raise CesarError("url_unreachable", f"more than {MAX_REDIRECTS} redirects")

    @contextmanager
    def _get(self, url: httpx2.URL, allowance: Allowance) -> Iterator[httpcore2.Response]:
        backend = GuardedBackend(allowance, self._allow_private, self._resolver)
        with _naming_failures(url), httpcore2.ConnectionPool(self._ssl_context, network_backend=backend) as pool:
            target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/")
            headers = [
                (b"Host", url.netloc),
                (b"User-Agent", b"cesar"),
                (b"Accept", b"audio/*, video/*, */*;q=0.5"),
                (b"Accept-Encoding", b"identity"),
                (b"Connection", b"close"),
            ]
            with pool.stream(b"GET", target, headers=headers) as response:
                yield response

    def _receive(self, response: httpcore2.Response, receiver: Receiver, control: RunControl) -> None:
        if response.status != 200:
            code = _STATUS_CODES.get(response.status, "url_unreachable")
            raise CesarError(code, f"the other server answered {response.status}")
        if _header(response, b"content-encoding").lower() not in ("", "identity"):
            raise CesarError("url_unreachable", "the other server sends it compressed, although asked not to")
        expected = _length(response)
        self._refuse_more_than_limit(expected or 0)
        done = 0
        for chunk in response.iter_stream():
            if not done and _begins_page(response, chunk):
                raise WebPage
            done += len(chunk)
            self._refuse_more_than_limit(done)
            receiver.write(chunk)
            if expected:
                control.fraction(done / expected)

    def _refuse_more_than_limit(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            raise CesarError("too_large", f"more than {self._max_bytes} bytes")


def _checked(url: str) -> httpx2.URL:
    if len(url) > MAX_URL_CHARACTERS:
        raise CesarError("url_refused", f"longer than {MAX_URL_CHARACTERS} characters")
    try:
        parsed = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError, TypeError) as problem:
        raise CesarError("url_refused", "it is not a valid address") from problem
    if parsed.scheme not in ("http", "https"):
        raise CesarError("url_refused", "only http and https are fetched")
    if parsed.userinfo:
        raise CesarError("url_refused", "it holds a user name or a password")
    if not parsed.raw_host or parsed.port == 0:  # below, 0 would be taken for "not given"
        raise CesarError("url_refused", "it names no host, or no port")
    return parsed


def _next(url: httpx2.URL, response: httpcore2.Response) -> httpx2.URL:
    location = _header(response, b"location")
    if not location:
        raise CesarError("url_unreachable", "a redirect to nowhere")
    try:
        return _checked(str(url.join(location)))
    except (httpx2.InvalidURL, ValueError) as problem:
        raise CesarError("url_refused", "it redirects to something that is not a valid address") from problem


@contextmanager
def _naming_failures(url: httpx2.URL) -> Iterator[None]:
    try:
        yield
    except httpcore2.TimeoutException as problem:
        raise CesarError("url_timed_out", f"{url.host} did not answer in time") from problem
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as problem:
        raise CesarError("url_unreachable", f"{url.host}: {problem}"[:300]) from problem


def _header(response: httpcore2.Response, name: bytes) -> str:
    """UTF-8 as many servers send it, else Latin-1 as the standard had it; "" if absent."""
    value: bytes = next((value for key, value in response.headers if key.lower() == name), b"")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _begins_page(response: httpcore2.Response, chunk: bytes) -> bool:
    """By both of its marks: servers call recordings pages, too."""
    kind = _header(response, b"content-type").partition(";")[0].strip().lower()
    return kind in _PAGES and chunk.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"<")


def _length(response: httpcore2.Response) -> int | None:
    text = _header(response, b"content-length")
    return int(text) if text.isascii() and text.isdigit() else None


def _filename(response: httpcore2.Response, url: httpx2.URL) -> str:
    path = url.raw_path.decode("ascii").partition("?")[0]
    return download_filename(_header(response, b"content-disposition"), path)
