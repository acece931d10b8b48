"""Owns what becomes of the times of words when a person changes, cuts or joins the text they belong to."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

from app.domain.scripts import may_part, tokens
from app.domain.transcript import Segment, Word


@dataclass(frozen=True, slots=True)
class Cut:
    """The two halves of a segment: text, end of the first and start of the second in seconds, words."""

    before: str
    after: str
    end: float
    start: float
    words_before: tuple[Word, ...]
    words_after: tuple[Word, ...]


def retimed(words: Sequence[Word], text: str) -> tuple[Word, ...]:
    """The words of a new text: those that stayed, but for case and punctuation, keep their times; the others have none.

    A segment without words stays without.
    """
    if not words:
        return ()
    new = [text[begin:end] for begin, end in tokens(text)]
    pairs = _same([_core(word.word) for word in words], [_core(word) for word in new])
    kept = {now: words[before] for before, now in pairs}
    return tuple(replace(kept[at], word=word) if at in kept else Word(word) for at, word in enumerate(new))


def cut_at_offset(segment: Segment, offset: int) -> Cut | None:
    """Cut between the words nearest to a place in the text, in characters; None if there is only one word."""
    nearest = min(
        ((abs(end - offset) + abs(begin - offset), end, begin) for end, begin in _gaps(segment.text)), default=None
    )
    return None if nearest is None else _cut(segment, _Clock(segment), *nearest[1:])


def cut_at_time(segment: Segment, seconds: float) -> Cut | None:
    """Cut between the words nearest to a moment within the segment; None if there is only one word."""
    clock = _Clock(segment)
    nearest = min(
        (
            (abs(clock.at(end) - seconds) + abs(clock.at(begin) - seconds), end, begin)
            for end, begin in _gaps(segment.text)
        ),
        default=None,
    )
    if nearest is None:
        return None
    cut = _cut(segment, clock, *nearest[1:])
    # Without words nothing says better than the person where the one ends and the other begins.
    return cut if clock.knows_words else replace(cut, end=seconds, start=seconds)


def _gaps(text: str) -> list[tuple[int, int]]:
    """Where a text can be cut: the end of a word and the beginning of the next, unless one of them is a mark of the other."""
    gaps = ((end, begin) for (_, end), (begin, _) in pairwise(tokens(text)))
    return [(end, begin) for end, begin in gaps if may_part(text, end, begin)]


def _cut(segment: Segment, clock: "_Clock", end: int, begin: int) -> Cut:
    """Between the word that ends and the word that begins there."""
    located = _located(segment.text, segment.words)
    first = sum(1 for _, word_end in located if word_end <= end)
    return Cut(
        before=segment.text[:end].strip(),
        after=segment.text[begin:].strip(),
        end=clock.at(end),
        start=clock.at(begin),
        words_before=segment.words[:first],
        words_after=segment.words[first:],
    )


class _Clock:
    """When a place in the text is spoken: exact at words with times, in proportion to the characters between them."""

    def __init__(self, segment: Segment) -> None:
        marks = [(0, segment.start)]
        for (begin, end), word in zip(_located(segment.text, segment.words), segment.words, strict=True):
            if word.start is not None and word.end is not None:
                marks += [(begin, word.start), (end, word.end)]
        self.knows_words = len(marks) > 1
        marks.append((len(segment.text), segment.end))
        self._places = [place for place, _ in marks]
        self._times = _rising([time for _, time in marks], segment.start, segment.end)

    def at(self, place: int) -> float:
        """Seconds from the beginning of the recording, in whole milliseconds."""
        after = min(bisect_left(self._places, place), len(self._places) - 1)
        if self._places[after] == place or after == 0:
            return self._times[after]
        begin, end = self._places[after - 1], self._places[after]
        share = (place - begin) / (end - begin) if end > begin else 0.0
        between = self._times[after - 1] + share * (self._times[after] - self._times[after - 1])
        return min(max(round(between, 3), self._times[after - 1]), self._times[after])


def _rising(times: list[float], lowest: float, highest: float) -> list[float]:
    """An engine's words may overlap or leave their segment; a clock only goes forward."""
    rising, latest = [], lowest
    for time in times:
        latest = min(max(latest, time), highest)
        rising.append(latest)
    return rising


def _located(text: str, words: Sequence[Word]) -> list[tuple[int, int]]:
    """Where each word is in the text; one that is not there takes no room after the one before it."""
    found, at = [], 0
    for word in words:
        core = word.word.strip()
        begin = text.find(core, at)
        place = (begin, begin + len(core)) if begin >= 0 else (at, at)
        found.append(place)
        at = place[1]
    return found


def _same(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Places of words that stayed, old and new.

    Most changes are small, so the beginning and the end that stayed are taken off first. Between them `difflib` may ignore words
    that are said over and over: without that, a text made for the purpose costs it minutes.
    """
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    matcher = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    between = [
        (head + block.a + step, head + block.b + step)
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    ]
    ends = [(len(old) - step, len(new) - step) for step in range(1, tail + 1)]
    return [(at, at) for at in range(head)] + between + ends


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words are the same at the beginning."""
    different = (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(different, min(len(one), len(other)))


def _core(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum()) or word
