"""Whom the server answers to."""

from typing import Any

import pytest

from app.api.gate import GateRule
from app.core.config import Settings
from app.domain.errors import CesarError

FRIEND = "https://friend.example"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens there in these tests


def refusal(settings: dict[str, Any], method: str = "GET", kind: str = "http", **headers: str) -> str | None:
    """The code with which a request is refused, or None."""
    rule = GateRule(Settings(**settings))
    given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "headers": given, "path": "/", "query_string": b""}
    try:
        rule.check(scope)
    except CesarError as problem:
        return problem.code
    return None


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "LOCALHOST:1",
        "localhost.:80",
        "127.0.0.1",
        "127.0.0.1:8000",
        "[::1]",
        "[::1]:8000",
        "::1",
    ],
)
def test_names_of_this_machine_are_answered_to(host: str) -> None:
    """Any port, because a tunnel or a container may map it."""
    assert refusal({}, host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8000", "localhost.evil.example", "evil.localhost.example", "127.0.0.1.evil.example",
        "127.0.0.1:8000@evil.example", "evil.example/localhost", "", ":8000", "0.0.0.0:8000", "[::1", "[::1]evil:80",
        "localhost:80:80", "10.0.0.7", "localhost evil.example", "[::2]", "localhost\x00", "lo\xe7alhost",
    ],
)  # fmt: skip
def test_other_names_are_refused_on_a_loopback_address(host: str) -> None:
    """A page that points its own name at this machine (DNS rebinding) gets nothing, whatever the method or the kind."""
    for kind, method in (("http", "GET"), ("http", "POST"), ("websocket", "GET")):
        assert refusal({}, method, kind, host=host) == "host_refused"


def test_every_host_header_has_to_be_one_of_ours() -> None:
    """Two of them are nobody's request."""
    rule = GateRule(Settings())
    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"localhost"), (b"host", b"evil.example")]}
    with pytest.raises(CesarError, match="host_refused"):
        rule.check(scope)


def test_a_program_without_a_host_is_answered() -> None:
    """Browsers always name one; what speaks HTTP/1.0 may not."""
    assert refusal({}) is None


@pytest.mark.parametrize(
    ("settings", "host", "refused"),
    [
        ({"allowed_hosts": "cesar.example, Other.example:8443"}, "cesar.example", False),
        ({"allowed_hosts": "cesar.example, Other.example:8443"}, "other.example:1", False),
        ({"allowed_hosts": "cesar.example"}, "localhost", False),
        ({"allowed_hosts": "cesar.example"}, "evil.example", True),
        ({"allowed_hosts": "*"}, "evil.example", False),
        ({"host": "::1"}, "evil.example", True),
        ({"host": "localhost"}, "evil.example", True),
        ({"host": "127.0.0.7"}, "127.0.0.7:8000", False),
        ({"host": "127.0.0.7"}, "evil.example", True),
        ({"host": EVERYWHERE}, "any.example", False),
        ({"host": "::"}, "any.example", False),
        ({"host": "cesar.lan"}, "any.example", False),
        ({"host": EVERYWHERE, "allowed_hosts": "cesar.example"}, "cesar.example", False),
        ({"host": EVERYWHERE, "allowed_hosts": "cesar.example"}, "any.example", True),
        ({"host": "cesar.lan", "allowed_hosts": "cesar.example"}, "cesar.lan", False),
        ({"host": "192.0.2.1", "allowed_hosts": "[2001:db8::1]"}, "[2001:db8::1]:8000", False),
    ],
)
def test_the_settings_say_which_names_are_answered_to(settings: dict[str, Any], host: str, refused: bool) -> None:
    """The named ones, the address listened on, and any where the server listens for others and names nothing."""
    assert refusal(settings, host=host) == ("host_refused" if refused else None)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"origin": "http://localhost:8000"}, False),
        ({"origin": "http://localhost:8000", "sec_fetch_site": "same-origin"}, False),
        ({"origin": FRIEND, "sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"origin": "http://localhost:8000", "sec_fetch_site": "Cross-Site"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://localhost:3000", "sec_fetch_site": "same-site"}, True),
        ({"origin": "http://127.0.0.1:8000"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://friend.example.evil.example"}, True),
        ({"origin": "http://none"}, True),
        ({"origin": "https://none"}, True),
        ({"origin": "http://none:80", "sec_fetch_site": "cross-site"}, True),
    ],
)
def test_a_foreign_page_changes_nothing(method: str, headers: dict[str, str], refused: bool) -> None:
    """The server's own page, named origins and programs may; everything else is refused, an origin of `null` too."""
    settings = {"allowed_origins": FRIEND}
    assert refusal(settings, method, host="localhost:8000", **headers) == ("origin_refused" if refused else None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_is_left_to_the_browser(method: str) -> None:
    """It shows a foreign page nothing of an answer, and a link from elsewhere has to work."""
    assert refusal({}, method, host="localhost", origin="https://evil.example", sec_fetch_site="cross-site") is None


def test_a_handshake_counts_as_a_change() -> None:
    """A socket can be read and written by the page that opened it."""
    assert refusal({}, kind="websocket", host="localhost", origin="https://evil.example") == "origin_refused"
    assert refusal({}, kind="websocket", host="localhost", origin="http://none") == "origin_refused"
    assert refusal({}, kind="websocket", host="localhost", origin="http://localhost") is None


def test_a_page_that_asks_for_no_host_is_refused() -> None:
    """Nobody's own page comes without one."""
    assert refusal({}, "POST", origin="https://none") == "origin_refused"


def test_the_end_a_request_came_in_at_is_a_name_of_ours() -> None:
    """A program that runs the application inside itself calls it what it likes; over a wire this is an address of this machine."""
    rule = GateRule(Settings())
    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"testserver")], "server": ("testserver", 80)}
    rule.check(scope)
    with pytest.raises(CesarError, match="host_refused"):
        rule.check(scope | {"server": ("127.0.0.1", 8000)})
