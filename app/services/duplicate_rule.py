"""Owns what happens to a recording whose bytes are in the library already: noted, and then transcribed again, reused or refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.models import File, Task
from app.services.duplicate_store import EXACT
from app.services.reuse import WouldRun, differing_options, take_over
from app.services.store import Lease, Transaction


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

    def choice(self, options: TranscriptionOptions) -> str:
        """What a request with these options wants."""
        return options.on_duplicate or self.default

    def plan(self, options: TranscriptionOptions) -> Plan:
        """The same, with what a transcript has to match; the options are completed by the defaults. Blocking."""
        choice = self.choice(options)
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
            reuse(tx, task, sha256, plan)


def _refuse(tx: Transaction, task: Task, sha256: str) -> None:
    earlier = tx.duplicates.earlier_task(task, sha256)
    if earlier is not None:
        raise CesarError("duplicate_refused", f"file {earlier.file.uuid}, task {earlier.uuid}")


def reuse(tx: Transaction, task: Task, sha256: str, plan: Plan, lease: Lease | None = None) -> bool:
    """Let a Task (its worker's `lease`; None if it waits) take over a finished transcript of these bytes, if one fits; whether one did."""
    fitting = (source for source in tx.duplicates.finished_tasks(sha256) if not plan.differing(source))
    if (source := next(fitting, None)) is None:
        return False
    take_over(tx, task, source, lease)
    return True
