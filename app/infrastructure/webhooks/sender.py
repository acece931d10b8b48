"""Owns the sending of one webhook: signed, over a checked connection, without redirects, bounded in time; the answer's body is not read."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ssl import SSLContext
from typing import Final

import httpcore2
import httpx2

from app.domain.errors import CesarError
from app.infrastructure.net.guarded import Allowance, GuardedBackend, Resolver, system_resolver
from app.infrastructure.webhooks.signing import signature
from app.services.webhook_service import Delivery, Outcome

SEND_SECONDS: Final = 15.0
"""For name, connection, request and answer together; each single wait is at most 10 s."""


class HttpSender:
    """`app.services.webhook_service.Sender` over HTTP/1.1. Proxies of the environment are not used.

    Args:
        key: what signs.
        allow_private: `host` or `host:port` that may be called although their address is private.
        seconds: longest time for one sending.
        clock: seconds since 1970.
        resolver: names to numeric addresses.
        ssl_context: what to trust; default: the system's certificates.
    """

    def __init__(
        self,
        key: bytes,
        allow_private: frozenset[str] = frozenset(),
        *,
        seconds: float = SEND_SECONDS,
        clock: Callable[[], float] = time.time,
        resolver: Resolver = system_resolver,
        ssl_context: SSLContext | None = None,
    ) -> None:
        self._key = key
        self._allow_private = allow_private
        self._seconds = seconds
        self._clock = clock
        self._resolver = resolver
        self._ssl_context = ssl_context

    def send(self, delivery: Delivery) -> Outcome:
        """Blocking. Reasons name the host, never the path or query: those may hold a secret."""
        try:
            url = httpx2.URL(delivery.url)
            status_code, retry_after = self._post(url, delivery)
        except (httpx2.InvalidURL, httpcore2.UnsupportedProtocol):
            return Outcome(error="it is not a valid address", refused=True)
        except CesarError as problem:
            refused, timed_out = problem.code == "url_refused", problem.code == "url_timed_out"
            return Outcome(error=problem.detail, refused=refused, timed_out=timed_out)
        except httpcore2.TimeoutException:
            return Outcome(error=f"{url.host} did not answer in time", timed_out=True)
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as problem:
            return Outcome(error=f"{url.host}: {problem}")
        outcome = Outcome(status_code)
        return outcome if outcome.is_delivered else replace(outcome, retry_after=self._seconds_of(retry_after))

    def _post(self, url: httpx2.URL, delivery: Delivery) -> tuple[int, str]:
        """Status code and `Retry-After` of the answer."""
        backend = GuardedBackend(Allowance(self._seconds, _still_wanted), self._allow_private, self._resolver)
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/")
        headers = self._headers(url, delivery)
        with (
            httpcore2.ConnectionPool(self._ssl_context, network_backend=backend) as pool,
            pool.stream(b"POST", target, headers=headers, content=delivery.payload) as response,
        ):
            asked_for = (value for name, value in response.headers if name.lower() == b"retry-after")
            return response.status, next(asked_for, b"").decode("latin-1")

    def _headers(self, url: httpx2.URL, delivery: Delivery) -> list[tuple[bytes, bytes]]:
        timestamp = int(self._clock())
        return [
            (b"Host", url.netloc),
            (b"User-Agent", b"cesar"),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(len(delivery.payload)).encode()),
            (b"Connection", b"close"),
            (b"webhook-id", delivery.id.encode()),
            (b"webhook-timestamp", str(timestamp).encode()),
            (b"webhook-signature", signature(self._key, delivery.id, timestamp, delivery.payload).encode()),
        ]

    def _seconds_of(self, retry_after: str) -> float | None:
        """`Retry-After` as seconds from now: a number, or a date; None for anything else."""
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after[:9])
        now = datetime.fromtimestamp(self._clock(), UTC)
        try:
            return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
        except (ValueError, TypeError, OverflowError):  # not a date, one without a zone, or one that no calendar holds
            return None


def _still_wanted() -> None:
    """Nobody cancels a webhook."""
