"""Owns the JSON of Jobs over the library: what `POST /jobs` may ask for."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter

from app.schemas.jobs import Notified, SubmissionRequest
from app.schemas.tasks import WireModel

PublicId = Annotated[str, Field(min_length=1, max_length=100)]
MAX_NAMED = 20_000
"""Most ids of one kind in one request."""

MAX_UPLOADS = 1000
"""Most recordings that one request announces."""

Named = Annotated[list[PublicId], Field(max_length=MAX_NAMED)]


class ProcessRequest(SubmissionRequest):
    """Transcribe recordings that are in the library; one that is named twice is transcribed once."""

    job_type: Literal["process"] = "process"
    files: Annotated[list[PublicId], Field(min_length=1, max_length=MAX_NAMED)]


class AnnouncedFile(WireModel):
    """A recording that will come in pieces: what it is called, how many bytes it has, and where and of when it is there."""

    filename: str = Field(min_length=1, max_length=1000)
    size_bytes: int = Field(ge=0, le=2**63 - 1)
    modified: int | str | None = None
    """When it was last changed: milliseconds since 1970, or an ISO 8601 time with its offset."""
    relative_path: str | None = Field(default=None, max_length=4000)
    """Where it is in a folder that was chosen; told back in `Upload-Metadata` and otherwise without meaning."""


class UploadsRequest(SubmissionRequest):
    """Transcribe recordings that will be uploaded in pieces: one Task for each, in this order, whose `links.upload` takes its bytes."""

    job_type: Literal["process"] = "process"
    uploads: Annotated[list[AnnouncedFile], Field(min_length=1, max_length=MAX_UPLOADS)]


class ImportRequest(Notified):
    """Take in every recording of a folder of the server's machine, and of the folders in it."""

    job_type: Literal["import"]
    folder: str = Field(min_length=1, max_length=4000)


class UploadedImport(Notified):
    """The fields beside the files of a form that takes recordings in."""

    job_type: Literal["import"]


class Rendering(WireModel):
    """How transcripts are written; what is left out is as everywhere."""

    speakers: bool = True
    timestamps: bool | None = None
    max_line_length: int = 42
    max_lines: int = 2
    max_cps: float = 20.0

    def rendering(self) -> dict[str, Any]:
        """These fields by name."""
        return self.model_dump(include=set(Rendering.model_fields))


class ExportRequest(Notified, Rendering):
    """Bundle the transcripts of all that is named into one archive; of a File, its newest transcript."""

    job_type: Literal["export"]
    files: Named = Field(default=[])
    tasks: Named = Field(default=[])
    jobs: Named = Field(default=[])
    tag: str | None = Field(default=None, min_length=1, max_length=100)
    formats: list[str] = Field(default=["txt"], min_length=1, max_length=20)


LibraryJobRequest = ProcessRequest | UploadsRequest | ImportRequest | ExportRequest
"""Told apart by `job_type`; a body without one is to be processed, and one with `uploads` when they are here."""


def _kind(body: Any) -> Any:
    if not isinstance(body, dict):
        return None
    kind = body.get("job_type", "process")
    return "uploads" if kind == "process" and "uploads" in body else kind


library_job_request: TypeAdapter[LibraryJobRequest] = TypeAdapter(
    Annotated[
        Annotated[ProcessRequest, Tag("process")]
        | Annotated[UploadsRequest, Tag("uploads")]
        | Annotated[ImportRequest, Tag("import")]
        | Annotated[ExportRequest, Tag("export")],
        Discriminator(_kind),
    ]
)
