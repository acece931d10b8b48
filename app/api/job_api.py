"""Owns the routes of Jobs: look, cancel, retry, delete – all of a Job at once – and download what an export made."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse

from app.api.errors import documented
from app.api.list_filters import Named, Statuses, WithText, parse_statuses
from app.api.state import services_of, sockets_of
from app.api.stored_response import StoredResponse
from app.domain.errors import CesarError
from app.domain.job_types import JOB_TYPES
from app.schemas.jobs import ImportFolders, Job, JobPage
from app.services.work_filter import JobFilter, JobOrder

router = APIRouter(tags=["Jobs"])


@router.get("/jobs", summary="List jobs", responses=documented(400, 422))
def list_jobs(
    request: Request,
    *,
    status: Statuses = None,
    job_type: str | None = None,
    q: Named = "",
    sort: Annotated[JobOrder, Query(description="The order; `-` in front turns it round.")] = JobOrder.NEWEST,
    text: WithText = True,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JobPage:
    """One page of Jobs, newest first unless `sort` says otherwise; each with the first ten of its Tasks, or of the files it imported."""
    if job_type is not None and job_type not in JOB_TYPES:
        raise CesarError("bad_value", f"job_type must be one of {', '.join(JOB_TYPES)}")
    wanted = JobFilter(parse_statuses(status), q, sort, job_type)
    return services_of(request).queries.jobs(wanted, page, per_page, text=text)


@router.get("/import-folders", summary="Where imports may come from")
def list_import_folders(request: Request) -> ImportFolders:
    """The folders of the server's machine that the admin allowed and that are there: `folder` of an import names one, or one below."""
    return ImportFolders(folders=services_of(request).errands.import_folders())


@router.get("/jobs/{job_id}", summary="Get a job", responses=documented(404))
def get_job(request: Request, job_id: str, text: WithText = True) -> Job:
    """One Job with its Tasks; a Job with one Task shows that Task's result flat."""
    services = services_of(request)
    job = services.queries.job(job_id, text=text)
    return job.model_copy(update={"tasks": services.duplicates.told(job.tasks)})


@router.get(
    "/jobs/{job_id}/archive",
    summary="Download an export",
    response_class=FileResponse,
    responses={
        200: {"content": {"application/zip": {}}},
        206: {"description": "The range that was asked for", "content": {"application/zip": {}}},
        **documented(404, 409, 416),
    },
)
def get_archive(request: Request, job_id: str) -> FileResponse:
    """The archive of a finished export Job, streamed from disk; ranges resume a download that broke off."""
    services = services_of(request)
    archive = services.queries.archive(job_id)
    path = services.storage.path_of(archive.key)
    return StoredResponse(path, CesarError("job_not_found"), media_type="application/zip", filename=archive.filename)


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=documented(404, 409))
def cancel_job(request: Request, job_id: str) -> Job:
    """Cancel what is not finished."""
    services = services_of(request)
    services.jobs.cancel(job_id)
    return services.queries.job(job_id)


@router.post("/jobs/{job_id}/retry", summary="Retry a job", responses=documented(404, 409))
def retry_job(request: Request, job_id: str) -> Job:
    """Queue anew what failed, and only that; an export is made anew."""
    services = services_of(request)
    services.jobs.retry(job_id)
    return services.queries.job(job_id)


@router.delete("/jobs/{job_id}", summary="Delete a job", status_code=204, responses=documented(404))
def delete_job(request: Request, job_id: str) -> None:
    """Remove a Job, its Tasks, its archive, and recordings that no other Task uses. What was imported stays in the library."""
    sockets = sockets_of(request)
    for task_id in services_of(request).jobs.delete(job_id):
        sockets.drop_task(task_id)
