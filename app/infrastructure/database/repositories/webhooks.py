"""Owns the statements about webhook deliveries: written down, claimed atomically, settled."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.models import Job, WebhookDelivery


class WebhookRepository:
    """Webhook deliveries, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: Job, url: str, event_type: str, payload: bytes) -> None:
        """Write a delivery down; it is due at once."""
        now = utc_now()
        row = WebhookDelivery(
            job_id=job.id, url=url, event_type=event_type, payload=payload, created_at=now, next_attempt_at=now
        )
        self._session.add(row)
        self._session.flush()

    def any_due(self, now: datetime) -> bool:
        """Whether a delivery waits to be sent."""
        return self._session.execute(select(col(WebhookDelivery.id)).where(_is_due(now)).limit(1)).first() is not None

    def claim(self, now: datetime, until: datetime) -> WebhookDelivery | None:
        """Take the next due delivery, atomically: until then nobody else gets it. Fewest attempts first, then oldest."""
        order = (col(WebhookDelivery.attempts), col(WebhookDelivery.next_attempt_at), col(WebhookDelivery.id))
        first = select(col(WebhookDelivery.id)).where(_is_due(now)).order_by(*order).limit(1)
        statement = (
            update(WebhookDelivery)
            .where(col(WebhookDelivery.id) == first.scalar_subquery(), _is_due(now))
            .values(attempts=col(WebhookDelivery.attempts) + 1, next_attempt_at=until, last_error=None)
            .returning(col(WebhookDelivery.id))
        )
        row = self._session.scalar(statement, execution_options={"synchronize_session": False})
        return None if row is None else self._session.get_one(WebhookDelivery, row)

    def settle(self, row: int, attempt: int | None, values: dict[str, Any]) -> bool:
        """Store what came of a sending, with `attempt` only while that is still the newest; whether it was stored."""
        statement = update(WebhookDelivery).where(col(WebhookDelivery.id) == row)
        if attempt is not None:
            statement = statement.where(
                col(WebhookDelivery.status) == "waiting", col(WebhookDelivery.attempts) == attempt
            )
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


def _is_being_sent(row: WebhookDelivery, now: datetime) -> bool:
    """A claim clears the last error and every failure leaves one: attempts without an error are those of a sender at work."""
    claimed = row.status == "waiting" and row.attempts > 0 and row.last_error is None
    return claimed and row.next_attempt_at is not None and row.next_attempt_at > now
