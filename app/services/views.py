"""Owns how Tasks, Jobs and transcripts look from outside: rows in, bodies of the wire contract out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from app.domain.disclosure import shown_receiver, shown_text
from app.domain.edits import ShownSegment, ShownTranscript
from app.domain.errors import CATALOGUE
from app.domain.job_types import ERRANDS
from app.domain.lifecycle import FINISHED
from app.domain.options import TranscriptionOptions
from app.domain.progress import TaskProgressStage
from app.models import File, Job, JobStatus, Task
from app.schemas import jobs as wire_jobs
from app.schemas import tasks as wire
from app.services.file_views import shown_name
from app.services.shown_transcript import shown_transcript
from app.services.store import Transaction

SHOWN_IN_LISTS: Final = 10
"""How many Tasks and Files of each Job a list shows; the Job itself has them all."""

BEGINNING_CHARACTERS: Final = 240
"""How much of a result a list shows that leaves the results out."""

_SHARED_WITH_ONLY_TASK = (
    "speaker_count",
    "diarized",
    "diarization_error",
    "diarization_error_code",
    "detected_language",
    "result_text",
    "error",
)


def task_views(tx: Transaction, tasks: Collection[Task], *, text: bool = True) -> list[wire.Task]:
    """Tasks as their bodies, with or without their results' text; their places in the queue are read all at once."""
    positions = tx.lists.positions(tasks)
    if text:
        return [_task_body(task, positions.get(task.id), task.result_text) for task in tasks]
    begins = tx.lists.beginnings(tasks, BEGINNING_CHARACTERS)
    return [_task_body(task, positions.get(task.id), None, begins.get(task.id)) for task in tasks]


def task_view(tx: Transaction, task: Task) -> wire.Task:
    """One Task as its body."""
    return _task_body(task, tx.tasks.queue_position(task), task.result_text)


def _task_body(task: Task, queue_position: int | None, text: str | None, begins: str | None = None) -> wire.Task:
    failure = CATALOGUE.get(task.error_code or task.diarization_error_code or "")
    # Whoever is queued without a place in the queue waits for nothing but the recording.
    is_uploading = task.status is JobStatus.QUEUED and queue_position is None
    return wire.Task(
        id=task.uuid,
        job_id=task.job.uuid,
        file_id=task.file.uuid,
        filename=shown_name(task.file),
        status=task.status,
        progress_percentage=task.progress_percentage or 0,
        progress_stage=task.progress_stage,
        stage_percentage=task.stage_percentage,
        message=task.progress_message,
        eta_seconds=task.eta_seconds,
        stalled=task.stalled,
        queue_position=queue_position,
        attempt=task.attempt,
        seq=task.last_seq,
        epoch=task.epoch,
        duration_seconds=task.file.duration_seconds,
        engine=task.engine,
        model=task.model,
        device=task.device,
        detected_language=task.detected_language,
        language_probability=task.language_probability,
        result_text=text,
        beginning=begins if text is None else text[:BEGINNING_CHARACTERS],
        speaker_count=task.speaker_count,
        diarized=task.diarized,
        diarization_error=task.diarization_error,
        diarization_error_code=task.diarization_error_code,
        warnings=task.warnings,
        error=task.error,
        error_code=task.error_code,
        technical_detail=shown_text(task.technical_detail),
        retryable=failure.retryable if failure else None,
        remedy=failure.remedy if failure else None,
        options=_options(task.job.options | task.options),
        created_at=task.created_at,
        started_at=task.started_at,
        completed_at=task.completed_at,
        links=task_links(task, is_uploading=is_uploading),
        uploading=is_uploading,
        reused_from=task.reused_from,
    )


def task_links(task: Task, *, is_uploading: bool = False) -> wire.TaskLinks:
    """Where a Task and what belongs to it are."""
    here = f"/tasks/{task.uuid}"
    return wire.TaskLinks(
        self=here,
        progress=f"{here}/progress",
        events=f"{here}/events",
        transcript=f"{here}/transcript",
        socket=f"/ws/tasks/{task.uuid}",
        upload=f"/uploads/{task.uuid}" if is_uploading else None,
    )


def job_links(job: Job) -> wire_jobs.JobLinks:
    """Where a Job is."""
    here = f"/jobs/{job.uuid}"
    return wire_jobs.JobLinks(self=here, socket="/ws", archive=f"{here}/archive" if job.output_path else None)


def job_view(tx: Transaction, job: Job, *, text: bool = True) -> wire_jobs.Job:
    """One Job as its body, with all its Tasks and Files; with one Task, that Task's fields are shown flat. `text` as above."""
    rows = tx.lists.tasks_of(job, text=text)
    tasks = task_views(tx, rows, text=text)
    return _job_body(
        job, tasks, job.files, _leading(tasks), percentage=_mean_percentage(tasks), asked=_asked(job, rows)
    )


def job_digests(tx: Transaction, jobs: Sequence[Job], *, text: bool = True) -> list[wire_jobs.Job]:
    """Jobs as a list shows them: with the first of their Tasks and Files, with or without the text of results."""
    digests = tx.lists.digests(jobs, SHOWN_IN_LISTS, text=text)
    rows = {
        task.id: task for digest in digests.values() for task in (*digest.tasks, digest.leading) if task is not None
    }
    shown = {view.id: view for view in task_views(tx, list(rows.values()), text=text)}
    return [
        _job_body(
            job,
            [shown[task.uuid] for task in digest.tasks],
            digest.files,
            shown[digest.leading.uuid] if digest.leading else None,
            percentage=digest.percentage,
            asked=_asked(job, digest.tasks),
        )
        for job in jobs
        for digest in [digests[job.id]]
    ]


