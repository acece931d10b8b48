"""Owns uploads in pieces as a client sees them: begun, asked about, continued, ended. The upload has its Task's id.

The Task exists from the first request on, so that everybody sees the recording coming; see `upload_finisher` for what happens
when all of it is here.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.lifecycle import JobStatus
from app.domain.options import TranscriptionOptions
from app.domain.parts import Checksum, GrowingFile, GrowingFiles
from app.domain.webhooks import NOBODY, WebhookTarget
from app.models import Task
from app.services.intake_service import check_name
from app.services.job_service import JobService
from app.services.store import Store, Transaction
from app.services.submission import ExpectedFile, Submission
from app.services.task_service import TaskService
from app.services.upload_finisher import UploadFinisher
from app.services.upload_rows import storage_name
from app.services.upload_writer import PieceWriter, Stretch


@dataclass(frozen=True, slots=True)
class UploadPosition:
    """Where an upload stands: `offset` of `length` bytes are safe. `expires_at` is None when every byte is here."""

    id: str
    job_id: str
    offset: int
    length: int
    metadata: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file that a client announces: its sanitised name, its size in bytes, what tus's `Upload-Metadata` says of it."""

    filename: str
    length: int
    metadata: str = ""


class UploadService:
    """Blocking; call from a thread."""

    def __init__(
        self,
        store: Store,
        jobs: JobService,
        tasks: TaskService,
        files: GrowingFiles,
        finisher: UploadFinisher,
        *,
        lifetime: timedelta,
        max_bytes: int,
    ) -> None:
        self.max_bytes = max_bytes
        self._store = store
        self._jobs = jobs
        self._tasks = tasks
        self._files = files
        self._finisher = finisher
        self._lifetime = lifetime

    def begin(
        self,
        wanted: NewUpload,
        options: TranscriptionOptions,
        idempotency_key: str | None = None,
        webhook: WebhookTarget = NOBODY,
    ) -> UploadPosition:
        """Make File, Job, Task and upload; the same key and the same announcement lead to the same upload.

        Raises:
            CesarError: what `begin_all` raises; `upload_not_found` or `upload_expired` if an upload with this key has ended.
        """
        (upload_id,) = self._jobs.tasks_of_job(self.begin_all([wanted], options, idempotency_key, webhook))
        return self.find(upload_id)

    def begin_all(
        self,
        wanted: Sequence[NewUpload],
        options: TranscriptionOptions,
        idempotency_key: str | None = None,
        webhook: WebhookTarget = NOBODY,
    ) -> str:
        """Make one Job with a File, a Task and an upload for each; if one of them is refused, nothing is made. The Job's public id.

        Raises:
            CesarError: `too_large`, `disk_full`, `unsupported_extension`; what `JobService.submit` raises.
        """
        for upload in wanted:
            check_name(upload.filename)
            if upload.length > self.max_bytes:
                raise CesarError("too_large", f"{upload.length} bytes are more than {self.max_bytes}")
        if sum(upload.length for upload in wanted) > self._files.free_bytes() and not self._is_known(idempotency_key):
            raise CesarError("disk_full", "there is no room for all of it")
        expires_at = utc_now() + self._lifetime
        expected = tuple(ExpectedFile(upload.filename, upload.length, upload.metadata, expires_at) for upload in wanted)
        job_id = self._jobs.submit(
            Submission(options, expected=expected, idempotency_key=idempotency_key, webhook=webhook)
        )
        if not all(upload.length for upload in wanted):
            self._finisher.finish_complete()  # an empty file is complete at once
        return job_id

    def find(self, upload_id: str) -> UploadPosition:
        """Where it stands. Raises `CesarError`: `upload_not_found`, `upload_expired`."""
        with self._store.read() as tx:
            task = _task(tx, upload_id)
            upload = tx.uploads.find(upload_id)
            if upload is None:
                return _complete(task)
            is_complete = upload.offset == upload.length
            if not is_complete and upload.expires_at < utc_now():
                raise CesarError("upload_expired")
            expires_at = None if is_complete else upload.expires_at
            here = (upload.offset, upload.length, upload.upload_metadata, expires_at)
            return UploadPosition(upload_id, task.job.uuid, *here)

    def open(self, upload_id: str, at: int, checksum: Checksum | None = None) -> PieceWriter:
        """Take hold of an unfinished upload to send what comes after `at` bytes. The caller closes the writer.

        Raises:
            CesarError: `upload_not_found`, `upload_expired`, `upload_conflict` if it stands elsewhere,
                `upload_busy` at once while another connection has it (see `ask_for`), `disk_full`.
        """
        self._stretch(upload_id, at)
        file = self._files.open(storage_name(upload_id))
        try:
            stretch = self._stretch(upload_id, at, file)
            return PieceWriter(
                self._store,
                file,
                stretch,
                lifetime=self._lifetime,
                checksum=checksum,
                on_complete=self._finisher.soon,
            )
        except BaseException:
            file.close()
            raise

    def ask_for(self, upload_id: str) -> None:
        """Have a connection that has this upload and receives nothing give it up."""
        self._files.ask_for(storage_name(upload_id))

    def end(self, upload_id: str) -> None:
        """Cancel the Task; what came is removed. Raises `CesarError("upload_not_found")`, also when the Task is finished."""
        try:
            self._tasks.cancel(upload_id)
        except CesarError as problem:
            if problem.code in ("task_not_found", "illegal_move"):
                raise CesarError("upload_not_found", problem.detail) from problem
            raise
        self._finisher.remove_leftover(storage_name(upload_id))

    def sweep(self) -> None:
        """What has to be done from time to time; see `UploadFinisher.sweep`."""
        self._finisher.sweep()

    def close(self) -> None:
        """Stop as soon as that is possible."""
        self._finisher.close()

    def _is_known(self, idempotency_key: str | None) -> bool:
        """Whether it may be here in part, and needs no room for all of it."""
        if idempotency_key is None:
            return False
        with self._store.read() as tx:
            return tx.jobs.by_key(idempotency_key) is not None

    def _stretch(self, upload_id: str, at: int, file: GrowingFile | None = None) -> Stretch:
        """What may still come, checked against the file once that is held: bytes that a disk lost have to come again."""
        position = self.find(upload_id)
        offset = position.offset
        if file is not None and file.size < offset:
            with self._store.write(durable=True) as tx:
                tx.uploads.advance(upload_id, offset, file.size, utc_now() + self._lifetime)
            offset = file.size
        if at != offset:
            raise CesarError("upload_conflict", f"it stands at {offset}")
        return Stretch(upload_id, offset, position.length)


def _task(tx: Transaction, upload_id: str) -> Task:
    try:
        return tx.tasks.get(upload_id)
    except CesarError:
        raise CesarError("upload_not_found") from None


def _complete(task: Task) -> UploadPosition:
    """The upload of a Task that has none any more: every byte came, or it was ended before."""
    file = task.file
    if task.error_code == "upload_expired":
        raise CesarError("upload_expired")
    was_ended = task.status is JobStatus.CANCELLED and file.storage_path is None and file.media_removed_at is None
    if was_ended or file.file_size_bytes is None:
        raise CesarError("upload_not_found")
    metadata = f"filename {b64encode(file.original_filename.encode()).decode()}"
    return UploadPosition(task.uuid, task.job.uuid, file.file_size_bytes, file.file_size_bytes, metadata, None)
