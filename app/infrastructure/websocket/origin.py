"""Owns which web pages may use the server: its own, those that are allowed by name, and programs, which send no origin."""

from collections.abc import Collection
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_is_allowed(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """Whether a page of `origin` may use the server that was asked for as `host` (the header, with its port if it has one).

    Browsers let any page open a socket or send a form to any server; the check is the server's.
    Comparison is exact: scheme, host and port of an allowed origin, host and port of the server's own.
    """
    if origin is None:
        return True
    if origin.lower() in {entry.lower().rstrip("/") for entry in allowed}:
        return True
    if host is None:
        return False
    try:
        page = urlsplit(origin)
        port = page.port or _DEFAULT_PORTS.get(page.scheme)
        server = urlsplit(f"{page.scheme}://{host}")
        server_port = server.port or _DEFAULT_PORTS.get(page.scheme)
    except ValueError:
        return False
    if page.scheme not in _DEFAULT_PORTS or origin.lower() != f"{page.scheme}://{page.netloc}".lower():
        return False
    return (
        page.hostname is not None and "@" not in page.netloc and (page.hostname, port) == (server.hostname, server_port)
    )
