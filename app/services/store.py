"""Owns the seam to the database (implemented by `app.infrastructure.database.store`): one transaction, and what can be done within it.

Whoever appends an event inside a transaction need not announce it: the store does so after the commit.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.domain.edits import Edit
from app.domain.events import Event, StoredEvent
from app.domain.rewriting import Replacement
from app.domain.transcript import Segment
from app.models import File, Job, JobStatus, Task, WebhookDelivery
from app.services.duplicate_store import DuplicateAccess
from app.services.errand_store import Errands, Imports, Lists, Selections
from app.services.keeping_store import Keeping
from app.services.library_store import Library
from app.services.search_store import Search
from app.services.upload_store import Uploads
from app.services.work_filter import JobFilter, TaskFilter


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to write about a Task: valid while the Task's attempt and owner are these."""

    task_id: str
    attempt: int
    owner: str


class Files(Protocol):
    """Files of the library."""

    def add(self, file: File) -> File:
        """Store a new File; its `id` is known afterwards."""

    def get(self, uuid: str) -> File:
        """Raises `CesarError("file_not_found")`."""

    def is_used(self, file: File) -> bool:
        """Whether it is there for a reason: a Task points to it, or it was imported."""

    def remove(self, file: File) -> None:
        """Delete the row."""

    def storage_keys(self) -> set[str]:
        """Keys of all stored bytes that a File, or a Job with an archive, points to."""


class Jobs(Protocol):
    """Jobs, whose status follows from their Tasks."""

    def add(self, job: Job, files: Sequence[File]) -> Job:
        """Store a new Job with one queued Task for each File, in order."""

    def get(self, uuid: str) -> Job:
        """Raises `CesarError("job_not_found")`."""

    def by_key(self, idempotency_key: str) -> Job | None:
        """The Job that was submitted with this key."""

    def list_all(self, wanted: JobFilter, page: int, per_page: int) -> tuple[list[Job], int]:
        """One page, and how many there are."""

    def is_empty(self, job: Job) -> bool:
        """Whether no Task is left in it."""

    def refresh(self, job_id: int) -> Job | None:
        """Derive status, counts and times anew from the Tasks; the Job, if this ended it."""

    def remove(self, job: Job) -> None:
        """Delete the Job, its Tasks, their segments and events."""


class Tasks(Protocol):
    """Tasks: every change of status is one guarded UPDATE."""

    def get(self, uuid: str) -> Task:
        """Raises `CesarError("task_not_found")`."""

    def list_all(self, wanted: TaskFilter, page: int, per_page: int, *, text: bool = True) -> tuple[list[Task], int]:
        """One page with their Jobs and Files, and how many there are. Without `text` nobody may ask them for `result_text`."""

    def update(self, identifier: str, update_data: dict[str, Any]) -> None:
        """Set columns; not `status`, which only `move` changes. Raises `CesarError("task_not_found")`."""

    def move(self, task: Task, target: JobStatus, lease: Lease | None, values: dict[str, Any]) -> bool:
        """Change the status and set columns if the lifecycle allows it and, where given, the lease still holds; whether it did."""

    def get_next_queued(self) -> Task | None:
        """The oldest waiting Task by (job, position)."""

    def claim(self, owner: str, expires: datetime, *, to_fetch: bool) -> Task | None:
        """Take the oldest waiting Task, atomically.

        With `to_fetch` one whose bytes are still behind a URL (it becomes `downloading`), else one whose bytes are
        here (it becomes `processing`).
        """

    def renew(self, lease: Lease, expires: datetime) -> bool:
        """Prolong a lease; False if it is no longer ours."""

    def holds(self, lease: Lease) -> bool:
        """Whether the lease is still ours."""

    def leased(self) -> list[Task]:
        """All Tasks that a worker holds, oldest first."""

    def waiting(self, limit: int) -> list[Task]:
        """The first waiting Tasks, next first."""

    def queue_position(self, task: Task) -> int | None:
        """1 = next; None if the Task does not wait."""

    def unfinished(self) -> list[str]:
        """Public ids of Tasks that are not finished, oldest first."""

    def count(self, *statuses: JobStatus) -> int:
        """How many Tasks have one of these statuses; not those that wait for nothing but their recording."""

    def remove(self, task: Task) -> None:
        """Delete the Task, its segments and events."""


class Transcripts(Protocol):
    """Stored segments."""

    def replace(self, task: Task, segments: Sequence[Segment]) -> None:
        """Make these the Task's segments."""

    def clear(self, task: Task) -> None:
        """Delete the Task's segments."""

    def of(self, task: Task, *, words: bool = True) -> tuple[Segment, ...]:
        """In the order of time, with their words or without."""

    def any_of(self, task: Task) -> bool:
        """Whether there is a segment."""


