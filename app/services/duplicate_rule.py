"""Owns what happens to a recording whose bytes are in the library already: noted, and then transcribed again, reused or refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.models import File, Task
from app.services.duplicate_store import EXACT
from app.services.reuse import WouldRun, differing_options, take_over
from app.services.store import Transaction


def _nobody_knows(_options: TranscriptionOptions) -> WouldRun:
    return WouldRun()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about a duplicate: `choice` is transcribe, reuse or refuse; the rest is what a transcript has to match."""

    choice: str = "transcribe"
    options: Mapping[str, Any] = field(default_factory=dict)
    would_run: WouldRun = field(default_factory=WouldRun)

    def differing(self, source: Task) -> tuple[str, ...]:
        """The options for which a finished Task cannot be reused."""
        return differing_options(self.options, self.would_run, source)


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """The setting `on_duplicate`, over which a request's own goes. `would_run` may ask the network: not within a transaction."""

    default: str = "transcribe"
    would_run: Callable[[TranscriptionOptions], WouldRun] = _nobody_knows

    def plan(self, options: TranscriptionOptions) -> Plan:
        """What a request with these options, completed by the defaults, wants. Blocking."""
        choice = options.on_duplicate or self.default
        would_run = self.would_run(options) if choice == "reuse" else WouldRun()
        return Plan(choice, options.given(), would_run)

    def note(self, tx: Transaction, file: File) -> None:
        """Write down that a File whose bytes have arrived is an exact duplicate, if it is one, of the oldest."""
        oldest = tx.duplicates.oldest_with_same_bytes(file) if file.file_hash_sha256 else None
        if oldest is not None:
            newer, older = (file, oldest) if oldest.id < file.id else (oldest, file)
            tx.duplicates.add(newer, older, EXACT, 1.0)

    def settle(self, tx: Transaction, task: Task, plan: Plan) -> None:
        """Do what is planned about a waiting Task; the transaction has to end with `tell_queue`.

        Raises:
            CesarError: `duplicate_refused`, whose detail names the File and the Task that are there.
        """
        sha256 = task.file.file_hash_sha256
        if sha256 is None or plan.choice == "transcribe":
            return
        if plan.choice == "refuse":
            _refuse(tx, task, sha256)
        else:
            _reuse(tx, task, sha256, plan)


def _refuse(tx: Transaction, task: Task, sha256: str) -> None:
    earlier = tx.duplicates.earlier_task(task, sha256)
    if earlier is not None:
        raise CesarError("duplicate_refused", f"file {earlier.file.uuid}, task {earlier.uuid}")


def _reuse(tx: Transaction, task: Task, sha256: str, plan: Plan) -> None:
    fitting = (source for source in tx.duplicates.finished_tasks(sha256) if not plan.differing(source))
    if (source := next(fitting, None)) is not None:
        take_over(tx, task, source)
