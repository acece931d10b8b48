"""A real database, store and storage in a folder, as the services know them, for tests that need no process of their own."""

import json
import wave
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.options import TranscriptionOptions
from app.domain.ports import MediaFacts, StoredFile
from app.infrastructure.database.engine import Database
from app.infrastructure.database.event_log import SqlEventLog
from app.infrastructure.database.migrate import upgrade
from app.infrastructure.database.store import SqlStore
from app.infrastructure.storage.local import LocalStorage
from app.services.job_service import JobService
from app.services.query_service import QueryService
from app.services.runs import Claim
from app.services.store import Lease
from app.services.submission import ArrivedFile, Submission
from app.services.task_service import TaskService

FACTS = MediaFacts("audio/x-wav", 1.0, "wav", "pcm_s16le", 16_000, 1)


@dataclass
class Announcements:
    """Remembers who was announced."""

    announced: list[str] = field(default_factory=list)

    def announce(self, task_id: str) -> None:
        """Remember."""
        self.announced.append(task_id)


class Workbench:
    """Everything on one folder. `dead` are owners that certainly no longer run."""

    def __init__(self, folder: Path, *, lease_seconds: float = 30.0, max_attempts: int = 3) -> None:
        folder.mkdir(exist_ok=True)
        self.database_folder = folder
        self.database = Database(f"sqlite:///{folder / 'cesar.db'}")
        upgrade(self.database, folder)
        self.announcements = Announcements()
        self.store = SqlStore(self.database, self.announcements)
        self.storage = LocalStorage(folder / "media")
        self.dead: set[str] = set()
        self.tasks = TaskService(
            self.store, lease_seconds=lease_seconds, max_attempts=max_attempts, is_dead=self.dead.__contains__
        )
        self.jobs = JobService(self.store, self.tasks, self.storage)
        self.queries = QueryService(self.store)
        self.leases: dict[str, Lease] = {}
        self.log = SqlEventLog(self.database)
        self.worker_log = SqlEventLog(self.database, self.leases)

    def store_bytes(self, content: bytes = b"bytes") -> StoredFile:
        """Some bytes at rest."""
        receiver = self.storage.receive()
        receiver.write(content)
        return receiver.commit()

    def submit(self, files: int = 1, **options: object) -> list[str]:
        """Submit a Job; the ids of its Tasks."""
        arrived = tuple(ArrivedFile(f"{n}.wav", self.store_bytes(), FACTS) for n in range(files))
        wanted = TranscriptionOptions(**options)  # type: ignore[arg-type]
        return self.jobs.tasks_of_job(self.jobs.submit(Submission(wanted, files=arrived)))

    def claim(self, owner: str = "worker") -> Claim:
        """Claim the next Task."""
        claim = self.tasks.claim(owner, to_fetch=False)
        assert claim is not None
        self.leases[claim.task_id] = claim.lease
        return claim

    def statuses(self, task_id: str) -> list[str]:
        """The statuses told in a Task's log, in order, repeated ones (queue positions) once."""
        told = [json.loads(event.payload)["status"] for event in self.log.since(task_id, 0) if event.type == "status"]
        return [status for index, status in enumerate(told) if index == 0 or status != told[index - 1]]

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def write_wav(path: Path, seconds: float = 0.2) -> Path:
    """A short, silent recording."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(int(16_000 * seconds) * 2))
    return path
