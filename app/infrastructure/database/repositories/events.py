"""Owns the statements about events: numbering under the Task's row, and what an event changes besides being told.

An event and its effect are one write: progress sets the Task's columns, a segment becomes a row, a warning is
remembered. So whoever reads the tables and whoever listens learn the same.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col

from app.core.clock import utc_now
from app.domain.events import (
    Event,
    ProgressEvent,
    SegmentEvent,
    SegmentsRevisedEvent,
    StatusEvent,
    StoredEvent,
    WarningEvent,
)
from app.domain.lifecycle import FINISHED
from app.domain.transcript import Segment
from app.infrastructure.database.repositories.segment_rows import segment_values
from app.infrastructure.database.repositories.tasks import fence
from app.infrastructure.database.repositories.transcripts import replace_segments
from app.models import Segment as SegmentRow
from app.models import Task, TaskEvent
from app.schemas.events import encode_event
from app.services.store import Lease


class EventRepository:
    """The log, within one session. `touched` collects whom to announce after the commit."""

    def __init__(self, session: Session, touched: set[str]) -> None:
        self._session = session
        self._touched = touched

    def append(self, task: Task, *events: Event) -> list[StoredEvent]:
        """Number, encode and store events of a Task; announced after the commit."""
        stored = [self.append_by_id(task.uuid, event, None) for event in events]
        self._session.refresh(task)
        return [event for event in stored if event is not None]

    def begin(self, firsts: Sequence[tuple[Task, Event]]) -> list[StoredEvent]:
        """The same for events of many Tasks that were made in this very transaction, in their order: status and progress."""
        if not firsts:
            return []
        now, rows = utc_now(), []
        for task, event in firsts:
            task.last_seq += 1
            for name, value in _columns(event).items():
                setattr(task, name, value)
            payload = encode_event(event, task_id=task.uuid, seq=task.last_seq, timestamp=now)
            rows.append(_row(task.id, task.last_seq, event, payload))
            self._touched.add(task.uuid)
        added = insert(TaskEvent).returning(col(TaskEvent.id), sort_by_parameter_order=True)
        ids = self._session.scalars(added, [row | {"created_at": now} for row in rows]).all()
        self._session.flush()
        return [
            StoredEvent(number, task.uuid, row["seq"], event.type, row["payload"], row["final"])
            for number, (task, event), row in zip(ids, firsts, rows, strict=True)
        ]

    def append_by_id(self, task_id: str, event: Event, lease: Lease | None) -> StoredEvent | None:
        """The same by public id and, where given, only while the lease holds; None if it was refused."""
        numbered = update(Task).where(col(Task.uuid) == task_id)
        if lease is not None:
            numbered = numbered.where(fence(lease))
        numbered = numbered.values(last_seq=col(Task.last_seq) + 1, **_columns(event)).returning(
            col(Task.id), col(Task.last_seq)
        )
        row = self._session.execute(numbered, execution_options={"synchronize_session": False}).first()
        if row is None:
            return None
        self._apply(row[0], event)
        self._touched.add(task_id)
        return self._insert(row[0], task_id, row[1], event)

    def _insert(self, row_id: int, task_id: str, seq: int, event: Event) -> StoredEvent:
        now = utc_now()
        payload = encode_event(event, task_id=task_id, seq=seq, timestamp=now)
        values = _row(row_id, seq, event, payload)
        row = self._session.execute(insert(TaskEvent).values(**values, created_at=now).returning(col(TaskEvent.id)))
        return StoredEvent(row.scalar_one(), task_id, seq, event.type, payload, values["final"])

    def _apply(self, row_id: int, event: Event) -> None:
        match event:
            case SegmentEvent():
                segment = Segment(event.index, event.start, event.end, event.text, event.speaker, event.words)
                same = (col(SegmentRow.task_id) == row_id) & (col(SegmentRow.index) == event.index)
                self._session.execute(delete(SegmentRow).where(same))
                self._session.execute(insert(SegmentRow).values(**segment_values(row_id, segment)))
            case SegmentsRevisedEvent():
                replace_segments(self._session, row_id, event.segments)
            case WarningEvent():
                task = self._session.get_one(Task, row_id)
                task.warnings = list(dict.fromkeys([*task.warnings, event.user_message]))
                self._session.add(task)
                self._session.flush()
            case _:
                pass


def _row(row_id: int, seq: int, event: Event, payload: bytes) -> dict[str, Any]:
    final = isinstance(event, StatusEvent) and event.status in FINISHED
    return {"task_id": row_id, "seq": seq, "type": event.type, "payload": payload, "final": final}


def _columns(event: Event) -> dict[str, Any]:
    if isinstance(event, SegmentEvent | SegmentsRevisedEvent):
        return {"transcript_version": col(Task.transcript_version) + 1}
    if not isinstance(event, ProgressEvent):
        return {}
    return {
        "progress_percentage": event.percentage,
        "progress_stage": event.stage,
        "stage_percentage": event.stage_percentage,
        "progress_message": event.message,
        "eta_seconds": event.eta_seconds,
        "stalled": event.stalled,
    }
