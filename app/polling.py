"""Owns the answers of the polling endpoint: made from the progress columns, kept until somebody commits something."""

from app.api.state import CurrentProgress
from app.domain.lifecycle import JobStatus
from app.domain.progress import TaskProgressStage
from app.infrastructure.database.progress_reader import ProgressReader, ProgressRow
from app.schemas.tasks import TaskProgress


class Polling:
    """`app.api.state.ProgressSource` on the polling read. Answers are kept for as long as nobody commits anything."""

    def __init__(self, reader: ProgressReader) -> None:
        self._reader = reader
        self._version = -1
        self._answers: dict[str, CurrentProgress] = {}

    def read(self, task_id: str) -> CurrentProgress | None:
        """The Task's progress now; None for an unknown Task."""
        version = self._reader.version()
        if version != self._version:
            self._version = version
            self._answers.clear()
        answer = self._answers.get(task_id)
        if answer is None and (row := self._reader.read(task_id)) is not None:
            answer = self._answers[task_id] = _current_progress(task_id, row)
        return answer


def _current_progress(task_id: str, row: ProgressRow) -> CurrentProgress:
    body = TaskProgress(
        identifier=task_id,
        status=JobStatus(row.status),
        progress_percentage=row.progress_percentage or 0,
        progress_stage=TaskProgressStage(row.progress_stage) if row.progress_stage else None,
        error=row.error,
        seq=row.seq,
        stage_percentage=row.stage_percentage,
        eta_seconds=row.eta_seconds,
        stalled=bool(row.stalled),
        queue_position=row.queue_position,
        message=row.message,
        attempt=row.attempt,
        error_code=row.error_code,
        uploading=row.status == JobStatus.QUEUED and row.queue_position is None,
    )
    return CurrentProgress(body, body.model_dump_json(), f'"{row.epoch}-{row.seq}-{row.queue_position or 0}"')
