"""Owns transcribing without a server: the same database, storage and services, and a worker process for as long as the command runs.

The worker is the one a server starts. It stands in a session of its own, so a Ctrl-C reaches this process alone; when this
process is killed, the worker finishes what it runs, and what waits stays in the queue for the next worker.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson

from app.client.library_service import KnownFile, TakenIn
from app.client.recordings import Recording
from app.client.service import Accepted, Event, Outcome, Sent
from app.composition import ServerParts, build_server
from app.core.config import Settings
from app.core.logging import configure_logging
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED
from app.domain.options import TranscriptionOptions
from app.domain.ports import Receiver
from app.infrastructure.queue.channel import NoAnnouncer
from app.infrastructure.queue.embedded_worker import EmbeddedWorker
from app.services.export.options import RenderOptions
from app.services.export_service import render_file
from app.services.intake_service import Upload
from app.services.library_store import FileFilter
from app.services.submission import Submission

_LOOK_EVERY_SECONDS = 0.05
"""How often the log is asked whether it grew, which costs microseconds."""

_COPY_BYTES = 1 << 20
_PATIENCE_SECONDS = 1.0
"""How long a worker that is told to stop may finish somebody else's Task before it has to put it back."""

_HOPELESS_RESTARTS = 4


def _quieten(settings: Settings) -> None:
    """Log lines, the worker's too, would tear the progress display, unless somebody asked for them."""
    asked = "log_level" in settings.model_fields_set
    if not asked:
        os.environ["CESAR_LOG_LEVEL"] = "error"
    configure_logging(settings.log_level if asked else "error", json=settings.log_json)


class WorkerThread:
    """Keeps a worker process alive from a thread of its own, since the command itself is synchronous."""

    def __init__(self, settings: Settings) -> None:
        self._drain_seconds = settings.shutdown_seconds + 3
        self._worker = EmbeddedWorker(lambda _: None, silence_seconds=settings.lease_seconds)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="worker-keeper", daemon=True)
        self._thread.start()
        self._loop.call_soon_threadsafe(self._worker.start)

    @property
    def is_hopeless(self) -> bool:
        """Whether it ends again and again."""
        return self._worker.restarts >= _HOPELESS_RESTARTS and self._worker.status != "running"

    def stop(self) -> None:
        """End the worker; what it runs goes back to the queue if it does not end soon."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        stopping = asyncio.ensure_future(self._worker.stop(self._drain_seconds))
        await asyncio.wait([stopping], timeout=_PATIENCE_SECONDS)
        if not stopping.done():
            self._worker.hurry()
        await stopping


class Standalone:
    """`app.client.service.Service` in this process."""

    outlives_us = False

    def __init__(self, settings: Settings) -> None:
        """Raises `SettingsError` if the data folder or the database cannot be used."""
        _quieten(settings)
        self._settings = settings
        self._parts: ServerParts = build_server(settings, NoAnnouncer(), None)
        self._row = self._parts.event_log.head()
        self._worker: WorkerThread | None = None
        self.place = f"this machine, library in {settings.data_dir}"

    def submit_files(self, recordings: Sequence[Recording], options: TranscriptionOptions, sent: Sent) -> Accepted:
        """Copy the files into the library and make them one Job."""
        return self._accepted(self._parts.services.intake.accept_files(self._copies(recordings, sent), options))

    def submit_url(self, url: str, options: TranscriptionOptions) -> Accepted:
        """The worker fetches it."""
        return self._accepted(self._parts.services.intake.accept_url(url, options))

    def known(self, sha256: str) -> KnownFile | None:
        """As the library's list tells."""
        found = self._parts.services.files.files(FileFilter(hidden=True, sha256=sha256), 1, 1).files
        return KnownFile(found[0].id, bool(found[0].tasks)) if found else None

    def take_in(self, recordings: Sequence[Recording]) -> TakenIn:
        """Copy the files into the library."""
        uploads = self._copies(recordings, lambda _recording, _count: None)
        job = self._parts.services.queries.job(self._parts.services.errands.import_files(uploads))
        return TakenIn(tuple(file.id for file in job.files), tuple((job.error_message or "").splitlines()))

    def process(self, file_ids: Sequence[str], options: TranscriptionOptions) -> Accepted:
        """The worker takes them from the library."""
        return self._accepted(self._parts.services.jobs.submit(Submission(options, library=tuple(file_ids))))

    def follow(self, task_ids: Sequence[str]) -> Iterator[Event]:
        """Read the log as it grows."""
        unfinished = set(task_ids)
        while unfinished:
            for stored in self._parts.event_log.tail(self._row):
                self._row = stored.row
                if stored.task_id in unfinished:
                    event: Event = orjson.loads(stored.payload)
                    yield event
                    if event["type"] == "status" and event["status"] in FINISHED:
                        unfinished.discard(stored.task_id)
            if unfinished:
                self._wait()

    def outcome(self, task_id: str) -> Outcome:
        """As the Task's body tells it."""
        return Outcome.of(self._parts.services.queries.task(task_id).model_dump(mode="json"))

    def transcript(self, task_id: str, wanted: str, options: RenderOptions) -> bytes:
        """Made from the stored segments."""
        return render_file(self._parts.services.queries.transcript(task_id), wanted, options)

    def cancel(self, job_id: str) -> None:
        """End the Job; the worker stops within a second."""
        self._parts.services.jobs.cancel(job_id)

    def how_to_cancel(self, job_id: str) -> str:
        """Nothing goes on without this process."""
        return f"job {job_id} ends with this command"

    def likely_engine(self) -> str | None:
        """Decided here as the worker will decide it."""
        choice = self._parts.services.diagnosis.engine_choice()
        return choice.engine if choice else None

    def close(self) -> None:
        """Stop the worker, free the database."""
        if self._worker is not None:
            self._worker.stop()
        self._parts.database.close()

    def _copies(self, recordings: Sequence[Recording], sent: Sent) -> list[Upload]:
        uploads: list[Upload] = []
        try:
            for recording in recordings:
                receiver = self._parts.services.storage.receive()
                uploads.append(Upload(recording.name, receiver, _last_change(recording)))
                self._copy(recording, receiver, sent)
        except BaseException:
            for upload in uploads:
                upload.receiver.abandon()
            raise
        return uploads

    def _copy(self, recording: Recording, receiver: Receiver, sent: Sent) -> None:
        if recording.path is None:
            raise ValueError("only files are copied")
        limit, count = self._settings.max_upload_bytes, 0
        with recording.path.open("rb") as source:
            while block := source.read(_COPY_BYTES):
                count += len(block)
                if count > limit:
                    raise CesarError("too_large", f"{recording.name} has more than {limit} bytes")
                receiver.write(block)
                sent(recording, count)

    def _accepted(self, job_id: str) -> Accepted:
        if self._worker is None:
            self._worker = WorkerThread(self._settings)
        return Accepted(job_id, tuple(self._parts.services.jobs.tasks_of_job(job_id)))

    def _wait(self) -> None:
        while not self._parts.event_log.changed():
            if self._worker is not None and self._worker.is_hopeless:
                raise CesarError("unavailable", "the worker process cannot be started")
            time.sleep(_LOOK_EVERY_SECONDS)


def _last_change(recording: Recording) -> datetime | None:
    try:
        return datetime.fromtimestamp(recording.path.stat().st_mtime, UTC) if recording.path else None
    except OSError:
        return None
