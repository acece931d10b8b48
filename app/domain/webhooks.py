"""Owns who is told of a Job by webhook, and where such an address may lead."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import SplitResult, urlsplit

from app.domain.addresses import is_public
from app.domain.errors import CesarError

MAX_URL_CHARACTERS: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Who is told of a Job: an address (None: nobody), and whether it hears of every status of a Task or of the Job's end alone."""

    url: str | None = None
    statuses: bool = False


NOBODY: Final = WebhookTarget()


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """What this server allows.

    `default_url` is told of a Job whose submission names no address; `allow_private` are the `host` or `host:port` that may have
    any address.
    """

    default_url: str | None = None
    allow_private: frozenset[str] = frozenset()

    def settle(self, wanted: WebhookTarget) -> WebhookTarget:
        """The target of a submission, checked as far as can be seen without asking for the name's address.

        Raises:
            CesarError: `webhook_refused`; `bad_value` if statuses are wanted and there is nobody to tell.
        """
        target = replace(wanted, url=wanted.url or self.default_url)
        if target.url is not None:
            self.check(target.url)
        elif target.statuses:
            raise CesarError("bad_value", "webhook_statuses needs a webhook_url")
        return target

    def check(self, url: str) -> None:
        """Raises `CesarError("webhook_refused")`. Names are looked up only when the connection is opened, and checked again there."""
        if len(url) > MAX_URL_CHARACTERS:
            raise CesarError("webhook_refused", f"longer than {MAX_URL_CHARACTERS} characters")
        parts, port = _split(url)
        host = parts.hostname
        if parts.scheme not in _PORTS:
            raise CesarError("webhook_refused", "only http and https are spoken")
        if not host:
            raise CesarError("webhook_refused", "it names no host")
        if "@" in parts.netloc:
            raise CesarError("webhook_refused", "it holds a user name or a password")
        allowed = {host, f"{host}:{port}"} & {name.lower() for name in self.allow_private}
        if not allowed and _is_inside(host):
            raise CesarError("webhook_refused", f"{host} is not a public address")


def receiver_of(url: str) -> str:
    """Who is called at an address: `host:port` in small letters. Empty if it is not an address."""
    try:
        parts, port = _split(url)
    except CesarError:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname else ""


def _split(url: str) -> tuple[SplitResult, int]:
    if any(character <= " " or character == "\x7f" or _is_half(character) for character in url):
        raise CesarError("webhook_refused", "it holds spaces or control characters")
    try:
        parts = urlsplit(url)
        return parts, _PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
    except ValueError:
        raise CesarError("webhook_refused", "it is not a valid address") from None


def _is_half(character: str) -> bool:
    """Half a character of UTF-16, as JSON can hold it and nothing else can."""
    return "\ud800" <= character <= "\udfff"


def _is_inside(host: str) -> bool:
    """Whether the host is written as a number that is not public, or is this machine by its reserved name."""
    is_number = ":" in host or host.replace(".", "").isdigit()
    return host == "localhost" or (is_number and not is_public(host))
