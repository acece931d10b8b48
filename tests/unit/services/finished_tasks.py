"""Tasks that ran to their end with the segments of a test's choice."""

from collections.abc import Sequence

from app.domain.events import SegmentsRevisedEvent
from app.domain.transcript import Segment, Transcript, Word
from app.services.runs import RunResult
from tests.workbench import Workbench


def said(*parts: tuple[str, str | None]) -> tuple[Segment, ...]:
    """Segments of two seconds each: text and speaker; the words share the time evenly."""
    return tuple(_segment(index, text, speaker) for index, (text, speaker) in enumerate(parts))


def finished(bench: Workbench, segments: Sequence[Segment]) -> str:
    """A new Task that is completed with these segments; its id."""
    (task_id,) = bench.submit()
    run(bench, segments)
    return task_id


def run(bench: Workbench, *revisions: Sequence[Segment]) -> None:
    """Run the next Task: each revision is told, as after alignment and after diarization; the last one is the result."""
    claim = bench.claim()
    bench.worker_log.append([(claim.task_id, SegmentsRevisedEvent(tuple(segments))) for segments in revisions])
    segments = tuple(revisions[-1])
    result = RunResult(segments, Transcript(segments).text, "scripted", "script", "cpu", 60.0, "en")
    bench.tasks.complete(claim.lease, result)


def _segment(index: int, text: str, speaker: str | None) -> Segment:
    spoken = text.split()
    step = 2.0 / max(1, len(spoken))
    start = index * 2.0
    words = tuple(
        Word(word, round(start + at * step, 3), round(start + (at + 1) * step, 3), 0.9, speaker)
        for at, word in enumerate(spoken)
    )
    return Segment(index, start, start + 2.0, text, speaker, words)
