"""Owns when each part of a segment's text is spoken, and by whom: exact where words have times, else in proportion to the letters."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.scripts import unbreakable
from app.schemas.tasks import TranscriptSegment, TranscriptWord
from app.services.export.typography import letters, one_line, width


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that is never broken: a word, or a character where words have no spaces between them.

    `width` in columns; `spaced` says that a space precedes it within a line; `start` and `end` in seconds.
    """

    text: str
    width: int
    spaced: bool
    start: float
    end: float
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class TimedWord:
    """One word; `start` and `end` in seconds."""

    word: str
    start: float
    end: float


@dataclass(slots=True)
class _Stretch:
    """Letters between two known moments; None until the neighbours tell."""

    count: int
    start: float | None
    end: float | None


_Said = tuple[str, TranscriptWord]
"""A word's letters, and the word."""

_WORDLESS: Final = TranscriptWord(word="", start=None, end=None, score=None, speaker=None)
"""Stands for a whole segment whose words are unknown."""


def pieces_of(segment: TranscriptSegment) -> list[Piece]:
    """The segment's text in pieces, in order; times never fall."""
    text = one_line(segment.text)
    said = _said(segment.words)
    if "".join(spelt for spelt, _ in said) != letters(text):
        said = [(letters(text), _WORDLESS)]
    clock, speakers = _letter_times(segment, said), _letter_speakers(segment, said)
    pieces, at = [], 0
    for part, spaced in _parts(text):
        last = at + len(letters(part)) - 1
        pieces.append(Piece(part, width(part), spaced, clock[at][0], clock[last][1], speakers[at]))
        at = last + 1
    return pieces


def timed_words(segment: TranscriptSegment) -> list[TimedWord]:
    """The segment's words; those that could not be placed in time share what their neighbours leave. Empty without any times."""
    if not any(_is_timed(word) for word in segment.words):
        return []
    said = _said(segment.words)
    clock = _letter_times(segment, said)
    timed, at = [], 0
    for spelt, word in said:
        last = at + len(spelt) - 1
        timed.append(TimedWord(one_line(word.word), round(clock[at][0], 3), round(clock[last][1], 3)))
        at = last + 1
    return timed


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    for word in text.split(" "):
        if word:
            first, *others = unbreakable(word)
            yield first, True
            yield from ((other, False) for other in others)


def _said(words: Iterable[TranscriptWord]) -> list[_Said]:
    """Each word with its letters; those without any are left out."""
    return [(spelt, word) for word in words if (spelt := letters(one_line(word.word)))]


def _is_timed(word: TranscriptWord) -> bool:
    return word.start is not None and word.end is not None


def _letter_times(segment: TranscriptSegment, said: Sequence[_Said]) -> list[tuple[float, float]]:
    """Start and end of each letter, going only forward."""
    times: list[tuple[float, float]] = []
    clock = segment.start
    for stretch in _filled(_stretches(said), segment):
        start = max(clock, stretch.start or 0.0)
        step = (max(start, stretch.end or 0.0) - start) / stretch.count
        times += [(start + step * at, start + step * (at + 1)) for at in range(stretch.count)]
        clock = times[-1][1]
    return times


def _stretches(said: Iterable[_Said]) -> list[_Stretch]:
    """A stretch for each word with times, one for neighbours without."""
    stretches: list[_Stretch] = []
    for spelt, word in said:
        if _is_timed(word):
            stretches.append(_Stretch(len(spelt), word.start, word.end))
        elif stretches and stretches[-1].start is None:
            stretches[-1].count += len(spelt)
        else:
            stretches.append(_Stretch(len(spelt), None, None))
    return stretches


def _filled(stretches: list[_Stretch], segment: TranscriptSegment) -> list[_Stretch]:
    """A stretch without times lies between the known ones around it; two of them are never neighbours."""
    for at, stretch in enumerate(stretches):
        if stretch.start is None:
            stretch.start = stretches[at - 1].end if at else segment.start
            stretch.end = stretches[at + 1].start if at + 1 < len(stretches) else segment.end
    return stretches


def _letter_speakers(segment: TranscriptSegment, said: Sequence[_Said]) -> list[str | None]:
    """Whose each letter is. Words count where they know the segment's speaker; else a person has said who it is."""
    count_words = segment.speaker in {word.speaker for _, word in said}
    speakers: list[str | None] = []
    for spelt, word in said:
        said_by = (word.speaker or segment.speaker) if count_words else segment.speaker
        speakers += [said_by] * len(spelt)
    return speakers
