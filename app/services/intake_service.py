"""Owns the door: received bytes and URLs are checked, made durable, and become a Job – or leave no trace."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from app.domain.errors import CesarError
from app.domain.filenames import extension_of
from app.domain.options import MEDIA_EXTENSIONS, TranscriptionOptions
from app.domain.ports import MediaFacts, MediaTools, Receiver
from app.domain.webhooks import NOBODY, WebhookTarget
from app.services.job_service import JobService
from app.services.submission import ArrivedFile, Submission

_PROBES_AT_ONCE = 2
"""Each probe is a process of its own; more than this would slow down the sockets on a small machine. They have threads of
their own, so that what waits for its turn holds up no thread that other requests need."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it arrived: the client's sanitised name, the receiver that holds its bytes, and its own last change if told."""

    filename: str
    receiver: Receiver
    modified_at: datetime | None = None


class IntakeService:
    """Accepts recordings. Blocking but for `take_in`; call from a thread."""

    def __init__(self, jobs: JobService, media: MediaTools) -> None:
        self._jobs = jobs
        self._media = media
        self._probing = ThreadPoolExecutor(_PROBES_AT_ONCE, thread_name_prefix="probe")
        # Few as well: SQLite lets one write at a time, and who waits for it together with many may wait too long.
        self._keeping = ThreadPoolExecutor(_PROBES_AT_ONCE, thread_name_prefix="intake")

    async def take_in(
        self,
        uploads: Sequence[Upload],
        options: TranscriptionOptions,
        idempotency_key: str | None = None,
        webhook: WebhookTarget = NOBODY,
    ) -> str:
        """`accept_files` for an event loop: any number of uploads may wait for their probe without a thread each."""
        loop = asyncio.get_running_loop()
        try:
            _check_names(uploads)
            facts = [await loop.run_in_executor(self._probing, self._probe, upload) for upload in uploads]
        except BaseException:
            await asyncio.shield(asyncio.to_thread(abandon, uploads))
            raise
        return await loop.run_in_executor(self._keeping, self._keep, uploads, facts, options, idempotency_key, webhook)

    def accept_files(
        self,
        uploads: Sequence[Upload],
        options: TranscriptionOptions,
        idempotency_key: str | None = None,
        webhook: WebhookTarget = NOBODY,
    ) -> str:
        """All files become one Job; if one of them is refused, none is kept. The Job's public id.

        Raises:
            CesarError: `bad_value` without files, `unsupported_extension`, `not_media`, `bad_media`, `too_long`,
                `disk_full`, `idempotency_conflict`, `webhook_refused`.
        """
        try:
            _check_names(uploads)
            facts = [self._probing.submit(self._probe, upload).result() for upload in uploads]
        except BaseException:
            abandon(uploads)
            raise
        return self._keep(uploads, facts, options, idempotency_key, webhook)

    def look_into(self, upload: Upload) -> Future[MediaFacts]:
        """Probe one file when it is its turn.

        Raises:
            CesarError: `unsupported_extension`; through the future `not_media`, `bad_media`, `too_long`.
        """
        _check_names([upload])
        return self._probing.submit(self._probe, upload)

    def accept_url(
        self,
        url: str,
        options: TranscriptionOptions,
        idempotency_key: str | None = None,
        webhook: WebhookTarget = NOBODY,
    ) -> str:
        """A worker will fetch it. The Job's public id.

        Raises:
            CesarError: `url_refused` for what is not an http address, `idempotency_conflict`, `webhook_refused`.
        """
        _check_url(url)
        return self._jobs.submit(Submission(options, url=url, idempotency_key=idempotency_key, webhook=webhook))

    def _keep(
        self,
        uploads: Sequence[Upload],
        facts: Sequence[MediaFacts],
        options: TranscriptionOptions,
        idempotency_key: str | None,
        webhook: WebhookTarget,
    ) -> str:
        try:
            arrived = self._commit(uploads, facts)
        finally:
            abandon(uploads)
        return self._jobs.submit(Submission(options, files=arrived, idempotency_key=idempotency_key, webhook=webhook))

    def _commit(self, uploads: Sequence[Upload], facts: Sequence[MediaFacts]) -> tuple[ArrivedFile, ...]:
        arrived: list[ArrivedFile] = []
        try:
            for upload, found in zip(uploads, facts, strict=True):
                arrived.append(ArrivedFile(upload.filename, upload.receiver.commit(), found, upload.modified_at))
        except BaseException:
            self._jobs.forget(arrived)
            raise
        return tuple(arrived)

    def _probe(self, upload: Upload) -> MediaFacts:
        return self._media.probe(upload.receiver.path)


def check_name(filename: str) -> None:
    """Raises `CesarError("unsupported_extension")` for a name that promises something else than a recording."""
    extension = extension_of(filename)
    if extension and extension not in MEDIA_EXTENSIONS:
        raise CesarError("unsupported_extension", f"the file name ends in .{extension}")


def _check_names(uploads: Sequence[Upload]) -> None:
    if not uploads:
        raise CesarError("bad_value", "the form holds no file")
    for upload in uploads:
        check_name(upload.filename)


def abandon(uploads: Sequence[Upload]) -> None:
    """Let go of what arrived of recordings that are not wanted. Blocking."""
    for upload in uploads:
        upload.receiver.abandon()


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise CesarError("url_refused", "only http and https addresses can be fetched")
    if parts.username is not None:
        raise CesarError("url_refused", "it holds a user name or a password")
