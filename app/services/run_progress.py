"""Owns what a run tells about itself: fractions of stages become progress, decoded speech becomes segments, and a stop is noticed."""

import threading
from collections.abc import Sequence

from app.domain.disclosure import shown_text
from app.domain.errors import WARNINGS, Cancelled
from app.domain.events import SegmentEvent, SegmentsRevisedEvent, WarningEvent
from app.domain.ports import Emitter
from app.domain.progress import Progress, ProgressMeter, StageEstimate, TaskProgressStage
from app.domain.transcript import Segment


def _update_progress(emitter: Emitter, task_id: str, progress: Progress) -> None:
    """The one way a run's progress goes out: the emitter stores it in the Task's columns and the log, then announces it."""
    emitter.emit_progress(
        task_id,
        progress.stage,
        progress.percentage,
        progress.message,
        stage_percentage=progress.stage_percentage,
        eta_seconds=progress.eta_seconds,
        stalled=progress.stalled,
    )


class RunProgress:
    """The progress of one attempt. The run reports from its thread, `tick` and `stop` come from others."""

    def __init__(self, task_id: str, emitter: Emitter, percentage: int = 0) -> None:
        self.task_id = task_id
        self._emitter = emitter
        self._meter = ProgressMeter(floor=percentage)
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def plan(self, estimates: tuple[StageEstimate, ...]) -> None:
        """Say how long the stages are expected to take."""
        with self._lock:
            self._meter.plan(estimates)

    def stage(self, stage: TaskProgressStage, begin: float = 0.0, end: float = 1.0) -> "StageControl":
        """A control whose fractions fill `begin`..`end` of a stage."""
        return StageControl(self, stage, begin, end)

    def advance(self, stage: TaskProgressStage, fraction: float, message: str = "") -> None:
        """Record progress and announce it if it is worth it. Raises `Cancelled` when the run is no longer wanted."""
        self.check()
        with self._lock:
            self._tell(self._meter.advance(stage, fraction, message))

    def tick(self) -> None:
        """From time to time while nothing moves: a fresh estimate, or the `stalled` sign."""
        with self._lock:
            if not self._stopped.is_set():
                self._tell(self._meter.check())

    def emit(self, event: SegmentEvent | SegmentsRevisedEvent | WarningEvent) -> None:
        """Say something else about the run. Raises `Cancelled`."""
        self.check()
        self._emitter.emit(self.task_id, event)

    def stop(self) -> None:
        """The run is no longer wanted: its next report raises `Cancelled`."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether the run is no longer wanted."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Raises `Cancelled` when the run is no longer wanted."""
        if self._stopped.is_set():
            raise Cancelled

    def _tell(self, progress: Progress | None) -> None:
        if progress is not None:
            _update_progress(self._emitter, self.task_id, progress)


class StageControl:
    """`app.domain.ports.RunControl` for a part of one stage: the door through which every sentence of an engine goes out,
    without the server's folders."""

    def __init__(self, run: RunProgress, stage: TaskProgressStage, begin: float, end: float) -> None:
        self._run = run
        self._stage = stage
        self._begin = begin
        self._width = end - begin

    def fraction(self, done: float, message: str = "") -> None:
        """`done` (0..1) of this part. Raises `Cancelled`."""
        shown = shown_text(message) or ""
        self._run.advance(self._stage, self._begin + self._width * min(1.0, max(0.0, done)), shown)

    def segment(self, segment: Segment) -> None:
        """A finished segment, in the order of time. Raises `Cancelled`."""
        self._run.emit(
            SegmentEvent(segment.index, segment.start, segment.end, segment.text, segment.speaker, segment.words)
        )

    def revise(self, segments: Sequence[Segment]) -> None:
        """All segments anew. Raises `Cancelled`."""
        self._run.emit(SegmentsRevisedEvent(tuple(segments)))

    def warn(self, code: str, message: str | None = None) -> None:
        """Something is not as asked for. Raises `Cancelled`."""
        self._run.emit(WarningEvent(code, shown_text(message) or WARNINGS[code]))

    def check(self) -> None:
        """Raises `Cancelled` when the run is no longer wanted."""
        self._run.check()
