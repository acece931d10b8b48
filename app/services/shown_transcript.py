"""Owns the transcript as people see it: put together from rows, and followed by what depends on it (the result's text, the search)."""

from collections.abc import Callable

from app.domain.edits import ShownTranscript, lay
from app.domain.lifecycle import FINISHED, JobStatus
from app.models import Task
from app.services.search_store import SearchedSegment
from app.services.store import Transaction


def shown_transcript(tx: Transaction, task: Task, *, words: bool = True) -> ShownTranscript:
    """The stored segments with edits and names laid over them. Without `words` those are read only where an edit needs them."""
    edits = tx.edits.of(task)
    return lay(tx.transcripts.of(task, words=words or bool(edits)), edits, tx.edits.names(task))


def follow_move(tx: Transaction, task: Task) -> None:
    """To be called in every transaction that moves a Task: of a finished one everything shown is found.

    While it runs again, what was found of it still is, unless its segments were cleared.
    """
    if task.status not in FINISHED or (task.status is JobStatus.CANCELLED and task.started_at is None):
        return  # nothing new is shown: it goes on, or it never began
    shown = shown_transcript(tx, task)
    tx.search.index(task, searched_segments(shown))
    if task.result_text is not None:
        tx.tasks.update(task.uuid, {"result_text": shown.text})


def follow_edit(before: ShownTranscript, after: ShownTranscript) -> Callable[[Transaction, Task], None]:
    """What is to be done in the transaction that changes what is shown of a finished Task; what takes time is done already."""
    was, becomes, text = searched_segments(before), searched_segments(after), after.text

    def follow(tx: Transaction, task: Task) -> None:
        tx.search.revise(task, was, becomes)
        if task.result_text is not None and task.result_text != text:
            tx.tasks.update(task.uuid, {"result_text": text})

    return follow


def clear_transcript(tx: Transaction, task: Task) -> None:
    """Nothing is shown of the Task any more, and nothing found."""
    tx.transcripts.clear(task)
    tx.search.clear(task)


def searched_segments(shown: ShownTranscript) -> list[SearchedSegment]:
    """What of a transcript is found."""
    return [
        SearchedSegment(position, segment.start, segment.end, segment.speaker, segment.text)
        for position, segment in enumerate(shown.segments)
    ]
