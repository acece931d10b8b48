"""Owns the routes of webhooks: what was told of a Job, to whom, and telling it again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.api.errors import documented
from app.api.state import services_of
from app.schemas.webhooks import WebhookDelivery, WebhookDeliveryPage

router = APIRouter(tags=["Webhooks"])


@router.get("/jobs/{job_id}/webhooks", summary="List a job's webhook deliveries", responses=documented(404, 422))
def list_deliveries(
    request: Request,
    job_id: str,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> WebhookDeliveryPage:
    """The delivery log of a Job, oldest first: what was sent or is still to be sent, and how the receiver answered."""
    return services_of(request).webhooks.deliveries(job_id, page, per_page)


@router.post("/jobs/{job_id}/webhooks/{delivery_id}/retry", summary="Send a webhook again", responses=documented(404))
def retry_delivery(request: Request, job_id: str, delivery_id: str) -> WebhookDelivery:
    """Send it again now, whatever came of it before, under the same `webhook-id`. One that is being sent stays as it is."""
    return services_of(request).webhooks.retry(job_id, delivery_id)
