"""Transcripts made for tests: segments with and without word times, speakers, and languages of every kind."""

from collections.abc import Sequence

from app.schemas.tasks import Transcript, TranscriptSegment, TranscriptWord


def segment_of(
    text: str, start: float = 0.0, end: float = 1.0, speaker: str | None = None, words: Sequence[TranscriptWord] = ()
) -> TranscriptSegment:
    """One segment."""
    return TranscriptSegment(index=0, start=start, end=end, text=text, speaker=speaker, words=list(words))


def word_of(word: str, start: float | None, end: float | None, speaker: str | None = None) -> TranscriptWord:
    """One word."""
    return TranscriptWord(word=word, start=start, end=end, score=None, speaker=speaker)


def spoken(text: str, start: float = 0.0, pace: float = 0.3, speaker: str | None = None) -> TranscriptSegment:
    """A segment whose words follow each other every `pace` seconds."""
    words = [
        word_of(word, round(start + at * pace, 3), round(start + at * pace + 0.8 * pace, 3), speaker)
        for at, word in enumerate(text.split())
    ]
    return segment_of(text, start, words[-1].end or 0.0, speaker, words)


def transcript_of(*segments: TranscriptSegment, duration: float | None = 36_000.0) -> Transcript:
    """Segments as one transcript, numbered."""
    numbered = [segment.model_copy(update={"index": at}) for at, segment in enumerate(segments)]
    return Transcript(
        task_id="id",
        filename="talk.wav",
        language="en",
        engine="whisperx",
        model="large-v3",
        duration_seconds=duration,
        text=" ".join(segment.text for segment in numbered),
        segments=numbered,
    )
