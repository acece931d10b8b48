"""Owns JSON: Cesar's own, and two shapes of OpenAI's audio API for programs that read those.

What the engines do not tell has a neutral value in `verbose_json`: `tokens` is empty, `seek`, `temperature`, `avg_logprob` and
`no_speech_prob` are 0.
"""

import zlib
from typing import Any

import orjson

from app.schemas.tasks import Transcript, TranscriptSegment
from app.services.export.options import RenderOptions
from app.services.export.timed_text import timed_words


def own(transcript: Transcript, _options: RenderOptions) -> str:
    """The body of the contract."""
    return transcript.model_dump_json()


def verbose(transcript: Transcript, _options: RenderOptions) -> str:
    """OpenAI's verbose_json; `language` is the text's as ISO 639-1 code, `und` where unknown; `words` are those with times."""
    words = [word for segment in transcript.segments for word in timed_words(segment)]
    return orjson.dumps(
        {
            "task": transcript.task,
            "language": "en" if transcript.task == "translate" else transcript.language or "und",
            "duration": _duration(transcript),
            "text": transcript.text,
            "segments": [_verbose_segment(segment) for segment in transcript.segments],
            "words": words,
        }
    ).decode()


def diarized(transcript: Transcript, options: RenderOptions) -> str:
    """OpenAI's diarized_json; `speaker` is the name as shown, empty where nobody was told apart."""
    segments = [
        {
            "type": "transcript.text.segment",
            "id": segment.id or f"seg_{segment.index}",
            "start": segment.start,
            "end": segment.end,
            "text": segment.text,
            "speaker": (segment.speaker or "") if options.speakers else "",
        }
        for segment in transcript.segments
    ]
    body = {"task": transcript.task, "duration": _duration(transcript), "text": transcript.text, "segments": segments}
    return orjson.dumps(body).decode()


def _verbose_segment(segment: TranscriptSegment) -> dict[str, Any]:
    return {
        "id": segment.index,
        "seek": 0,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "compression_ratio": _compression_ratio(segment.text),
        "no_speech_prob": 0.0,
    }


def _compression_ratio(text: str) -> float:
    """As whisper computes it: a text that repeats itself has a high one."""
    encoded = text.encode()
    return round(len(encoded) / len(zlib.compress(encoded)), 3)


def _duration(transcript: Transcript) -> float:
    """Seconds; up to the last segment's end where the recording's length is unknown."""
    if transcript.duration_seconds is not None:
        return transcript.duration_seconds
    return max((segment.end for segment in transcript.segments), default=0.0)
