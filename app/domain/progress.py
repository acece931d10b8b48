"""Owns how far a Task is: stages, their anchors in percent, the meter that never runs backwards, and the estimate of what is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class TaskProgressStage(StrEnum):
    """What a running Task is doing. (`uploading` is the client's own and has no place here.)"""

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    TRANSCRIBING = "transcribing"
    ALIGNING = "aligning"
    DIARIZING = "diarizing"
    FORMATTING = "formatting"
    COMPLETE = "complete"


ANCHORS: dict[TaskProgressStage, tuple[int, int]] = {
    TaskProgressStage.QUEUED: (0, 0),
    TaskProgressStage.DOWNLOADING: (0, 10),
    TaskProgressStage.TRANSCRIBING: (10, 40),
    TaskProgressStage.ALIGNING: (40, 60),
    TaskProgressStage.DIARIZING: (60, 90),
    TaskProgressStage.FORMATTING: (90, 99),
    TaskProgressStage.COMPLETE: (100, 100),
}
"""First and last overall percentage of each stage. Diarizing reaches 80 by the model, 90 when speakers are joined to words."""

SPEAKER_JOIN_FRACTION = 2 / 3
"""The fraction of the diarizing stage at which its model is done (80 %) and the joining of speakers begins."""

STALLED_FACTOR = 2.0
STALLED_GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a Task is at one moment: integers 0..100, seconds left if they can be estimated."""

    stage: TaskProgressStage
    percentage: int
    stage_percentage: int
    message: str = ""
    eta_seconds: float | None = None
    stalled: bool = False


def percentage_of(stage: TaskProgressStage, fraction: float) -> int:
    """Overall percentage at `fraction` (0..1, clamped) of a stage."""
    first, last = ANCHORS[stage]
    return first + int((last - first) * min(1.0, max(0.0, fraction)))


@dataclass(frozen=True, slots=True)
class StageEstimate:
    """How long a stage is expected to take: `seconds`, from the recording's length and this machine's measured speed."""

    stage: TaskProgressStage
    seconds: float


class ProgressMeter:
    """Turns "this fraction of this stage is done" into Progress values worth announcing.

    Percentages never fall. A value is worth announcing when the stage changes, when a stage ends,
    or when a shown number moved and `min_interval` seconds (default 0.1) have passed since the last.
    The estimate blends the planned duration of a stage with what its own pace shows, trusting the pace
    more the further the stage is. Not safe for use from several threads at once.
    """

    def __init__(
        self,
        estimates: tuple[StageEstimate, ...] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        min_interval: float = 0.1,
        floor: int = 0,
    ) -> None:
        self._estimates = {estimate.stage: estimate.seconds for estimate in estimates}
        self._clock = clock
        self._min_interval = min_interval
        self._stage = TaskProgressStage.QUEUED
        self._fraction = 0.0
        self._percentage = floor
        self._stage_started = clock()
        self._last_told = float("-inf")
        self._last: Progress | None = None

    def plan(self, estimates: tuple[StageEstimate, ...]) -> None:
        """Say how long the stages are expected to take, once that is known."""
        self._estimates = {estimate.stage: estimate.seconds for estimate in estimates}

    def advance(self, stage: TaskProgressStage, fraction: float, message: str = "") -> Progress | None:
        """Record that `fraction` (0..1) of `stage` is done; the Progress to announce, or None if it can wait."""
        now = self._clock()
        changed_stage = stage is not self._stage
        if changed_stage:
            self._stage, self._stage_started, self._fraction = stage, now, 0.0
        self._fraction = max(self._fraction, min(1.0, max(0.0, fraction)))
        progress = self._read(message, now)
        if not changed_stage and self._fraction < 1.0 and now - self._last_told < self._min_interval:
            return None
        return self._tell(progress, now)

    def check(self) -> Progress | None:
        """Called from time to time while nothing moves: a fresh estimate, or the `stalled` sign when the stage is over its own."""
        now = self._clock()
        if self._last is None or now - self._last_told < 1.0:
            return None
        return self._tell(self._read(self._last.message, now), now)

    def _tell(self, progress: Progress, now: float) -> Progress | None:
        if progress == self._last:
            return None
        self._last, self._last_told = progress, now
        return progress

    def _read(self, message: str, now: float) -> Progress:
        self._percentage = max(self._percentage, percentage_of(self._stage, self._fraction))
        return Progress(
            stage=self._stage,
            percentage=self._percentage,
            stage_percentage=int(self._fraction * 100),
            message=message,
            eta_seconds=self._eta(now),
            stalled=self._is_stalled(now),
        )

    def _stage_left(self, now: float) -> float | None:
        elapsed = now - self._stage_started
        planned = self._estimates.get(self._stage)
        paced = elapsed / self._fraction * (1 - self._fraction) if self._fraction >= 0.05 else None
        if planned is None:
            return paced
        left_as_planned = max(0.0, planned * (1 - self._fraction))
        if paced is None:
            return left_as_planned
        return self._fraction * paced + (1 - self._fraction) * left_as_planned

    def _eta(self, now: float) -> float | None:
        left = self._stage_left(now)
        if left is None:
            return None
        order = list(TaskProgressStage)
        later = order[order.index(self._stage) + 1 :]
        return round(left + sum(self._estimates.get(stage, 0.0) for stage in later), 1)

    def _is_stalled(self, now: float) -> bool:
        planned = self._estimates.get(self._stage)
        if planned is None or self._fraction >= 1.0:
            return False
        return now - self._stage_started > planned * STALLED_FACTOR + STALLED_GRACE_SECONDS
