"""Owns one run of one Task in a worker: it ends in a result, in a typed failure, or in silence if the Task is no longer ours."""

import errno
import time
from collections.abc import Callable

from app.core.logging import logger
from app.domain.disclosure import shown_text
from app.domain.errors import Cancelled, CesarError
from app.domain.ports import Audio, Emitter, Fetcher, MediaFacts, StoredFile
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Transcript
from app.services.late_reuse import LateReuse
from app.services.run_progress import RunProgress
from app.services.runs import Claim
from app.services.sound_service import SoundService
from app.services.task_service import TaskService
from app.services.whisperx_wrapper_service import PipelineTools, Recording, process_audio_common

_FLUSH_SECONDS = 120.0
"""How long events may take to be stored before a run gives up: a database can be busy, and nothing may be missing."""

_FLUSH_LOOK_SECONDS = 0.5
"""How often a run that waits for that asks whether it is still wanted."""

_LAST_FLUSH_SECONDS = 30.0
"""How long what was told before a failure may take; the failure is told in any case."""

_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)


class RunService:
    """Runs claimed Tasks; every exception ends as an error of the catalogue."""

    def __init__(
        self,
        tasks: TaskService,
        emitter: Emitter,
        tools: PipelineTools,
        fetcher: Fetcher,
        *,
        sounds: SoundService | None = None,
        reuse: LateReuse | None = None,
    ) -> None:
        self._sounds = sounds
        self._reuse = reuse
        self._tasks = tasks
        self._emitter = emitter
        self._tools = tools
        self._fetcher = fetcher

    def run(self, claim: Claim, progress: RunProgress) -> None:
        """Run to the end. Blocking; raises nothing that an engine or a library could cause."""
        try:
            if claim.storage_key is None:
                self._fetch(claim, progress)
            elif self._reuse is None or not self._reuse.ends(claim):
                self._transcribe(claim, claim.storage_key, progress)
        except Cancelled:
            logger.info("run_stopped", task_id=claim.task_id, attempt=claim.lease.attempt)
        except BaseException as problem:  # no exception of a library may leave a Task `processing`
            self._emitter.flush(_LAST_FLUSH_SECONDS)
            error = as_cesar_error(problem)
            _insist(lambda: self._tasks.fail(claim.lease, error))

    def _transcribe(self, claim: Claim, storage_key: str, progress: RunProgress) -> None:
        result = process_audio_common(
            recording=Recording(storage_key, claim.duration_seconds),
            options=claim.options,
            progress=progress,
            tools=self._tools,
            engine_known=lambda engine: self._tasks.engine_known(claim.lease, engine.name, engine.model, engine.device),
            reached=lambda stage, transcript: self._reached(claim, progress, stage, transcript),
            kept=claim.kept,
            heard=lambda audio: self._hear(claim, audio, progress),
        )
        self._flush(progress)
        _insist(lambda: self._tasks.complete(claim.lease, result))

    def _hear(self, claim: Claim, audio: Audio, progress: RunProgress) -> None:
        if self._sounds is not None:
            self._sounds.hear(claim.task_id, audio, progress.check)

    def _reached(self, claim: Claim, progress: RunProgress, stage: TaskProgressStage, transcript: Transcript) -> None:
        self._flush(progress)
        _insist(lambda: self._tasks.reached(claim.lease, stage, transcript))

    def _flush(self, progress: RunProgress) -> None:
        """What was emitted must be numbered before what follows. Raises `CesarError("unavailable")`, `Cancelled`."""
        deadline = time.monotonic() + _FLUSH_SECONDS
        progress.check()
        while not self._emitter.flush(_FLUSH_LOOK_SECONDS):
            progress.check()
            if time.monotonic() > deadline:
                raise CesarError("unavailable", f"events could not be stored within {_FLUSH_SECONDS:g} s")

    def _fetch(self, claim: Claim, progress: RunProgress) -> None:
        receiver = self._tools.storage.receive()
        try:
            control = progress.stage(TaskProgressStage.DOWNLOADING)
            download = self._fetcher.fetch(claim.source_url or "", receiver, control)
            facts = self._tools.media.probe(receiver.path)
            self._keep(claim, progress, receiver.commit(), facts, download.filename)
        finally:
            receiver.abandon()

    def _keep(self, claim: Claim, progress: RunProgress, stored: StoredFile, facts: MediaFacts, filename: str) -> None:
        try:
            self._flush(progress)
            self._tasks.arrived(claim.lease, stored, facts, filename)
        except BaseException:
            self._tools.storage.remove(stored.key)
            raise


def _insist(action: Callable[[], None]) -> None:
    """A database that is busy for a while must not cost a finished transcript."""
    for pause in _PAUSES_SECONDS:
        try:
            return action()
        except CesarError as problem:
            if problem.code != "unavailable":
                raise
            logger.warning("database_busy", retry_in_seconds=pause)
            time.sleep(pause)
    return action()


def as_cesar_error(problem: BaseException) -> CesarError:
    """The catalogue's entry for whatever was raised; the technical detail keeps the original text, but for paths and keys."""
    detail = shown_text(f"{type(problem).__name__}: {problem}")
    match problem:
        case CesarError():
            return CesarError(problem.code, shown_text(problem.detail))
        case MemoryError():
            return CesarError("out_of_memory", detail)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
            return CesarError("disk_full", detail)
        case _:
            return CesarError("PROCESSING_FAILED", detail)
