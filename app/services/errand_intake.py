"""Owns the door for errands: recordings to keep without transcribing them, folders to import, selections to export."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from datetime import tzinfo
from typing import Any, Protocol

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.decisions import clean_tag
from app.domain.errors import CesarError
from app.domain.job_types import EXPORT, IMPORT
from app.domain.ports import MediaFacts, Storage
from app.domain.webhooks import NOBODY, WebhookRules, WebhookTarget
from app.models import Job, JobStatus
from app.services.errand_service import ErrandOutcome
from app.services.errand_store import Selection
from app.services.export.options import RenderOptions
from app.services.export_service import check_format
from app.services.folder_import import keep_imported
from app.services.intake_service import IntakeService, Upload, abandon
from app.services.store import Store, Transaction
from app.services.submission import ArrivedFile, earlier_job
from app.services.webhook_events import tell_end

Looked = MediaFacts | CesarError
"""What probing found, or why a file cannot be taken in."""


class AllowedFolders(Protocol):
    """The folders of this machine that the admin allowed to import from."""

    def there(self) -> list[str]:
        """Those that are there, absolute, by name."""

    def check(self, folder: str) -> str:
        """Where a requested folder really is. Raises `CesarError("folder_refused")` for one that is not in or below one of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What every submission has: a key that makes repeating it harmless, and who is told of the end."""

    idempotency_key: str | None = None
    webhook: WebhookTarget = NOBODY


NOTHING_ELSE = Asked()


class ErrandIntake:
    """Accepts import and export Jobs. Blocking but for `take_in`; call from a thread.

    Args:
        zone: of times without an offset (None: this machine's).
    """

    def __init__(
        self,
        store: Store,
        storage: Storage,
        intake: IntakeService,
        folders: AllowedFolders,
        *,
        webhooks: WebhookRules,
        zone: tzinfo | None = None,
    ) -> None:
        self._store = store
        self._storage = storage
        self._intake = intake
        self._folders = folders
        self._webhooks = webhooks
        self._zone = zone

    def import_folders(self) -> list[str]:
        """Which folders `import_folder` takes, or folders below them."""
        return self._folders.there()

    def import_folder(self, folder: str, asked: Asked = NOTHING_ELSE) -> str:
        """A worker will take in every recording below it. The Job's public id.

        Raises:
            CesarError: `folder_refused`, `idempotency_conflict`, `webhook_refused`.
        """
        return self._submit(IMPORT, {"folder": self._folders.check(folder)}, asked)

    def export(
        self, selection: Selection, formats: Sequence[str], rendering: RenderOptions, asked: Asked = NOTHING_ELSE
    ) -> str:
        """A worker will bundle the transcripts. The Job's public id.

        Raises:
            CesarError: `bad_value` without a selection or a format, or for one that is not known, `file_not_found`, `task_not_found`,
                `job_not_found`, `idempotency_conflict`, `webhook_refused`.
        """
        if selection == Selection() or not formats:
            raise CesarError("bad_value", "name files, tasks, jobs or a tag, and at least one format")
        for wanted in formats:
            check_format(wanted)
        if selection.tag is not None:
            selection = replace(selection, tag=clean_tag(selection.tag))
        request = {
            "selection": asdict(selection),
            "formats": list(dict.fromkeys(formats)),
            "rendering": asdict(rendering),
        }
        return self._submit(EXPORT, request, asked, lambda tx: tx.selections.check(selection))

    async def take_in(self, uploads: Sequence[Upload], asked: Asked = NOTHING_ELSE) -> str:
        """`import_files` for an event loop: any number of uploads may wait for their probe without a thread each."""
        try:
            looked = [await self._look(upload) for upload in uploads]
        except BaseException:
            await asyncio.shield(asyncio.to_thread(abandon, uploads))
            raise
        return await asyncio.to_thread(self._keep, uploads, looked, asked)

    def import_files(self, uploads: Sequence[Upload], asked: Asked = NOTHING_ELSE) -> str:
        """Files that are here already become one import Job, which is finished at once; one that cannot be taken stops no other.

        Raises:
            CesarError: `bad_value` without files; when nothing can be taken in, what is wrong with the first one; `disk_full`,
                `idempotency_conflict`, `webhook_refused`.
        """
        try:
            looked = [_result(self._begin_look(upload)) for upload in uploads]
        except BaseException:
            abandon(uploads)
            raise
        return self._keep(uploads, looked, asked)

    def _begin_look(self, upload: Upload) -> "Future[MediaFacts] | CesarError":
        try:
            return self._intake.look_into(upload)
        except CesarError as problem:
            return problem

    async def _look(self, upload: Upload) -> Looked:
        begun = self._begin_look(upload)
        if isinstance(begun, CesarError):
            return begun
        await asyncio.wait([asyncio.wrap_future(begun)])
        return _result(begun)

    def _keep(self, uploads: Sequence[Upload], looked: Sequence[Looked], asked: Asked) -> str:
        arrived: list[ArrivedFile] = []
        superfluous: list[str] = []
        failures = [
            (one.filename, found) for one, found in zip(uploads, looked, strict=True) if isinstance(found, CesarError)
        ]
        try:
            if len(failures) == len(uploads):
                raise failures[0][1] if failures else CesarError("bad_value", "the form holds no file")
            for upload, found in zip(uploads, looked, strict=True):
                if not isinstance(found, CesarError):
                    stored = upload.receiver.commit()
                    arrived.append(ArrivedFile(upload.filename, stored, found, upload.modified_at))
            with self._store.write(durable=True) as tx:
                job_id, superfluous = self._accept(tx, arrived, failures, asked)
        except BaseException:
            self._forget([file.stored.key for file in arrived])
            raise
        finally:
            abandon(uploads)
        self._forget(superfluous)
        logger.info("files_imported", job_id=job_id, files=len(arrived), failures=len(failures))
        return job_id

    def _accept(
        self, tx: Transaction, arrived: Sequence[ArrivedFile], failures: Sequence[tuple[str, CesarError]], asked: Asked
    ) -> tuple[str, list[str]]:
        """The Job, and the keys of bytes that are not needed."""
        names = [*(file.stored.sha256 for file in arrived), *(name for name, _ in failures)]
        job = self._new_job(IMPORT, {}, asked, names)
        keys = [file.stored.key for file in arrived]
        if (earlier := earlier_job(tx, job)) is not None:
            return earlier.uuid, keys
        kept = [keep_imported(tx, file, zone=self._zone) for file in arrived]
        outcome = ErrandOutcome(len(names), tuple(failures))
        job.status, job.error_message = outcome.status, outcome.error_message
        job.progress_current = job.progress_total = outcome.total
        job.started_at = job.completed_at = utc_now()
        tx.errands.add(job, [file for file, _ in kept])
        tell_end(tx, job)
        return job.uuid, [key for key, (_, is_new) in zip(keys, kept, strict=True) if not is_new]

    def _submit(
        self,
        job_type: str,
        request: Mapping[str, Any],
        asked: Asked,
        check: Callable[[Transaction], None] = lambda _tx: None,
    ) -> str:
        """`check` raises if a new one cannot be accepted now; a repeated request is answered all the same."""
        job = self._new_job(job_type, request, asked, ())
        with self._store.write(durable=True) as tx:
            earlier = earlier_job(tx, job)
            if earlier is None:
                check(tx)
                tx.errands.add(job, ())
            job_id = (earlier or job).uuid
        logger.info("errand_accepted", job_id=job_id, job_type=job_type, repeated=earlier is not None)
        return job_id

    def _new_job(self, job_type: str, request: Mapping[str, Any], asked: Asked, names: Sequence[str]) -> Job:
        webhook = self._webhooks.settle(asked.webhook)
        told = [job_type, repr(request), repr(asdict(asked.webhook)), *names]
        return Job(
            job_type=job_type,
            status=JobStatus.QUEUED,
            options=dict(request),
            idempotency_key=asked.idempotency_key,
            request_fingerprint=hashlib.sha256("\n".join(told).encode()).hexdigest(),
            webhook_url=webhook.url,
            webhook_statuses=webhook.statuses,
        )

    def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._storage.remove(key)


def _result(begun: "Future[MediaFacts] | CesarError") -> Looked:
    if isinstance(begun, CesarError):
        return begun
    try:
        return begun.result()
    except CesarError as problem:
        return problem