def _job_body(
    job: Job,
    tasks: list[wire.Task],
    files: Sequence[File],
    leading: wire.Task | None,
    *,
    percentage: int | None,
    asked: Mapping[str, Any],
) -> wire_jobs.Job:
    only = tasks[0] if len(tasks) == 1 and job.progress_total == 1 else None
    is_errand = job.job_type in ERRANDS
    return wire_jobs.Job(
        id=job.uuid,
        job_id=job.uuid,
        job_type=job.job_type,
        status=job.status,
        progress_current=job.progress_current,
        progress_total=job.progress_total,
        progress=_counted(job) if is_errand else percentage,
        progress_phase=leading.progress_stage if leading else None,
        progress_phase_pct=leading.stage_percentage if leading else None,
        download_progress=_download_progress(leading),
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
        error_message=job.error_message,
        retry_count=job.retry_count,
        model_size=asked["model"],
        language=asked["language"],
        diarize=bool(asked["diarize"]),
        min_speakers=asked["min_speakers"],
        max_speakers=asked["max_speakers"],
        tasks=tasks,
        files=[wire_jobs.JobFile(id=file.uuid, filename=file.original_filename) for file in files] if is_errand else [],
        asked=_errand_request(job) if is_errand else None,
        webhook_url=shown_receiver(job.webhook_url) if job.webhook_url else None,
        webhook_statuses=job.webhook_statuses,
        links=job_links(job),
        **({name: getattr(only, name) for name in _SHARED_WITH_ONLY_TASK} if only else {}),
    )


def _errand_request(job: Job) -> wire_jobs.ErrandRequest:
    selection = job.options.get("selection", {})
    return wire_jobs.ErrandRequest(
        folder=job.options.get("folder"),
        formats=job.options.get("formats", []),
        tag=selection.get("tag"),
        **{kind: len(selection.get(kind, ())) for kind in ("files", "tasks", "jobs")},
    )


def _asked(job: Job, tasks: Sequence[Task]) -> dict[str, Any]:
    """What the Job asks for now: with one Task, what its latest retry changed lies over the submission."""
    submitted = {
        "model": job.model_size,
        "language": job.language,
        "diarize": job.diarize,
        "min_speakers": job.min_speakers,
        "max_speakers": job.max_speakers,
    }
    return submitted | (tasks[0].options if len(tasks) == 1 and job.progress_total == 1 else {})


def transcript_view(tx: Transaction, task: Task) -> wire.Transcript:
    """A Task's transcript as it is shown, as far as it goes."""
    shown = shown_transcript(tx, task)
    segments = [segment_view(index, segment) for index, segment in enumerate(shown.segments)]
    return transcript_head(task, shown).model_copy(update={"segments": segments})


def transcript_head(task: Task, shown: ShownTranscript) -> wire.Transcript:
    """What is told of a transcript beside its segments."""
    return wire.Transcript(
        task_id=task.uuid,
        filename=shown_name(task.file),
        language=task.detected_language,
        engine=task.engine,
        model=task.model,
        duration_seconds=task.file.duration_seconds,
        text=shown.text,
        segments=[],
        version=task.transcript_version,
        speakers=speakers_view(shown),
        unplaced_edits=shown.unplaced,
        task=_options(task.job.options | task.options).get("task", "transcribe"),
    )


def segment_view(index: int, segment: ShownSegment) -> wire.TranscriptSegment:
    """One shown segment as its body."""
    return wire.TranscriptSegment(
        index=index,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        speaker=segment.speaker,
        words=[wire.TranscriptWord.model_validate(word) for word in segment.words],
        id=segment.id,
        edited=segment.edited,
        speaker_label=segment.label,
    )


def speakers_view(shown: ShownTranscript) -> list[wire.TranscriptSpeaker]:
    """Who speaks, as labels and names."""
    return [wire.TranscriptSpeaker(label=label, name=name) for label, name in shown.speakers]


def _options(stored: dict[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(TranscriptionOptions)}
    return {name: value for name, value in stored.items() if name in known and value is not None}


def _counted(job: Job) -> int:
    """How far an errand is: nobody knows how much there is to do before it began."""
    if job.status is JobStatus.COMPLETED:
        return 100
    return 100 * job.progress_current // job.progress_total if job.progress_total else 0


def _mean_percentage(tasks: list[wire.Task]) -> int | None:
    if not tasks:
        return None
    shown = (100 if task.status in FINISHED else task.progress_percentage for task in tasks)
    return sum(shown) // len(tasks) if len(tasks) > 1 else tasks[0].progress_percentage


def _leading(tasks: list[wire.Task]) -> wire.Task | None:
    """The Task whose stage speaks for the Job: the running one, else the next, else the last."""
    for wanted in (JobStatus.PROCESSING, JobStatus.DOWNLOADING, JobStatus.QUEUED):
        for task in tasks:
            if task.status is wanted:
                return task
    return tasks[-1] if tasks else None


def _download_progress(task: wire.Task | None) -> int | None:
    downloading = task is not None and task.progress_stage is TaskProgressStage.DOWNLOADING
    return task.stage_percentage if task is not None and downloading else None
