"""Owns what a socket may ask about and do to Tasks and Jobs."""

from collections.abc import Sequence

from app.domain.job_types import JobState
from app.services.job_service import JobService
from app.services.task_service import TaskService


class TaskDirectory:
    """`app.domain.ports.TaskDirectory` on the services. Blocking."""

    def __init__(self, jobs: JobService, tasks: TaskService) -> None:
        self._jobs = jobs
        self._tasks = tasks

    def tasks_of_job(self, job_id: str) -> list[str]:
        """Public ids of a Job's Tasks in their order. Raises `CesarError("job_not_found")`."""
        return self._jobs.tasks_of_job(job_id)

    def job_states(self, job_ids: Sequence[str]) -> list[JobState]:
        """How far these Jobs are; those that are gone are left out."""
        return self._jobs.states(job_ids)

    def unfinished(self) -> list[str]:
        """Public ids of all Tasks that are not finished, oldest first."""
        return self._jobs.unfinished()

    def cancel(self, task_id: str) -> None:
        """Raises `CesarError`: `task_not_found`, `illegal_move`."""
        self._tasks.cancel(task_id)

    def retry(self, task_id: str) -> None:
        """Raises `CesarError`: `task_not_found`, `illegal_move`."""
        self._tasks.retry(task_id)
