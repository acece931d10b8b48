"""Owns the commands `cesar import` and `cesar watch`: recordings of a folder go into the library, once, and are transcribed if wished."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.client.display import Display, display_for
from app.client.folder import Found, Watch, find, sha256_of, state_of
from app.client.library_service import LibraryService
from app.client.recordings import Recording, UsageError
from app.client.service import Accepted, Unreachable
from app.client.transcribe import BAD_USAGE, FAILED, INTERRUPTED, OK, choose_service, read_options, sentence
from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED

_BATCH_FILES: Final = 50
_BATCH_BYTES: Final = 1 << 30
"""What goes over in one request: an upload that breaks off is repeated as a whole."""


@dataclass(frozen=True, slots=True)
class FolderWish:
    """The command line. `options` are fields of a submission; `server` None looks for one, "" is content without."""

    folder: str
    transcribe: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    server: str | None = None
    quiet: bool = False
    every_seconds: float = 2.0
    settle_seconds: float = 5.0


@dataclass
class _Tally:
    """What a command did so far."""

    new: int = 0
    known: int = 0
    problems: int = 0
    waiting: list[str] = field(default_factory=list)
    """Files that are to be transcribed."""


def import_folder(wish: FolderWish, settings: Settings) -> int:
    """Carry out `cesar import`; its exit status. Raises `SettingsError` when the settings do not allow to work alone."""
    return _Command(wish, settings).run(_import, when_interrupted=INTERRUPTED)


def watch_folder(wish: FolderWish, settings: Settings) -> int:
    """Carry out `cesar watch`, until Ctrl-C. Raises `SettingsError` as above."""
    return _Command(wish, settings).run(_watch, when_interrupted=OK)


class _Command:
    """One run of either command."""

    def __init__(self, wish: FolderWish, settings: Settings) -> None:
        self.wish = wish
        self.folder = Path(wish.folder)
        self.display: Display = display_for([], quiet=wish.quiet)
        self.tally = _Tally()
        self._settings = settings

    def run(self, work: Callable[["_Command"], None], when_interrupted: int) -> int:
        try:
            if not self.folder.is_dir():
                raise UsageError(f"{self.wish.folder} is not a folder.")
            self.options = read_options(self.wish.options)
            self.service: LibraryService = choose_service(self.wish.server, self._settings)
        except UsageError as problem:
            self.display.problem(str(problem))
            return BAD_USAGE
        except KeyboardInterrupt:
            return INTERRUPTED
        return self._run(work, when_interrupted)

    def _run(self, work: Callable[["_Command"], None], when_interrupted: int) -> int:
        try:
            work(self)
        except KeyboardInterrupt:
            return when_interrupted
        except Unreachable as problem:
            silence = f"{problem or self.service.place} has not answered for a minute."
            self.display.problem(silence, "Run the command again: what is there is not taken twice.")
            return FAILED
        except CesarError as problem:
            self.display.problem(sentence(problem), problem.entry.remedy)
            return FAILED
        finally:
            self.service.close()
        return FAILED if self.tally.problems else OK

    def take(self, found: Sequence[Found]) -> bool:
        """Take in what is not there yet; False if some of it may be taken in later, of which the person was told."""
        batches = _batches([one for one in found if self._is_new(one)])
        sent = [self._send([one.recording for one in batch]) for batch in batches]
        return all(sent)

    def transcribe(self) -> Accepted | None:
        """One Job over everything that was taken in since the last one, if that is wished."""
        waiting, self.tally.waiting = self.tally.waiting, []
        if not (self.wish.transcribe and waiting):
            return None
        try:
            accepted = self.service.process(waiting, self.options)
        except (CesarError, Unreachable) as problem:
            if isinstance(problem, Unreachable) or problem.entry.retryable:
                self.tally.waiting = waiting
            raise
        self.display.note(f"Job {accepted.job_id} transcribes {len(waiting)} of them.")
        return accepted

    def follow(self, accepted: Accepted) -> None:
        """Wait for the end: without a server nothing goes on when this command ends."""
        for event in self.service.follow(accepted.task_ids):
            if event["type"] == "status" and event["status"] in FINISHED:
                outcome = self.service.outcome(event["task_id"])
                self.display.note(f"{outcome.filename}: {outcome.status.value}")
                if not outcome.has_transcript:
                    self._complain(f"{outcome.filename}: {outcome.problem}")

    def _is_new(self, found: Found) -> bool:
        try:
            known = self.service.known(sha256_of(found.path))
        except OSError as problem:
            self._complain(f"{found.recording.name}: {problem.strerror}")
            return False
        if known is None:
            return True
        self.tally.known += 1
        if not known.has_tasks:
            self.tally.waiting.append(known.file_id)
        return False

    def _send(self, recordings: Sequence[Recording]) -> bool:
        try:
            taken = self.service.take_in(recordings)
        except OSError as problem:  # a file went away meanwhile
            return self._send_apart(recordings, problem.strerror or "", retryable=False)
        except CesarError as problem:
            return self._send_apart(recordings, sentence(problem), retryable=problem.entry.retryable)
        self.tally.new += len(taken.file_ids)
        self.tally.waiting += taken.file_ids
        for line in taken.problems:
            self._complain(line)
        return True

    def _send_apart(self, recordings: Sequence[Recording], problem: str, *, retryable: bool) -> bool:
        """One of them stopped all: the others go without it."""
        if len(recordings) > 1:
            sent = [self._send([recording]) for recording in recordings]
            return all(sent)
        self._complain(f"{recordings[0].name}: {problem}")
        return not retryable

    def _complain(self, line: str) -> None:
        self.tally.problems += 1
        self.display.problem(line)


def _import(command: _Command) -> None:
    found = find(command.folder)
    command.display.note(f"Importing {len(found)} recordings into {command.service.place}.")
    command.take(found)
    command.display.note(f"{command.tally.new} are new, {command.tally.known} were there already.")
    accepted = command.transcribe()
    if accepted is not None and not command.service.outlives_us:
        command.follow(accepted)


def _watch(command: _Command) -> None:
    watch = Watch(command.folder, command.wish.settle_seconds)
    command.display.note(f"Watching {command.folder} for {command.service.place}; Ctrl-C ends it.")
    while True:
        try:
            _look(command, watch)
        except Unreachable:
            command.display.problem(f"{command.service.place} does not answer; trying again.")
        except CesarError as problem:  # what it concerns was told; a watch goes on until somebody ends it
            command.display.problem(sentence(problem))
        time.sleep(command.wish.every_seconds)


def _look(command: _Command, watch: Watch) -> None:
    for found in watch.look():
        problems = command.tally.problems
        if not command.take([found]):
            watch.put_off(found)
            continue
        if command.tally.problems == problems:
            command.display.note(f"{found.recording.name} is in the library.")
        if state_of(found.path) == found.state:  # else it went on growing, and is a new recording
            watch.took(found)
    command.transcribe()


def _batches(found: Sequence[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    for one in found:
        if batch and (
            len(batch) == _BATCH_FILES or sum(other.state[0] for other in batch) + one.state[0] > _BATCH_BYTES
        ):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
