"""Owns people's changes of a transcript: each is made on a version, and is stored together with all that follows from it.

Who changes a version that is no longer the present one is refused, so of two editors neither overwrites the other.
"""

from collections import defaultdict
from collections.abc import Callable

from app.core.logging import logger
from app.domain.edits import ShownTranscript
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED
from app.domain.rewriting import UNCHANGED, Unchanged, change, merge, restore, split
from app.models import Task
from app.schemas.edits import Speaker, Speakers, TranscriptChange
from app.services.shown_transcript import follow_change, shown_transcript
from app.services.store import Store, Transaction
from app.services.views import segment_view, speakers_view

Making = Callable[[Transaction, Task, ShownTranscript], None]


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

        def make(tx: Transaction, task: Task, shown: ShownTranscript) -> None:
            tx.edits.put(task, change(shown, segment_id, text=text, speaker=_tidy(speaker)))

        return self._make(task_id, version, make)

    def split(
        self, task_id: str, version: int, segment_id: str, *, at: float | None = None, offset: int | None = None
    ) -> TranscriptChange:
        """Cut a segment in two, at a moment (seconds) or a place in its text (characters).

        Raises `CesarError`: `segment_not_found`, `bad_value`.
        """

        def make(tx: Transaction, task: Task, shown: ShownTranscript) -> None:
            tx.edits.put(task, split(shown, segment_id, at=at, offset=offset))

        return self._make(task_id, version, make)

    def merge(self, task_id: str, version: int, first: str, last: str) -> TranscriptChange:
        """Make one segment of several. Raises `CesarError`: `segment_not_found`, `bad_value`."""

        def make(tx: Transaction, task: Task, shown: ShownTranscript) -> None:
            tx.edits.put(task, merge(shown, first, last))

        return self._make(task_id, version, make)

    def restore(self, task_id: str, version: int, segment_id: str) -> TranscriptChange:
        """Show the machine's segments again. Raises `CesarError("segment_not_found")` if the segment is not edited."""

        def make(tx: Transaction, task: Task, shown: ShownTranscript) -> None:
            tx.edits.put(task, restore(shown, segment_id))

        return self._make(task_id, version, make)

    def name_speaker(self, task_id: str, version: int, label: str, name: str | None) -> TranscriptChange:
        """Call a speaker by a name everywhere; None or an empty name takes it back.

        Raises `CesarError`: `speaker_not_found`, `bad_value` for a name that is the label of somebody else.
        """
        called = " ".join((name or "").split())

        def make(tx: Transaction, task: Task, shown: ShownTranscript) -> None:
            if label not in shown.labels:
                raise CesarError("speaker_not_found")
            if called != label and called in shown.labels:
                raise CesarError("bad_value", "this name is the label of another speaker")
            tx.edits.name(task, label, called if called != label and called else None)

        return self._make(task_id, version, make)

    def speakers(self, task_id: str) -> Speakers:
        """Who speaks, and for how long. Raises `CesarError("task_not_found")`."""
        with self._store.read() as tx:
            task = tx.tasks.get(task_id)
            shown = shown_transcript(tx, task)
            return Speakers(version=task.transcript_version, speakers=_spoken(shown))

    def _make(self, task_id: str, version: int, make: Making) -> TranscriptChange:
        with self._store.write(durable=True) as tx:
            task = tx.tasks.get(task_id)
            if task.status not in FINISHED:
                raise CesarError(
                    "illegal_move", f"the transcript of a task that is {task.status.value} cannot be changed"
                )
            if not tx.edits.advance(task, version):
                raise CesarError("edit_conflict")
            before = shown_transcript(tx, task)
            make(tx, task, before)
            after = shown_transcript(tx, task, before.machine)
            follow_change(tx, task, after)
            told = _difference(before, after, task.transcript_version)
        logger.info("transcript_changed", task_id=task_id, version=told.version, segments=len(told.segments))
        return told


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
