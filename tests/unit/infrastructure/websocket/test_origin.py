"""Which pages may open a socket."""

import pytest

from app.infrastructure.websocket.origin import origin_is_allowed

ALLOWED = frozenset({"https://friend.example", "http://dev.example:3000"})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "cesar.example"),
        ("http://cesar.example", "cesar.example"),
        ("http://cesar.example", "cesar.example:80"),
        ("https://cesar.example", "cesar.example"),
        ("https://cesar.example:8443", "cesar.example:8443"),
        ("HTTP://Cesar.Example:8000", "cesar.example:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("https://friend.example", "cesar.example"),
        ("http://dev.example:3000", "cesar.example"),
    ],
)
def test_own_pages_programs_and_named_origins_are_allowed(origin: str | None, host: str) -> None:
    """Same host and port, no origin at all, or exactly a name of the list."""
    assert origin_is_allowed(origin, host, ALLOWED)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "http://cesar.example:8001",
        "https://cesar.example",
        "http://cesar.example.evil.example:8000",
        "http://cesar.example:8000@evil.example",
        "http://evil.example/cesar.example:8000",
        "http://user@cesar.example:8000",
        "http://cesar.example:8000/",
        "ftp://cesar.example:8000",
        "file://",
        "https://friend.example:444",
        "http://friend.example",
        "https://friend.example.evil.example",
        "https://notfriend.example",
        "http://dev.example:3001",
        "http://[::1",
        "http://cesar.example:port",
    ],
)
def test_all_others_are_refused(origin: str) -> None:
    """Nothing that only looks like it."""
    assert not origin_is_allowed(origin, "cesar.example:8000", ALLOWED)


@pytest.mark.parametrize(
    "origin", ["http://cesar.example", "http://none", "https://none", "http://none:80", "http://None"]
)
def test_without_a_host_only_named_origins_are_allowed(origin: str) -> None:
    """A request that does not say whom it asks proves nothing, not even to a host of that name."""
    assert not origin_is_allowed(origin, None, ALLOWED)
    assert origin_is_allowed("https://friend.example", None, ALLOWED)