class Edits(Protocol):
    """What people made of a transcript."""

    def of(self, task: Task) -> list[Edit]:
        """In the order in which they were made or last changed."""

    def put(self, task: Task, replacement: Replacement) -> int:
        """Store an edit in the place of those that it absorbs; its id. Without pieces they are only removed, and it is 0."""

    def names(self, task: Task) -> dict[str, str]:
        """What people call the speakers, by label."""

    def name(self, task: Task, label: str, name: str | None) -> None:
        """Give a speaker a name, or take it back."""

    def advance(self, task: Task, version: int) -> bool:
        """Count a change of a finished Task's transcript that was made on this version; False if it is not the present one."""


class Events(Protocol):
    """The log, inside a transaction."""

    def append(self, task: Task, *events: Event) -> list[StoredEvent]:
        """Number, encode and store events of a Task; announced after the commit."""

    def begin(self, firsts: Sequence[tuple[Task, Event]]) -> list[StoredEvent]:
        """The same for events of many Tasks that were made in this very transaction, in their order: status and progress."""


class Speeds(Protocol):
    """How fast engines are on this machine."""

    def of(self, engine: str, model: str, device: str) -> dict[str, float]:
        """Seconds of work per second of audio, by stage."""

    def learn(self, engine: str, model: str, device: str, stage: str, seconds_per_second: float) -> None:
        """Fold one run into the moving average."""


class Webhooks(Protocol):
    """Deliveries of webhooks."""

    def add(self, job: Job, url: str, event_type: str, payload: bytes) -> None:
        """Write a delivery down; it is due at once."""

    def any_due(self, now: datetime, left_alone: Collection[str]) -> bool:
        """Whether a delivery waits to be sent, those to receivers of `left_alone` not counted."""

    def give_up_spent(self, now: datetime, most: int, reason: str) -> list[str]:
        """Give up what is due although it was tried `most` times; `reason` where none is known. Their ids."""

    def claim(self, now: datetime, until: datetime, left_alone: Collection[str]) -> WebhookDelivery | None:
        """Take the next due delivery, atomically: until then nobody else gets it. Fewest attempts first, then oldest."""

    def put_back(self, row: int, until: datetime, now: datetime) -> None:
        """Undo the claim that ends at `until`, if it is still the delivery's: due `now`, one attempt less."""

    def settle(self, row: int, until: datetime | None, values: dict[str, Any]) -> bool:
        """Store what came of a sending, with `until` only while the claim that ends then is the newest; whether it was stored."""

    def get(self, job: Job, uuid: str) -> WebhookDelivery:
        """Raises `CesarError("not_found")` if it is not this Job's."""

    def of_job(self, job: Job, page: int, per_page: int) -> tuple[list[WebhookDelivery], int]:
        """One page, oldest first, and how many there are."""

    def send_again(self, row: WebhookDelivery, now: datetime) -> None:
        """Make it due now, as if never sent; one that is being sent stays as it is, so that none is sent twice at once."""


class Transaction(DuplicateAccess, Protocol):
    """Everything that can be done in one transaction."""

    @property
    def files(self) -> Files:
        """Files within this transaction."""

    @property
    def jobs(self) -> Jobs:
        """Jobs within this transaction."""

    @property
    def tasks(self) -> Tasks:
        """Tasks within this transaction."""

    @property
    def transcripts(self) -> Transcripts:
        """Transcripts within this transaction."""

    @property
    def edits(self) -> Edits:
        """Edits and names within this transaction."""

    @property
    def search(self) -> Search:
        """The search within this transaction."""

    @property
    def events(self) -> Events:
        """Events within this transaction."""

    @property
    def speeds(self) -> Speeds:
        """Speeds within this transaction."""

    @property
    def errands(self) -> Errands:
        """Errands within this transaction."""

    @property
    def imports(self) -> Imports:
        """What was imported, within this transaction."""

    @property
    def selections(self) -> Selections:
        """Selections within this transaction."""

    @property
    def lists(self) -> Lists:
        """Pages of lists within this transaction."""

    @property
    def library(self) -> Library:
        """The library within this transaction."""

    @property
    def keeping(self) -> Keeping:
        """What has been kept long enough, within this transaction."""

    @property
    def uploads(self) -> Uploads:
        """Uploads in pieces, within this transaction."""

    @property
    def webhooks(self) -> Webhooks:
        """Webhook deliveries within this transaction."""


class Store(Protocol):
    """Opens transactions."""

    def read(self) -> AbstractContextManager[Transaction]:
        """See one moment of the database."""

    def write(self, *, durable: bool = False) -> AbstractContextManager[Transaction]:
        """All or nothing; `durable` returns only when the disk has it. Announces appended events after the commit."""
