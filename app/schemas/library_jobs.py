"""Owns the JSON of Jobs over the library: what `POST /jobs` may ask for."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter

from app.schemas.jobs import Notified, SubmissionRequest
from app.schemas.tasks import WireModel

PublicId = Annotated[str, Field(min_length=1, max_length=100)]
MAX_NAMED = 20_000
"""Most ids of one kind in one request."""

Named = Annotated[list[PublicId], Field(max_length=MAX_NAMED)]


class ProcessRequest(SubmissionRequest):
    """Transcribe recordings that are in the library; one that is named twice is transcribed once."""

    job_type: Literal["process"] = "process"
    files: Annotated[list[PublicId], Field(min_length=1, max_length=MAX_NAMED)]


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


LibraryJobRequest = ProcessRequest | ImportRequest | ExportRequest
"""Told apart by `job_type`; a body without one is to be processed."""


def _kind(body: Any) -> Any:
    return body.get("job_type", "process") if isinstance(body, dict) else None


library_job_request: TypeAdapter[LibraryJobRequest] = TypeAdapter(
    Annotated[
        Annotated[ProcessRequest, Tag("process")]
        | Annotated[ImportRequest, Tag("import")]
        | Annotated[ExportRequest, Tag("export")],
        Discriminator(_kind),
    ]
)
