"""Owns the transcript as people see it: put together from rows, and followed by what depends on it (the result's text, the search)."""

from collections.abc import Sequence

from app.domain.edits import ShownTranscript, lay
from app.domain.lifecycle import FINISHED
from app.domain.transcript import Segment
from app.models import Task
from app.services.retry import kept_segments
from app.services.store import SearchedSegment, Transaction


def shown_transcript(tx: Transaction, task: Task, machine: Sequence[Segment] | None = None) -> ShownTranscript:
    """The machine's segments (those that are stored, unless the caller has read them) with edits and names laid over them."""
    return lay(kept_segments(tx, task) if machine is None else machine, tx.edits.of(task), tx.edits.names(task))


def follow_move(tx: Transaction, task: Task) -> None:
    """To be called in every transaction that moves a Task: what is shown and found is what is there.

    Of a Task that is not finished nothing is found.
    """
    if task.status in FINISHED:
        follow_change(tx, task, shown_transcript(tx, task))
    else:
        tx.search.clear(task)


def searched_segments(shown: ShownTranscript) -> list[SearchedSegment]:
    """What of a transcript is found."""
    return [
        SearchedSegment(position, segment.start, segment.end, segment.speaker, segment.text)
        for position, segment in enumerate(shown.segments)
    ]


def follow_change(tx: Transaction, task: Task, shown: ShownTranscript) -> None:
    """To be called in every transaction that changes what is shown of a finished Task."""
    tx.search.index(task, searched_segments(shown))
    if task.result_text is not None:
        tx.tasks.update(task.uuid, {"result_text": shown.text})
