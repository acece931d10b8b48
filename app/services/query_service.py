"""Owns reading: Tasks, Jobs and transcripts as bodies of the wire contract, each read in one moment of the database."""

from dataclasses import dataclass

from app.domain.errors import CesarError
from app.domain.job_types import EXPORT
from app.models import JobStatus
from app.models import Task as TaskRow
from app.schemas.jobs import Job, JobPage
from app.schemas.tasks import Task, TaskPage, Transcript
from app.services.shown_transcript import shown_transcript
from app.services.store import Store, Transaction
from app.services.transcript_json import WrittenTranscript, transcript_json
from app.services.views import job_digests, job_view, task_view, task_views, transcript_head, transcript_view
from app.services.work_filter import ALL_JOBS, ALL_TASKS, JobFilter, TaskFilter


@dataclass(frozen=True, slots=True)
class Archive:
    """An export's archive: its key in the storage, and the name it is offered under."""

    key: str
    filename: str


class QueryService:
    """Answers questions; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def task(self, task_id: str) -> Task:
        """Raises `CesarError("task_not_found")`."""
        with self._store.read() as tx:
            return task_view(tx, tx.tasks.get(task_id))

    def tasks(
        self, wanted: TaskFilter = ALL_TASKS, page: int = 1, per_page: int = 50, *, text: bool = True
    ) -> TaskPage:
        """One page of Tasks; without `text` no `result_text` is read."""
        with self._store.read() as tx:
            rows, total = tx.tasks.list_all(wanted, page, per_page, text=text)
            return TaskPage(tasks=task_views(tx, rows, text=text), total=total, page=page, per_page=per_page)

    def job(self, job_id: str, *, text: bool = True) -> Job:
        """Without `text` no `result_text` is read. Raises `CesarError("job_not_found")`."""
        with self._store.read() as tx:
            return job_view(tx, tx.jobs.get(job_id), text=text)

    def jobs(self, wanted: JobFilter = ALL_JOBS, page: int = 1, per_page: int = 50, *, text: bool = True) -> JobPage:
        """One page of Jobs; without `text` no `result_text` is read."""
        with self._store.read() as tx:
            rows, total = tx.jobs.list_all(wanted, page, per_page)
            return JobPage(jobs=job_digests(tx, rows, text=text), total=total, page=page, per_page=per_page)

    def archive(self, job_id: str) -> Archive:
        """Where an export's archive rests.

        Raises:
            CesarError: `job_not_found`, `not_found` for a Job that exports nothing, `export_not_ready`.
        """
        with self._store.read() as tx:
            job = tx.jobs.get(job_id)
            if job.job_type != EXPORT:
                raise CesarError("not_found", f"a {job.job_type} job has no archive")
            if job.output_path is None:
                raise CesarError("export_not_ready", f"the job is {job.status.value}")
            return Archive(job.output_path, f"cesar-{job.created_at:%Y%m%d-%H%M%S}.zip")

    def transcript(self, task_id: str) -> Transcript:
        """The segments so far. Raises `CesarError`: `task_not_found`, `transcript_not_ready` before the first segment."""
        with self._store.read() as tx:
            task = tx.tasks.get(task_id)
            _require_transcript(tx, task)
            return transcript_view(tx, task)

    def transcript_json(self, task_id: str, *, words: bool = True) -> WrittenTranscript:
        """The same as its JSON, at once; without `words` it is a quarter as long. Raises the same."""
        with self._store.read() as tx:
            task = tx.tasks.get(task_id)
            _require_transcript(tx, task)
            shown = shown_transcript(tx, task, words=words)
            return transcript_json(transcript_head(task, shown), shown, words=words)

    def transcript_version(self, task_id: str) -> int:
        """The version of what `transcript` answers, without making it. Raises the same."""
        with self._store.read() as tx:
            task = tx.tasks.get(task_id)
            _require_transcript(tx, task)
            return task.transcript_version

    def counts(self) -> tuple[int, int]:
        """How many Tasks wait, and how many run."""
        with self._store.read() as tx:
            waiting = tx.tasks.count(JobStatus.QUEUED)
            return waiting, tx.tasks.count(JobStatus.DOWNLOADING, JobStatus.PROCESSING)


def _require_transcript(tx: Transaction, task: TaskRow) -> None:
    if task.status is not JobStatus.COMPLETED and not tx.transcripts.any_of(task):
        raise CesarError("transcript_not_ready")
