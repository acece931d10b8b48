"""Owns the routes of Jobs: look, cancel, retry, delete – all of a Job at once."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.api.errors import documented
from app.api.state import services_of, sockets_of
from app.api.status_filter import parse_status
from app.schemas.jobs import Job, JobPage

router = APIRouter(tags=["Jobs"])


@router.get("/jobs", summary="List jobs", responses=documented(400, 422))
def list_jobs(
    request: Request,
    status: str | None = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JobPage:
    """One page of Jobs, newest first."""
    return services_of(request).queries.jobs(parse_status(status), page, per_page)


@router.get("/jobs/{job_id}", summary="Get a job", responses=documented(404))
def get_job(request: Request, job_id: str) -> Job:
    """One Job with its Tasks; a Job with one Task shows that Task's result flat."""
    return services_of(request).queries.job(job_id)


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=documented(404, 409))
def cancel_job(request: Request, job_id: str) -> Job:
    """Cancel what is not finished."""
    services = services_of(request)
    services.jobs.cancel(job_id)
    return services.queries.job(job_id)


@router.post("/jobs/{job_id}/retry", summary="Retry a job", responses=documented(404, 409))
def retry_job(request: Request, job_id: str) -> Job:
    """Queue anew what failed, and only that."""
    services = services_of(request)
    services.jobs.retry(job_id)
    return services.queries.job(job_id)


@router.delete("/jobs/{job_id}", summary="Delete a job", status_code=204, responses=documented(404))
def delete_job(request: Request, job_id: str) -> None:
    """Remove a Job, its Tasks, and recordings that no other Task uses."""
    sockets = sockets_of(request)
    for task_id in services_of(request).jobs.delete(job_id):
        sockets.drop_task(task_id)
