"""Owns the JSON of Jobs: what a submission may ask for and what a Job looks like."""

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, Field, model_validator

from app.domain.lifecycle import JobStatus
from app.domain.options import LARGEST, TranscriptionOptions, why_no_such_bounds
from app.domain.progress import TaskProgressStage
from app.domain.webhooks import MAX_URL_CHARACTERS, WebhookTarget
from app.schemas.tasks import Task, WireModel

_OPTION_NAMES: Final = {field.name for field in fields(TranscriptionOptions)}

Speakers = Annotated[int, Field(ge=1, le=LARGEST["num_speakers"])]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Diarize(WireModel):
    """Speakers as an object: on or off, and how many are expected."""

    enabled: bool = True
    min_speakers: Speakers | None = None
    max_speakers: Speakers | None = None
    num_speakers: Speakers | None = None


class TranscriptionRequest(WireModel):
    """What every submission may ask for; a field left out takes the server's default."""

    engine: str | None = None
    model: str | None = Field(
        default=None, min_length=1, max_length=500, validation_alias=AliasChoices("model", "model_size")
    )
    language: str | None = Field(
        default=None, min_length=2, max_length=16, description="ISO 639-1, or `auto` to have it detected"
    )
    task: str = "transcribe"
    diarize: bool | Diarize | None = None
    min_speakers: Speakers | None = None
    max_speakers: Speakers | None = None
    num_speakers: Speakers | None = None
    initial_prompt: str | None = Field(default=None, max_length=4000)
    hotwords: str | None = Field(default=None, max_length=4000)
    temperature: Fraction | None = None
    beam_size: int | None = Field(default=None, ge=1, le=LARGEST["beam_size"])
    vad_method: str | None = None
    vad_onset: Fraction | None = None
    vad_offset: Fraction | None = None
    chunk_size: int | None = Field(default=None, ge=1, le=LARGEST["chunk_size"])
    batch_size: int | None = Field(default=None, ge=1, le=LARGEST["batch_size"])
    compute_type: str | None = None
    device: str | None = None
    align_model: str | None = None
    preset: str | None = None

    @model_validator(mode="after")
    def _speakers_in_order(self) -> "TranscriptionRequest":
        contradiction = why_no_such_bounds(self.min_speakers, self.max_speakers, self.num_speakers)
        if contradiction is not None:
            raise ValueError(contradiction)
        return self

    def options(self) -> TranscriptionOptions:
        """The request in the domain's words. Raises `CesarError("bad_value")`."""
        values = {name: value for name, value in self.named().items() if value is not None}
        return TranscriptionOptions(**values)

    def named(self) -> dict[str, Any]:
        """The options that this request names, by name; None where it says null."""
        values = self.model_dump(include=_OPTION_NAMES, exclude_unset=True)
        if isinstance(self.diarize, Diarize):
            values |= self.diarize.model_dump(exclude={"enabled"}, exclude_unset=True)
            values["diarize"] = self.diarize.enabled
        return values


class RetryRequest(TranscriptionRequest):
    """What to repeat: from which stage on (left out: what failed), with which options changed; null takes an option back."""

    stage: Literal["transcribing", "aligning", "diarizing"] | None = Field(default=None, alias="from")


class Presets(WireModel):
    """Named sets of options, and the name of the one that counts unless a submission says otherwise."""

    presets: dict[str, dict[str, Any]]
    default: str | None


class SubmissionRequest(TranscriptionRequest):
    """What a new Job may ask for besides: somebody who is told of its end, and with `webhook_statuses` of every status on the way; and what
    happens to a recording that was transcribed before."""

    webhook_url: str | None = Field(default=None, min_length=1, max_length=MAX_URL_CHARACTERS)
    webhook_statuses: bool = False
    on_duplicate: Literal["transcribe", "reuse", "refuse"] | None = None
    """What happens to a recording that was transcribed before: it is transcribed again, or the new Task takes over that transcript at once
    if it was made alike, or the request is refused (409 `duplicate_refused`). Left out: the setting `on_duplicate`."""

    def webhook(self) -> WebhookTarget:
        """Who is to be told."""
        return WebhookTarget(self.webhook_url, self.webhook_statuses)


class Notified(WireModel):
    """What every Job may ask for: somebody who is told of its end."""

    webhook_url: str | None = Field(default=None, min_length=1, max_length=MAX_URL_CHARACTERS)

    def webhook(self) -> WebhookTarget:
        """Who is to be told."""
        return WebhookTarget(self.webhook_url)


class UrlRequest(SubmissionRequest):
    """A recording to fetch."""

    url: str = Field(min_length=1, max_length=4000)


class JobLinks(WireModel):
    """Where to go from here; paths on this server."""

    self: str
    socket: str
    archive: str | None = None
    """An export's, once it can be downloaded."""


class JobFile(WireModel):
    """A recording that an import Job took in."""

    id: str
    filename: str


class ErrandRequest(WireModel):
    """What an import or an export was asked to do. The counts are of what was named; a tag's or a Job's Files are not counted."""

    folder: str | None = None
    """Of an import; null if the files were uploaded."""
    formats: list[str] = Field(default=[])
    files: int = 0
    tasks: int = 0
    jobs: int = 0
    tag: str | None = None


class ImportFolders(WireModel):
    """The folders of the server's machine that imports may name, or name folders below."""

    folders: list[str]


class Job(WireModel):
    """One person's request over 1..n files. A Job with one Task shows that Task's fields flat; import and export Jobs have none."""

    id: str
    job_id: str
    """The same as `id`."""
    job_type: str
    status: JobStatus
    progress_current: int
    """Tasks finished; of an import or export, recordings done."""
    progress_total: int
    progress: int | None = Field(default=None, ge=0, le=100)
    """Overall percentage: the mean of the Tasks'."""
    progress_phase: TaskProgressStage | None = None
    progress_phase_pct: int | None = Field(default=None, ge=0, le=100)
    download_progress: int | None = Field(default=None, ge=0, le=100)
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error_message: str | None = None
    retry_count: int = 0
    model_size: str | None = None
    language: str | None = None
    diarize: bool = True
    min_speakers: int | None = None
    max_speakers: int | None = None
    speaker_count: int | None = None
    diarized: bool | None = None
    diarization_error: str | None = None
    diarization_error_code: str | None = None
    detected_language: str | None = None
    result_text: str | None = None
    error: str | None = None
    webhook_url: str | None = None
    """Who is told of the end; without its query."""
    webhook_statuses: bool = False
    tasks: list[Task]
    """All of them; in lists the first ten."""
    files: list[JobFile] = Field(default=[])
    """What an import took in, also before; in lists the first ten."""
    asked: ErrandRequest | None = None
    """What an import or export is about; null where Tasks tell."""
    links: JobLinks


class JobPage(WireModel):
    """One page of Jobs, newest first unless `sort` says otherwise, each with the first ten of its Tasks and files."""

    jobs: list[Job]
    total: int
    page: int
    per_page: int
