"""Owns what is known about one recording while it is worked on: events in, the state that displays show."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from app.client.recordings import Recording
from app.client.service import Outcome
from app.domain.lifecycle import FINISHED, JobStatus
from app.domain.progress import TaskProgressStage

UPLOADING: Final = "uploading"
"""The client's own stage, before the server's begin."""


@dataclass
class Story:
    """One recording from the command line to its end. Percentages 0..100, times in seconds; changed by the methods alone."""

    recording: Recording
    position: int
    """Its place among the arguments, from 0."""
    job_id: str | None = None
    task_id: str | None = None
    status: str | None = None
    stage: str = UPLOADING
    percentage: int = 0
    message: str = ""
    text: str = ""
    """The newest segment's."""
    queue_position: int | None = None
    stalled: bool = False
    engine: str | None = None
    warnings: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    clock: Callable[[], float] = time.monotonic
    _began: float | None = None
    _ended: float | None = None
    _ends_at: float | None = None

    @property
    def name(self) -> str:
        """What the recording is called."""
        return self.recording.name

    @property
    def is_finished(self) -> bool:
        """Whether its outcome is known."""
        return self.outcome is not None

    @property
    def is_running(self) -> bool:
        """Whether a worker has it."""
        return self.status in (JobStatus.PROCESSING, JobStatus.DOWNLOADING)

    @property
    def phase(self) -> str:
        """What happens now, in a word or three."""
        if self.status == JobStatus.QUEUED:
            return _place_in_line(self.queue_position)
        return "starting" if self.is_running and self.stage == TaskProgressStage.QUEUED else self.stage

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left as last estimated, counted down since."""
        return None if self._ends_at is None else max(0.0, self._ends_at - self.clock())

    @property
    def worked_seconds(self) -> float | None:
        """How long the last attempt took, as seen from here."""
        return None if self._began is None or self._ended is None else self._ended - self._began

    def sent(self, count: int) -> None:
        """So many bytes have been handed over."""
        self.percentage = min(100, 100 * count // max(1, self.recording.size))

    def accepted(self, job_id: str, task_id: str) -> None:
        """It is a Task now."""
        self.job_id, self.task_id = job_id, task_id
        self.stage, self.percentage = "queued", 0

    def finished(self, outcome: Outcome) -> None:
        """It ended."""
        self.outcome, self.engine = outcome, outcome.engine or self.engine

    def apply(self, event: dict[str, Any]) -> None:
        """Take in one event; unknown types are ignored."""
        known = {
            "status": self._on_status,
            "progress": self._on_progress,
            "segment": self._on_segment,
            "segments_revised": self._on_segments,
            "warning": self._on_warning,
        }
        if handler := known.get(event["type"]):
            handler(event)

    def _on_status(self, event: dict[str, Any]) -> None:
        before, self.status = self.status, event["status"]
        self.queue_position = event.get("queue_position")
        if self.is_running and before != self.status:
            self._began = self.clock()
        if self.status == JobStatus.QUEUED and before is not None:
            # A new attempt begins anew.
            self.stage, self.percentage, self.text, self._ends_at = "queued", 0, "", None
        if self.status in FINISHED:
            self._ended = self.clock()

    def _on_progress(self, event: dict[str, Any]) -> None:
        self.stage, self.percentage = event["stage"], event["percentage"]
        self.message, self.stalled = event.get("message") or "", bool(event.get("stalled"))
        eta = event.get("eta_seconds")
        self._ends_at = None if eta is None else self.clock() + eta

    def _on_segment(self, event: dict[str, Any]) -> None:
        self.text = event["text"]

    def _on_segments(self, event: dict[str, Any]) -> None:
        if event["segments"]:
            self.text = event["segments"][-1]["text"]

    def _on_warning(self, event: dict[str, Any]) -> None:
        self.warnings.append(event["user_message"])
        if event["code"] == "engine_fallback":
            self.engine = "pocketsphinx"


def _place_in_line(position: int | None) -> str:
    if position is None:
        return "waiting"
    return "waiting, next" if position == 1 else f"waiting, {position - 1} ahead"
