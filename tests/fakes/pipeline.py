"""Runs of the pipeline on a workbench, with scripted stages: everything but the models and the media is real."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Aligner, Audio, Diarizer, Engine, RunControl
from app.infrastructure.websocket.progress_emitter import ProgressEmitter
from app.services.late_reuse import LateReuse
from app.services.run_progress import RunProgress
from app.services.run_service import RunService
from app.services.sound_service import SoundService
from app.services.whisperx_wrapper_service import PipelineTools
from tests.fakes import scripted_aligner, scripted_diarizer, scripted_engine
from tests.workbench import FACTS, Workbench

SETTINGS = Settings(_env_file=None)


@dataclass
class FakeShelf:
    """Lends scripted stages. `refusals` are codes that lending an aligner or a diarizer raises; `lent` tells what was lent,
    `languages` to align what."""

    whole: bool = True
    refusals: dict[str, str] = field(default_factory=dict)
    lent: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def lend(self, options: TranscriptionOptions, control: RunControl) -> Iterator[Engine]:
        yield self._lend("engine", scripted_engine.ScriptedEngine(whole=self.whole))

    @contextlib.contextmanager
    def lend_aligner(self, language: str, options: TranscriptionOptions, control: RunControl) -> Iterator[Aligner]:
        control.fraction(1.0)
        self.languages.append(language)
        yield self._lend("aligner", scripted_aligner.create(SETTINGS))

    @contextlib.contextmanager
    def lend_diarizer(self, options: TranscriptionOptions, control: RunControl) -> Iterator[Diarizer]:
        control.fraction(1.0)
        yield self._lend("diarizer", scripted_diarizer.create(SETTINGS))

    def _lend(self, kind: str, thing: Any) -> Any:
        self.lent.append(kind)
        if kind in self.refusals:
            raise CesarError(self.refusals[kind], "the shelf says so")
        return thing


class FakeMedia:
    """Decodes anything to three seconds of nothing."""

    def probe(self, path: Path) -> Any:
        return FACTS

    def decode(self, path: Path, target: Path, control: RunControl) -> Audio:
        target.write_bytes(bytes(3 * 32_000))
        control.fraction(1.0)
        return Audio(target, 3.0)


class Pipeline:
    """Submits and runs Tasks. `shelf` is what it works with."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.shelf = FakeShelf()
        self.sounds: SoundService | None = None
        self.emitter = ProgressEmitter(bench.announcements, bench.worker_log)  # type: ignore[arg-type]

    def transcribe(self, script: str = "", **options: object) -> str:
        """Submit and run; the Task's id."""
        (task_id,) = self.bench.submit(1, initial_prompt=script, **options)
        self.run_next()
        return task_id

    def run_next(self) -> None:
        """Run the Task that waits."""
        claim = self.bench.claim()
        tools = PipelineTools(self.bench.storage, FakeMedia(), self.shelf, self._speeds)
        reuse = LateReuse(self.bench.store, self.bench.tasks.duplicates)
        service = RunService(self.bench.tasks, self.emitter, tools, None, sounds=self.sounds, reuse=reuse)  # type: ignore[arg-type]
        service.run(claim, RunProgress(claim.task_id, self.emitter, claim.percentage))

    def history(self, task_id: str, *kinds: str) -> list[dict[str, Any]]:
        """What was told, in order."""
        told = [json.loads(event.payload) for event in self.bench.log.since(task_id, 0)]
        return [event for event in told if not kinds or event["type"] in kinds]

    def _speeds(self, engine: str, model: str, device: str) -> dict[str, float]:
        with self.bench.store.read() as tx:
            return tx.speeds.of(engine, model, device)
