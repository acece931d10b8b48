"""Which addresses may be told of a Job, as far as the address itself shows."""

import pytest

from app.domain.errors import CesarError
from app.domain.webhooks import NOBODY, WebhookRules, WebhookTarget, receiver_of

RULES = WebhookRules(allow_private=frozenset({"127.0.0.1:9000", "Hooks.Internal"}))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hook",
        "http://example.org:8080/hook?key=1",
        "https://93.184.215.14/",
        "http://127.0.0.1:9000/hook",
        "http://hooks.internal/",
    ],
)
def test_a_public_or_allowed_address_may_be_told(url: str) -> None:
    """Public names and numbers pass, and private ones that the settings name."""
    assert RULES.settle(WebhookTarget(url)).url == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "https://example.org/\ud800",
        "file:///etc/passwd",
        "example.org/hook",
        "https://",
        "https://user:hunter2@example.org/",
        "https://user@example.org/",
        "http://127.0.0.1/",
        "http://127.0.0.1:9001/hook",
        "http://localhost:9000/",
        "http://10.0.0.7/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://example.org/\r\nX-Evil: 1",
        "https://example.org/" + "a" * 2000,
    ],
)
def test_what_can_be_seen_to_be_wrong_is_refused(url: str) -> None:
    """Other schemes, user names, private numbers in any notation, control characters and broken addresses are refused."""
    with pytest.raises(CesarError) as refused:
        RULES.settle(WebhookTarget(url))
    assert refused.value.code == "webhook_refused"
    assert "hunter2" not in str(refused.value)


def test_the_default_is_told_unless_a_submission_names_its_own() -> None:
    """A submission's own address goes before the server's, and statuses go to either."""
    rules = WebhookRules(default_url="https://default.example.org/")
    assert rules.settle(NOBODY) == WebhookTarget("https://default.example.org/")
    assert rules.settle(WebhookTarget(None, statuses=True)) == WebhookTarget("https://default.example.org/", True)
    assert rules.settle(WebhookTarget("https://own.example.org/")).url == "https://own.example.org/"


def test_statuses_for_nobody_are_a_mistake() -> None:
    """Whoever asks for statuses without an address is told."""
    with pytest.raises(CesarError, match="webhook_url"):
        RULES.settle(WebhookTarget(None, statuses=True))
    assert RULES.settle(NOBODY) == NOBODY


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://Example.org/a?b", "example.org:443"),
        ("http://example.org:8080", "example.org:8080"),
        ("http://[::1]/", "::1:80"),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_a_receiver_is_a_host_and_its_port(url: str, receiver: str) -> None:
    """The same for every address there; empty where there is none."""
    assert receiver_of(url) == receiver
