"""Owns the life of deliveries: which is sent next, what an answer means for it, when it is tried again, and their log."""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.disclosure import shown_receiver
from app.domain.webhooks import receiver_of
from app.models import WebhookDelivery
from app.schemas import webhooks as wire
from app.services.store import Store

CLAIM_SECONDS: Final = 30.0
"""How long a delivery is its sender's; a sender that was killed lets it go after this. Longer than any sending may take."""

LONGEST_PAUSE_SECONDS: Final = 3600.0
"""Neither growing pauses nor a receiver's `Retry-After` go beyond."""

_CHANCE: Final = random.SystemRandom()
_MOST_DOUBLINGS: Final = 30
_GONE: Final = 410
_SENDER_ENDED: Final = "its sender ended"
_DETAIL_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sender has to send. `attempt` counts from 1; the claim is its sender's `until` then, and no two claims end alike."""

    row: int
    id: str
    url: str
    payload: bytes
    attempt: int
    until: datetime

    @property
    def receiver(self) -> str:
        """Whom it goes to, as `host:port`."""
        return receiver_of(self.url)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one sending: the receiver's status code, or why there is none.

    `retry_after` is what the receiver asked for, in seconds; `refused` says that this address will never be called,
    `timed_out` that the receiver took all the time there was.
    """

    status_code: int | None = None
    error: str | None = None
    retry_after: float | None = None
    refused: bool = False
    timed_out: bool = False

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def is_final(self) -> bool:
        """Whether trying again would be no use."""
        return self.refused or self.status_code == _GONE

    @property
    def reason(self) -> str:
        """Why it was not delivered."""
        return (self.error or f"the receiver answered {self.status_code}")[:_DETAIL_CHARACTERS]


class Sender(Protocol):
    """Sends one delivery, signed; takes less than `CLAIM_SECONDS`."""

    def send(self, delivery: Delivery) -> Outcome:
        """Blocking. What cannot be sent is an outcome, not an error."""


class WebhookService:
    """Deliveries, from the database to the database. Blocking.

    Args:
        max_attempts: sendings before a delivery is given up.
        first_pause_seconds: upper end of the pause after the first failure; it doubles with each.
        chance: between 0 and 1, for jitter: receivers that come back are not met by everybody at once.
        now: the time.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_attempts: int,
        first_pause_seconds: float,
        chance: Callable[[], float] = _CHANCE.random,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._max_attempts = max_attempts
        self._first_pause = first_pause_seconds
        self._chance = chance
        self._now = now

    def claim(self, left_alone: Collection[str] = ()) -> Delivery | None:
        """Take a delivery that is due, atomically; first attempts go before repeated ones. None if nothing is due.

        One whose last allowed sender never settled it is given up here: whatever ended that one may be the message's doing.
        Receivers (`host:port`) of `left_alone` are passed over.
        """
        now = self._now()
        until = now + timedelta(seconds=CLAIM_SECONDS)
        with self._store.read() as tx:
            if not tx.webhooks.any_due(now, left_alone):
                return None
        with self._store.write() as tx:
            spent = tx.webhooks.give_up_spent(now, self._max_attempts, _SENDER_ENDED)
            row = tx.webhooks.claim(now, until, left_alone)
            claimed = Delivery(row.id, row.uuid, row.url, row.payload, row.attempts, until) if row else None
        for delivery_id in spent:
            logger.warning(
                "webhook_given_up", delivery_id=delivery_id, attempt=self._max_attempts, reason=_SENDER_ENDED
            )
        return claimed

    def put_back(self, deliveries: Sequence[Delivery]) -> None:
        """Their sender ends: they are due now, and these attempts do not count. Those that were settled stay as they are."""
        if not deliveries:
            return
        with self._store.write() as tx:
            for delivery in deliveries:
                tx.webhooks.put_back(delivery.row, delivery.until, self._now())

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Remember what came of a sending. A delivery that meanwhile was taken over, or went with its Job, stays as it is."""
        values = self._delivered(outcome) if outcome.is_delivered else self._not_delivered(delivery, outcome)
        with self._store.write() as tx:
            # That the receiver has it is true whoever holds the delivery by now.
            stored = tx.webhooks.settle(delivery.row, None if outcome.is_delivered else delivery.until, values)
        if stored:
            _log(delivery, outcome, values["status"])

    def deliveries(self, job_id: str, page: int, per_page: int) -> wire.WebhookDeliveryPage:
        """A Job's log. Raises `CesarError("job_not_found")`."""
        with self._store.read() as tx:
            rows, total = tx.webhooks.of_job(tx.jobs.get(job_id), page, per_page)
            shown = [_view(row) for row in rows]
            return wire.WebhookDeliveryPage(deliveries=shown, total=total, page=page, per_page=per_page)

    def retry(self, job_id: str, delivery_id: str) -> wire.WebhookDelivery:
        """Send it again now, with all its attempts before it; nothing changes while it is being sent.

        Raises:
            CesarError: `job_not_found`, `not_found` for a delivery that is not this Job's.
        """
        with self._store.write(durable=True) as tx:
            row = tx.webhooks.get(tx.jobs.get(job_id), delivery_id)
            tx.webhooks.send_again(row, self._now())
            return _view(row)

    def _delivered(self, outcome: Outcome) -> dict[str, Any]:
        return {
            "status": "delivered",
            "next_attempt_at": None,
            "last_status_code": outcome.status_code,
            "last_error": None,
            "delivered_at": self._now(),
        }

    def _not_delivered(self, delivery: Delivery, outcome: Outcome) -> dict[str, Any]:
        given_up = outcome.is_final or delivery.attempt >= self._max_attempts
        return {
            "status": "given_up" if given_up else "waiting",
            "next_attempt_at": None if given_up else self._now() + self._pause(delivery.attempt, outcome.retry_after),
            "last_status_code": outcome.status_code,
            "last_error": outcome.reason,
        }

    def _pause(self, attempt: int, retry_after: float | None) -> timedelta:
        """Exponential back-off with full jitter; not sooner than the receiver asked for, within bounds."""
        longest = min(self._first_pause * 2 ** min(attempt - 1, _MOST_DOUBLINGS), LONGEST_PAUSE_SECONDS)
        asked_for = min(retry_after or 0.0, LONGEST_PAUSE_SECONDS)
        return timedelta(seconds=max(longest * self._chance(), asked_for))


def _view(row: WebhookDelivery) -> wire.WebhookDelivery:
    return wire.WebhookDelivery(
        id=row.uuid,
        url=shown_receiver(row.url),
        event_type=row.event_type,
        status=row.status,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_status_code=row.last_status_code,
        last_error=row.last_error,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
    )


def _log(delivery: Delivery, outcome: Outcome, status: str) -> None:
    if status == "delivered":
        logger.info("webhook_delivered", delivery_id=delivery.id, attempt=delivery.attempt)
    elif status == "waiting":
        logger.info("webhook_put_off", delivery_id=delivery.id, attempt=delivery.attempt, reason=outcome.reason)
    else:
        logger.warning("webhook_given_up", delivery_id=delivery.id, attempt=delivery.attempt, reason=outcome.reason)
