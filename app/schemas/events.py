"""Owns the JSON of events: one encoding, made once, for socket, event stream, log and polling."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from app.domain.events import (
    ErrorEvent,
    Event,
    ProgressEvent,
    SegmentEvent,
    SegmentsRevisedEvent,
    StatusEvent,
    TranscriptChangedEvent,
    WarningEvent,
)


def encode_event(event: Event, *, task_id: str, seq: int, timestamp: datetime) -> bytes:
    """The JSON object of one numbered event, as UTF-8.

    The first fields of `progress` and `error` are fixed by the protocol, in this order; `seq` and what follows came later.
    Dataclasses inside (segments, words) are written with their fields' names.
    """
    return orjson.dumps(_object(event, task_id, seq, timestamp))


def _object(event: Event, task_id: str, seq: int, timestamp: datetime) -> dict[str, Any]:
    stamp = timestamp.isoformat()
    head = {"type": event.type, "task_id": task_id}
    match event:
        case ProgressEvent():
            return head | {
                "stage": event.stage.value,
                "percentage": event.percentage,
                "message": event.message,
                "timestamp": stamp,
                "seq": seq,
                "stage_percentage": event.stage_percentage,
                "eta_seconds": event.eta_seconds,
                "stalled": event.stalled,
            }
        case ErrorEvent():
            return head | {
                "error_code": event.error_code,
                "user_message": event.user_message,
                "technical_detail": event.technical_detail,
                "timestamp": stamp,
                "seq": seq,
                "retryable": event.retryable,
                "remedy": event.remedy,
            }
        case SegmentEvent():
            return head | {
                "seq": seq,
                "index": event.index,
                "start": event.start,
                "end": event.end,
                "text": event.text,
                "speaker": event.speaker,
                "words": event.words,
                "timestamp": stamp,
            }
        case SegmentsRevisedEvent():
            return head | {"seq": seq, "segments": event.segments, "timestamp": stamp}
        case WarningEvent() | TranscriptChangedEvent():
            return head | {"seq": seq, **asdict(event), "timestamp": stamp}
        case StatusEvent():
            return head | {
                "seq": seq,
                "status": event.status.value,
                "queue_position": event.queue_position,
                "attempt": event.attempt,
                "timestamp": stamp,
            }
