"""Owns what an engine hands back: words, segments and the transcript they make up."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its place in the recording.

    `start` and `end` in seconds from the beginning (None where alignment could not place the word);
    `score` is the engine's confidence, 0..1, None where it has none.
    """

    word: str
    start: float | None = None
    end: float | None = None
    score: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of transcript: `start` and `end` in seconds, `text` without surrounding white space."""

    index: int
    start: float
    end: float
    text: str
    speaker: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """Somebody speaks from `start` to `end` seconds; `speaker` is a label such as `SPEAKER_00`. Turns may overlap."""

    start: float
    end: float
    speaker: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """The segments of one recording in the order of time, and the language they are in (ISO 639-1)."""

    segments: tuple[Segment, ...]
    language: str | None = None
    language_probability: float | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """The whole text, segments joined by one space."""
        return " ".join(segment.text for segment in self.segments if segment.text)
