"""Owns people's changes of a transcript: each is made on a version, and is stored together with all that follows from it.

Who changes a version that is no longer the present one is refused, so of two editors neither overwrites the other.
"""

from collections import defaultdict
from collections.abc import Callable

from app.core.logging import logger
from app.domain.edits import ShownTranscript
from app.domain.errors import CesarError
from app.domain.events import TranscriptChangedEvent
from app.domain.lifecycle import FINISHED
from app.domain.rewriting import (
    UNCHANGED,
    Naming,
    Replacement,
    Unchanged,
    change,
    merge,
    name_speaker,
    restore,
    split,
)
from app.models import Task
from app.schemas.edits import Speaker, Speakers, TranscriptChange
from app.services.shown_transcript import follow_edit, shown_transcript
from app.services.store import Store, Transaction
from app.services.views import segment_view, speakers_view

Making = Callable[[ShownTranscript], Replacement | Naming]


class EditService:
    """Changes transcripts of finished Tasks.

    All changes take the `version` on which they were made, answer with what changed, and raise
    `CesarError`: `task_not_found`, `illegal_move` while the Task runs, `edit_conflict`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def change(
        self,
        task_id: str,
        version: int,
        segment_id: str,
        *,
        text: str | Unchanged = UNCHANGED,
        speaker: str | Unchanged | None = UNCHANGED,
    ) -> TranscriptChange:
        """Give a segment another text, another speaker (None: the machine's again), or both.

        Raises `CesarError`: `segment_not_found`, `bad_value`.
        """

        return self._make(task_id, version, lambda shown: change(shown, segment_id, text=text, speaker=_tidy(speaker)))

    def split(
        self, task_id: str, version: int, segment_id: str, *, at: float | None = None, offset: int | None = None
    ) -> TranscriptChange:
        """Cut a segment in two, at a moment (seconds) or a place in its text (characters).

        Raises `CesarError`: `segment_not_found`, `bad_value`.
        """

        return self._make(task_id, version, lambda shown: split(shown, segment_id, at=at, offset=offset))

    def merge(self, task_id: str, version: int, first: str, last: str) -> TranscriptChange:
        """Make one segment of several. Raises `CesarError`: `segment_not_found`, `bad_value`."""

        return self._make(task_id, version, lambda shown: merge(shown, first, last))

    def restore(self, task_id: str, version: int, segment_id: str) -> TranscriptChange:
        """Show the machine's segments again. Raises `CesarError("segment_not_found")` if the segment is not edited."""

        return self._make(task_id, version, lambda shown: restore(shown, segment_id))

    def name_speaker(self, task_id: str, version: int, label: str, name: str | None) -> TranscriptChange:
        """Call a speaker by a name everywhere; None or an empty name takes it back.

        Raises `CesarError`: `speaker_not_found`, `bad_value` for a name that is the label of somebody else.
        """
        return self._make(task_id, version, lambda shown: name_speaker(shown, label, name))

    def version(self, task_id: str) -> int:
        """The number of the present version. Raises `CesarError("task_not_found")`."""
        with self._store.read() as tx:
            return tx.tasks.get(task_id).transcript_version

    def speakers(self, task_id: str) -> Speakers:
        """Who speaks, and for how long. Raises `CesarError("task_not_found")`."""
        with self._store.read() as tx:
            task = tx.tasks.get(task_id)
            shown = shown_transcript(tx, task)
            return Speakers(version=task.transcript_version, speakers=_spoken(shown))

    def _make(self, task_id: str, version: int, make: Making) -> TranscriptChange:
        """Everything that takes time is done before the write, which others wait for; the version proves that it still holds."""
        with self._store.read() as tx:
            task = tx.tasks.get(task_id)
            if task.status not in FINISHED or task.transcript_version != version:
                raise _refusal(task)
            before = shown_transcript(tx, task)
        wanted = make(before)
        if not wanted.changes(before):
            return _difference(before, before, version)
        after = wanted.laid(before)
        edit_id = self._write(task_id, version, wanted, before, after)
        told = _difference(before, wanted.laid(before, edit_id) if edit_id else after, version + 1)
        logger.info("transcript_changed", task_id=task_id, version=told.version, segments=len(told.segments))
        return told

    def _write(
        self,
        task_id: str,
        version: int,
        wanted: Replacement | Naming,
        before: ShownTranscript,
        after: ShownTranscript,
    ) -> int:
        """Store a change and what follows from it; the id of the edit, 0 if none is stored."""
        followed = follow_edit(before, after)
        with self._store.write(durable=True) as tx:
            task = tx.tasks.get(task_id)
            if not tx.edits.advance(task, version):
                raise _refusal(task)
            followed(tx, task)
            edit_id = _stored(tx, task, wanted)
            tx.events.append(task, TranscriptChangedEvent(version + 1))
            return edit_id


def _stored(tx: Transaction, task: Task, wanted: Replacement | Naming) -> int:
    if isinstance(wanted, Naming):
        tx.edits.name(task, wanted.label, wanted.name)
        return 0
    return tx.edits.put(task, wanted)


def _refusal(task: Task) -> CesarError:
    if task.status not in FINISHED:
        detail = f"the transcript of a task that is {task.status.value} cannot be changed"
        return CesarError("illegal_move", detail)
    return CesarError("edit_conflict")


def _difference(before: ShownTranscript, after: ShownTranscript, version: int) -> TranscriptChange:
    known = {segment.id: segment for segment in before.segments}
    present = {segment.id for segment in after.segments}
    return TranscriptChange(
        version=version,
        segments=[
            segment_view(index, segment)
            for index, segment in enumerate(after.segments)
            if known.get(segment.id) != segment
        ],
        removed=[segment_id for segment_id in known if segment_id not in present],
        speakers=speakers_view(after),
        unplaced_edits=after.unplaced,
    )


def _spoken(shown: ShownTranscript) -> list[Speaker]:
    """By label, or by the name of a segment's own; a segment counts from its start to its end."""
    seconds: dict[tuple[str | None, str | None], float] = defaultdict(float)
    for segment in shown.segments:
        key = (segment.label, None if segment.label else segment.speaker)
        seconds[key] += segment.end - segment.start
    return [
        Speaker(label=label, name=name, seconds=round(seconds[label, None if label else name], 3))
        for label, name in shown.speakers
    ]


def _tidy(speaker: str | Unchanged | None) -> str | Unchanged | None:
    return " ".join(speaker.split()) or None if isinstance(speaker, str) else speaker
