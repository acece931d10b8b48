"""Owns the words between worker and services: what a worker was given to do, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from typing import Final

from app.domain.disclosure import shown_text
from app.domain.errors import CATALOGUE, WARNINGS, CesarError
from app.domain.options import TranscriptionOptions
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment
from app.services.retry import Kept
from app.services.store import Lease

_SPEAKER_CODES = ("hf_token_required", "hf_token_invalid", "diarization_failed")
_ALIGNMENT_CODES = ("alignment_unavailable", "alignment_failed")


@dataclass(frozen=True, slots=True)
class Claim:
    """A Task that this worker may run: its lease, where its bytes are (or the URL they are to come from), its options.

    With `kept` the run begins at a later stage, with the transcript that is there.
    """

    lease: Lease
    filename: str
    storage_key: str | None
    source_url: str | None
    duration_seconds: float | None
    options: TranscriptionOptions
    percentage: int = 0
    """What the Task shows already in this attempt: after a download, its part of the way."""
    kept: Kept | None = None

    @property
    def task_id(self) -> str:
        """Public id of the Task."""
        return self.lease.task_id


@dataclass(frozen=True, slots=True)
class SpeakerFailure:
    """Why speakers could not be told apart, and the detail for an admin.

    `code` is `hf_token_required`, `hf_token_invalid` or `diarization_failed`.
    """

    code: str
    detail: str | None = None

    @classmethod
    def of(cls, problem: BaseException) -> "SpeakerFailure":
        """What any failure means for speakers."""
        if isinstance(problem, CesarError) and problem.code in _SPEAKER_CODES:
            return cls(problem.code, shown_text(problem.detail))
        if isinstance(problem, CesarError):
            return cls("diarization_failed", shown_text(str(problem)))
        return cls("diarization_failed", shown_text(f"{type(problem).__name__}: {problem}"))


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a finished run produced. `work_seconds` is the time by stage, for the speed table."""

    segments: tuple[Segment, ...]
    text: str
    engine: str
    model: str
    device: str
    duration_seconds: float
    language: str | None = None
    language_probability: float | None = None
    diarized: bool | None = None
    speaker_failure: SpeakerFailure | None = None
    work_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def speaker_count(self) -> int | None:
        """How many different speakers the segments name; None if nobody was told apart."""
        return count_speakers(self.segments) if self.diarized else None


def count_speakers(segments: Sequence[Segment]) -> int:
    """How many different speakers the segments and their words name."""
    names = {segment.speaker for segment in segments} | {word.speaker for part in segments for word in part.words}
    return len(names - {None})


def speaker_warning(code: str) -> str:
    """What a person is told when speakers are missing: what happened, and what to do."""
    return f"{CATALOGUE[code].sentence} {CATALOGUE[code].remedy}"


def warnings_before(stage: TaskProgressStage | None, warnings: Sequence[str]) -> list[str]:
    """The warnings that still hold when a run begins at this later stage (None: with the recording, so that none do).

    Those of the stages that are repeated are gone.
    """
    if stage is None:
        return []
    repeated = dropwhile(lambda later: later is not stage, _WARNED_OF)
    gone = {sentence for later in repeated for sentence in _WARNED_OF[later]}
    return [warning for warning in warnings if warning not in gone]


_WARNED_OF: Final = {
    TaskProgressStage.ALIGNING: frozenset(WARNINGS[code] for code in _ALIGNMENT_CODES),
    TaskProgressStage.DIARIZING: frozenset(
        {WARNINGS["diarization_unavailable"], *(speaker_warning(code) for code in _SPEAKER_CODES)}
    ),
}
"""What the later stages warn of. Told by its sentence, because that is what a Task keeps; these stages use no others."""
