"""Owns how uploads in pieces end: looked at and queued, refused, expired – and swept, where a process was killed on the way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import tzinfo
from typing import Final

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.errors import Cancelled, CesarError
from app.domain.parts import GrowingFile, GrowingFiles
from app.domain.ports import MediaTools, Storage
from app.domain.upload_metadata import filename_of, modified_at_of, parse_metadata
from app.models import Upload
from app.services.file_rows import write_facts
from app.services.run_service import as_cesar_error
from app.services.store import Store
from app.services.submission import ArrivedFile
from app.services.task_moves import tell_queue
from app.services.task_service import TaskService
from app.services.upload_events import tell_arrived, tell_uploading
from app.services.upload_rows import storage_name

_AT_ONCE: Final = 2
"""Each looks at a recording in a process of its own and reads all of it: more would slow the sockets down on a small machine."""


_PASSING: Final = ("disk_full", "unavailable")
"""No fault of the recording, of which every byte is here: the next sweep tries again."""

_Action = Callable[[str, GrowingFile], None]


class UploadFinisher:
    """Ends uploads, in threads of its own. Every step can be repeated: whoever is killed on the way leaves the rest to the next sweep."""

    def __init__(
        self,
        store: Store,
        tasks: TaskService,
        files: GrowingFiles,
        storage: Storage,
        media: MediaTools,
        *,
        zone: tzinfo | None = None,
    ) -> None:
        self._zone = zone
        self._store = store
        self._tasks = tasks
        self._files = files
        self._storage = storage
        self._media = media
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload")
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    def soon(self, upload_id: str) -> None:
        """Finish an upload of which every byte is here. Returns at once."""
        with self._lock, suppress(RuntimeError):  # closed: whoever comes next goes on
            if upload_id not in self._under_way:
                self._threads.submit(self._finish_alone, upload_id)
                self._under_way.add(upload_id)

    def finish_complete(self) -> None:
        """Finish all uploads of which every byte is here. Returns at once."""
        with self._store.read() as tx:
            complete = tx.uploads.complete()
        for upload_id in complete:
            self.soon(upload_id)

    def close(self) -> None:
        """Stop as soon as that is possible."""
        self._closing.set()
        self._threads.shutdown(cancel_futures=True)

    def sweep(self) -> None:
        """Finish what is complete, end what was left alone for too long, remove bytes that belong to no upload."""
        names = self._files.names()  # before the database is asked: a file is never older than its row
        with self._store.read() as tx:
            expired, known = tx.uploads.expired(utc_now()), tx.uploads.storage_names()
        self.finish_complete()
        for upload_id in expired:
            self._with_file(storage_name(upload_id), upload_id, self._expire)
        for name in set(names) - known:
            self.remove_leftover(name)
        self._tell_the_rest()

    def remove_leftover(self, name: str) -> None:
        """Remove the bytes of an upload that has ended; a connection that still sends them removes them itself."""
        self._with_file(name, "", lambda _, file: file.remove())

    def finish(self, upload_id: str) -> None:
        """Look at a complete upload and queue its Task, or fail it. No effect while somebody else has it."""
        self._with_file(storage_name(upload_id), upload_id, self._finish)

    def _tell_the_rest(self) -> None:
        """What was left out because it came too soon after something else, and nothing followed."""
        with self._store.read() as tx:
            if not tx.uploads.untold():
                return
        with self._store.write() as tx:
            for upload_id in tx.uploads.untold():
                if (upload := tx.uploads.find(upload_id)) is not None:
                    tell_uploading(tx, tx.tasks.get(upload_id), upload.offset, upload.length)

    def _finish_alone(self, upload_id: str) -> None:
        try:
            self.finish(upload_id)
        except CesarError as problem:  # the next sweep tries again
            logger.warning("upload_not_finished", task_id=upload_id, error_code=problem.code)
        except Exception:  # so it does here
            logger.exception("upload_not_finished", task_id=upload_id)
        finally:
            with self._lock:
                self._under_way.discard(upload_id)

    def _with_file(self, name: str, upload_id: str, action: _Action) -> None:
        try:
            file = self._files.open(name)
        except CesarError as problem:
            if problem.code != "upload_busy":
                raise
            return
        try:
            action(upload_id, file)
        finally:
            file.close()

    def _finish(self, upload_id: str, file: GrowingFile) -> None:
        upload = self._find(upload_id)
        if upload is None:
            file.remove()
        elif upload.offset == upload.length:
            self._look(upload, file)

    def _look(self, upload: Upload, file: GrowingFile) -> None:
        try:
            metadata = parse_metadata(upload.upload_metadata)
            facts = self._media.probe(file.path)
            stored = file.place(lambda: not self._closing.is_set())
        except Cancelled:
            return
        except Exception as problem:  # whatever it is, the Task must not wait for ever
            error = as_cesar_error(problem)
            if error.code in _PASSING:
                raise error from problem
            self._fail(upload.uuid, error)
            self._storage.remove(upload.storage_name)
        else:
            arrived = ArrivedFile(filename_of(metadata), stored, facts, modified_at_of(metadata))
            if not self._arrive(upload.uuid, arrived):
                self._storage.remove(stored.key)
        file.remove()

    def _expire(self, upload_id: str, file: GrowingFile) -> None:
        upload = self._find(upload_id)
        if upload is not None and upload.expires_at >= utc_now():
            return
        self._fail(upload_id, CesarError("upload_expired"))
        file.remove()

    def _arrive(self, upload_id: str, arrived: ArrivedFile) -> bool:
        """Queue the Task, or let it take over a transcript that is there; False if nobody wants it any more, or it is refused."""
        try:
            plan = self._tasks.plan_for(upload_id)
            with self._store.write(durable=True) as tx:
                if tx.uploads.find(upload_id) is None:
                    return False
                task = tx.tasks.get(upload_id)
                tx.uploads.end(task)
                write_facts(task.file, arrived, self._zone)
                self._tasks.duplicates.note(tx, task.file)
                tell_arrived(tx, task)
                self._tasks.duplicates.settle(tx, task, plan)
                tell_queue(tx)
        except CesarError as problem:
            if problem.code not in ("duplicate_refused", "task_not_found"):
                raise
            self._fail(upload_id, problem)
            return False
        logger.info("upload_arrived", task_id=upload_id, size_bytes=arrived.stored.size_bytes)
        return True

    def _fail(self, upload_id: str, error: CesarError) -> None:
        with self._store.write(durable=True) as tx:
            if tx.uploads.find(upload_id) is not None:
                task = tx.tasks.get(upload_id)
                tx.uploads.end(task)
                self._tasks.fail_waiting_within(tx, task, error)
                tell_queue(tx)

    def _find(self, upload_id: str) -> Upload | None:
        with self._store.read() as tx:
            return tx.uploads.find(upload_id)
