"""Owns the unit of work: repositories that share one transaction, and the announcement that follows its commit."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session

from app.core.logging import logger
from app.domain.ports import Announcer
from app.infrastructure.database.engine import Database
from app.infrastructure.database.repositories.duplicates import DuplicateRepository
from app.infrastructure.database.repositories.edits import EditRepository
from app.infrastructure.database.repositories.errands import ErrandRepository, ImportRepository
from app.infrastructure.database.repositories.events import EventRepository
from app.infrastructure.database.repositories.files import FileRepository
from app.infrastructure.database.repositories.fingerprints import FingerprintRepository
from app.infrastructure.database.repositories.jobs import JobRepository
from app.infrastructure.database.repositories.keeping import KeepingRepository
from app.infrastructure.database.repositories.library import LibraryRepository
from app.infrastructure.database.repositories.lists import ListRepository
from app.infrastructure.database.repositories.search import SearchRepository
from app.infrastructure.database.repositories.selections import SelectionRepository
from app.infrastructure.database.repositories.speeds import SpeedRepository
from app.infrastructure.database.repositories.tasks import TaskRepository
from app.infrastructure.database.repositories.transcripts import TranscriptRepository
from app.infrastructure.database.repositories.uploads import UploadRepository
from app.infrastructure.database.repositories.webhooks import WebhookRepository
from app.services.store import Transaction


class SqlTransaction:
    """The repositories of one session."""

    def __init__(self, session: Session, touched: set[str]) -> None:
        self.files = FileRepository(session)
        self.jobs = JobRepository(session)
        self.tasks = TaskRepository(session)
        self.transcripts = TranscriptRepository(session)
        self.edits = EditRepository(session)
        self.search = SearchRepository(session)
        self.events = EventRepository(session, touched)
        self.speeds = SpeedRepository(session)
        self.errands = ErrandRepository(session)
        self.imports = ImportRepository(session)
        self.selections = SelectionRepository(session)
        self.lists = ListRepository(session)
        self.uploads = UploadRepository(session)
        self.webhooks = WebhookRepository(session)
        self.library = LibraryRepository(session)
        self.duplicates = DuplicateRepository(session)
        self.sounds = FingerprintRepository(session)
        self.keeping = KeepingRepository(session)


class SqlStore:
    """`app.services.store.Store` on a SQL database."""

    def __init__(self, database: Database, announcer: Announcer) -> None:
        self._database = database
        self._announcer = announcer

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """See one moment of the database."""
        with self._database.read() as session:
            yield SqlTransaction(session, set())

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Transaction]:
        """All or nothing; announces appended events after the commit."""
        touched: set[str] = set()
        with self._database.write(durable=durable) as session:
            yield SqlTransaction(session, touched)
        for task_id in touched:
            try:
                self._announcer.announce(task_id)
            except Exception:  # it is committed: a hint that cannot be given must not look like a failure
                logger.exception("announcement_failed", task_id=task_id)
