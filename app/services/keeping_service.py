"""Owns what is kept and for how long: bytes, Tasks and events that have had their time go, a File goes with all that is about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from threading import Event
from typing import Final

from app.core.clock import utc_now
from app.core.logging import logger
from app.domain.derived import DerivedFiles
from app.domain.ports import Storage
from app.models import File, Task
from app.services.store import Store, Transaction
from app.services.task_moves import tell_job, tell_queue
from app.services.turns import let_others_write, one_turn

DISCARD_GRACE: Final = timedelta(days=1)
"""How long the bytes of a discarded copy stay, so that a decision made by mistake can be undone."""

_BATCH: Final = 100
"""How much one transaction forgets at most."""

_TOLD_FILES: Final = 20


@dataclass(frozen=True, slots=True)
class KeepingRules:
    """How long each kind is kept after its Task finished; None = until somebody deletes it."""

    media: timedelta | None = None
    transcripts: timedelta | None = None
    events: timedelta | None = None
    discarded: timedelta = DISCARD_GRACE

    @classmethod
    def of_days(cls, media: float | None, transcripts: float | None, events: float | None) -> "KeepingRules":
        """From settings in days."""
        return cls(_days(media), _days(transcripts), _days(events))

    @property
    def shortest(self) -> timedelta | None:
        """The shortest time for which anything that a Task leaves is kept."""
        return min((kept for kept in (self.media, self.transcripts, self.events) if kept is not None), default=None)


class KeepingService:
    """Forgets what nobody wants any more. Blocking; several processes may do it at the same time."""

    def __init__(
        self,
        store: Store,
        storage: Storage,
        derived: DerivedFiles,
        rules: KeepingRules,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._storage = storage
        self._derived = derived
        self.rules = rules
        self._now = now
        self._closing = Event()

    def forget_expired(self) -> list[str]:
        """Remove what has been kept long enough; the ids of the Tasks that are gone."""
        now, gone = self._now(), list[str]()
        if self.rules.transcripts is not None:
            gone = self._forget_tasks(now - self.rules.transcripts)
            self._forget_exports(now - self.rules.transcripts)
        if self.rules.media is not None and (files := self._forget_media(self.rules.media, _expired)):
            logger.info("media_expired", files=files)
        if files := self._forget_media(self.rules.discarded, _discarded):
            logger.info("discarded_media_removed", files=files)
        if self.rules.events is not None:
            self._prune_events(now - self.rules.events)
        return gone

    def delete_file(self, file_id: str) -> list[str]:
        """Remove a File with all that is about it, in one step; the ids of the Tasks that are gone. Running ones stop.

        Raises:
            CesarError: `file_not_found`.
        """
        with self._store.write(durable=True) as tx:
            file = tx.files.get(file_id)
            tasks = tx.keeping.tasks_of(file)
            gone = [task.uuid for task in tasks]
            _remove_tasks(tx, tasks)
            keys = [key for key in [file.storage_path] if key]
            tx.files.remove(file)
            tell_queue(tx)
        self._remove_bytes(keys)
        logger.info("file_deleted", file_id=file_id, tasks=len(gone))
        return gone

    def look_for_orphans(self) -> None:
        """Remove what was made from recordings that are gone; tell of Files whose bytes are missing.

        Those are told and not changed: a folder that is not mounted must not make the library forget what is in it.
        """
        # In this order: a File is there before anything is made from it.
        made = set(self._derived.keys())
        with self._store.read() as tx:
            known = tx.files.storage_keys()
        for key in made - known:
            self._derived.remove(key)
        lost = sorted(known - set(self._storage.keys()))
        with self._store.read() as tx:
            files = tx.keeping.missing(lost)
        if files:
            logger.warning("media_missing", files=len(files), file_ids=files[:_TOLD_FILES])

    def close(self) -> None:
        """Forget no more than what is being forgotten; the rest has time."""
        self._closing.set()

    def _forget_tasks(self, before: datetime) -> list[str]:
        gone: list[str] = []

        def forget_some() -> int:
            batch: list[str] = []
            with self._store.write(durable=True) as tx:
                for task in one_turn(tx.keeping.expired_tasks(before, _BATCH)):
                    file = task.file
                    _note_end(task)
                    batch.append(task.uuid)
                    _remove_tasks(tx, [task])
                    _remove_empty(tx, [file])
            gone.extend(batch)
            return len(batch)

        if count := self._repeat(forget_some):
            logger.info("tasks_expired", tasks=count)
        return gone

    def _forget_exports(self, before: datetime) -> None:
        """An archive is full of transcripts."""

        def forget_some() -> int:
            with self._store.write(durable=True) as tx:
                jobs = tx.keeping.expired_exports(before, _BATCH)
                keys = [job.output_path for job in jobs if job.output_path]
                for job in jobs:
                    tx.jobs.remove(job)
            self._remove_bytes(keys)
            return len(jobs)

        if count := self._repeat(forget_some):
            logger.info("exports_expired", jobs=count)

    def _forget_media(self, kept_for: timedelta, choose: Callable[[Transaction, datetime], list[File]]) -> int:
        def forget_some() -> int:
            with self._store.write(durable=True) as tx:
                files = choose(tx, self._now() - kept_for)
                keys = [file.storage_path for file in files if file.storage_path]
                for file in files:
                    file.storage_path, file.media_removed_at = None, self._now()
                _remove_empty(tx, files)
            self._remove_bytes(keys)
            return len(keys)

        return self._repeat(forget_some)

    def _prune_events(self, before: datetime) -> None:
        def forget_some() -> int:
            with self._store.write() as tx:
                return tx.keeping.prune_events(before, _BATCH)

        if count := self._repeat(forget_some):
            logger.info("events_expired", tasks=count)

    def _repeat(self, forget_some: Callable[[], int]) -> int:
        """Until there is nothing more; how much there was."""
        count = 0
        while not self._closing.is_set() and (some := forget_some()):
            count += some
            let_others_write()
        return count

    def _remove_bytes(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._storage.remove(key)


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


def _expired(tx: Transaction, before: datetime) -> list[File]:
    return tx.keeping.expired_media(before, _BATCH)


def _discarded(tx: Transaction, before: datetime) -> list[File]:
    return tx.keeping.discarded_media(before, _BATCH)


def _remove_tasks(tx: Transaction, tasks: Sequence[Task]) -> None:
    """Remove Tasks and the Jobs that are empty then; what is left of a Job counts anew."""
    for _, group in groupby(sorted(tasks, key=lambda task: task.job_id), key=lambda task: task.job_id):
        of_job = list(group)
        job = of_job[0].job
        for task in of_job:
            tx.tasks.remove(task)
        if tx.jobs.is_empty(job):
            tx.jobs.remove(job)
        else:
            tell_job(tx, job.id)


def _note_end(task: Task) -> None:
    """When a File's Tasks are gone, its bytes are still to be counted from their end."""
    task.file.updated_at = max(task.file.updated_at, task.completed_at or task.created_at)


def _remove_empty(tx: Transaction, files: Sequence[File]) -> None:
    """Of a File without bytes and without Tasks there is nothing left to keep."""
    for file in files:
        if tx.keeping.is_kept_for_nothing(file):
            tx.files.remove(file)
