"""Owns the statements about webhook deliveries: written down, claimed atomically, settled."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.webhooks import receiver_of
from app.models import Job, WebhookDelivery


class WebhookRepository:
    """Webhook deliveries, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: Job, url: str, event_type: str, payload: bytes) -> None:
        """Write a delivery down; it is due at once."""
        now = utc_now()
        row = WebhookDelivery(
            job_id=job.id, url=url, receiver=receiver_of(url), event_type=event_type, payload=payload, created_at=now,
            next_attempt_at=now,
        )  # fmt: skip
        self._session.add(row)
        self._session.flush()

    def any_due(self, now: datetime, left_alone: Collection[str]) -> bool:
        """Whether a delivery waits to be sent, those to receivers of `left_alone` not counted."""
        due = select(col(WebhookDelivery.id)).where(_is_due(now), _is_not_to(left_alone)).limit(1)
        return self._session.execute(due).first() is not None

    def give_up_spent(self, now: datetime, most: int, reason: str) -> list[str]:
        """Give up what is due although it was tried `most` times; `reason` where none is known. Their ids."""
        statement = (
            update(WebhookDelivery)
            .where(_is_due(now), col(WebhookDelivery.attempts) >= most)
            .values(
                status="given_up", next_attempt_at=None, last_error=func.coalesce(WebhookDelivery.last_error, reason)
            )
            .returning(col(WebhookDelivery.uuid))
        )
        return list(self._session.scalars(statement, execution_options={"synchronize_session": False}))

    def claim(self, now: datetime, until: datetime, left_alone: Collection[str]) -> WebhookDelivery | None:
        """Take the next due delivery, atomically: until then nobody else gets it. Fewest attempts first, then oldest."""
        order = (col(WebhookDelivery.attempts), col(WebhookDelivery.next_attempt_at), col(WebhookDelivery.id))
        due = select(col(WebhookDelivery.id)).where(_is_due(now), _is_not_to(left_alone))
        first = due.order_by(*order).limit(1)
        statement = (
            update(WebhookDelivery)
            .where(col(WebhookDelivery.id) == first.scalar_subquery(), _is_due(now))
            .values(attempts=col(WebhookDelivery.attempts) + 1, next_attempt_at=until, last_error=None)
            .returning(col(WebhookDelivery.id))
        )
        row = self._session.scalar(statement, execution_options={"synchronize_session": False})
        return None if row is None else self._session.get_one(WebhookDelivery, row)

    def put_back(self, row: int, until: datetime, now: datetime) -> None:
        """Undo the claim that ends at `until`, if it is still the delivery's: due `now`, one attempt less."""
        one_less = col(WebhookDelivery.attempts) - 1
        statement = update(WebhookDelivery).where(col(WebhookDelivery.id) == row, _is_claimed(until))
        self._session.execute(
            statement.values(attempts=one_less, next_attempt_at=now), execution_options={"synchronize_session": False}
        )

    def settle(self, row: int, until: datetime | None, values: dict[str, Any]) -> bool:
        """Store what came of a sending, with `until` only while the claim that ends then is the newest; whether it was stored."""
        statement = update(WebhookDelivery).where(col(WebhookDelivery.id) == row)
        if until is not None:
            statement = statement.where(_is_claimed(until))
        stored = self._session.execute(statement.values(**values).returning(col(WebhookDelivery.id)))
        return stored.first() is not None

    def get(self, job: Job, uuid: str) -> WebhookDelivery:
        """Raises `CesarError("not_found")` if it is not this Job's."""
        mine = select(WebhookDelivery).where(col(WebhookDelivery.job_id) == job.id, col(WebhookDelivery.uuid) == uuid)
        row = self._session.scalars(mine).one_or_none()
        if row is None:
            raise CesarError("not_found", "the job has no such delivery")
        return row

    def of_job(self, job: Job, page: int, per_page: int) -> tuple[list[WebhookDelivery], int]:
        """One page, oldest first, and how many there are."""
        chosen = select(WebhookDelivery).where(col(WebhookDelivery.job_id) == job.id)
        total = self._session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
        oldest = chosen.order_by(col(WebhookDelivery.id)).offset((page - 1) * per_page).limit(per_page)
        return list(self._session.scalars(oldest)), total

    def send_again(self, row: WebhookDelivery, now: datetime) -> None:
        """Make it due now, as if never sent; one that is being sent stays as it is, so that none is sent twice at once."""
        if _is_being_sent(row, now):
            return
        row.status, row.attempts, row.next_attempt_at, row.delivered_at = "waiting", 0, now, None
        self._session.add(row)
        self._session.flush()


def _is_due(now: datetime) -> ColumnElement[bool]:
    return (col(WebhookDelivery.status) == "waiting") & (col(WebhookDelivery.next_attempt_at) <= now)


def _is_not_to(receivers: Collection[str]) -> ColumnElement[bool]:
    return col(WebhookDelivery.receiver).not_in(receivers)


def _is_claimed(until: datetime) -> ColumnElement[bool]:
    """The end of a claim tells it from every other: attempts begin to count anew when a person asks for the message again."""
    return (col(WebhookDelivery.status) == "waiting") & (col(WebhookDelivery.next_attempt_at) == until)


def _is_being_sent(row: WebhookDelivery, now: datetime) -> bool:
    """A claim clears the last error and every failure leaves one: attempts without an error are those of a sender at work."""
    claimed = row.status == "waiting" and row.attempts > 0 and row.last_error is None
    return claimed and row.next_attempt_at is not None and row.next_attempt_at > now
