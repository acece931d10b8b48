"""Owns the answer to a submission: the Job that came of it."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.state import services_of


async def accepted(request: Request, job_id: str) -> Response:
    """202 with the Job, what is known of its duplicates, and its address."""
    services = services_of(request)
    job = await run_in_threadpool(services.queries.job, job_id)
    job = await run_in_threadpool(services.duplicates.answer, job)
    return Response(
        job.model_dump_json(), status_code=202, media_type="application/json", headers={"location": f"/jobs/{job_id}"}
    )
