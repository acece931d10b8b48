"""Owns the cues of subtitles: which words stand on the screen together, in which lines, and how long.

A cue holds at most so many lines of so many columns, never ends within a word, and prefers to end with a sentence or a clause. It
belongs to one segment and one speaker. It stays until it can be read, as far as the next cue, which may wait for it while it has time
to spare, and the recording's end allow.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

from app.schemas.tasks import Transcript, TranscriptSegment
from app.services.export.line_breaks import line_of, lines_of, pause_after
from app.services.export.options import RenderOptions
from app.services.export.timed_text import Piece, pieces_of
from app.services.export.typography import one_line, width

LONG_PAUSE_SECONDS: Final = 1.5
"""A silence within a segment that ends a cue."""
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 7.0
_SLOT_MS: Final = 100
"""What a cue gets where the engine's times leave it nothing."""
_LATEST_MS: Final = 1000
"""How long after its first word a cue may appear so that the one before it can be read."""
_SHORTEST_NAME: Final = 3
"""Columns of a name below which it says nothing."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines that are shown from `start` to `end` (milliseconds); `speaker` is who says them, where known."""

    start: int
    end: int
    lines: tuple[str, ...]
    speaker: str | None


@dataclass(frozen=True, slots=True)
class _Draft:
    """The pieces of one cue and the seconds during which they are spoken."""

    pieces: Sequence[Piece]
    start: float
    end: float


def cues_of(transcript: Transcript, options: RenderOptions, *, labelled: bool) -> list[Cue]:
    """The cues of a transcript, in order and without overlap; `labelled` begins each with its speaker's name and a colon."""
    passages = [passage for segment in transcript.segments for passage in _passages(segment)]
    finish = _finish(transcript, passages)
    drafts: list[_Draft] = []
    for at, passage in enumerate(passages):
        until = passages[at + 1][0].start if at + 1 < len(passages) else finish
        name = one_line(passage[0].speaker or "") if labelled else ""
        drafts += _Grouping(passage, until, name, options).drafts()
    return [
        Cue(start, end, tuple(lines_of(draft.pieces, options.max_line_length)), draft.pieces[-1].speaker)
        for draft, (start, end) in zip(drafts, _times(drafts, finish, options.max_cps), strict=True)
    ]


def _passages(segment: TranscriptSegment) -> Iterator[list[Piece]]:
    """What one speaker says in one segment without a long pause."""
    for _, group in groupby(pieces_of(segment), key=lambda piece: piece.speaker):
        passage: list[Piece] = []
        for piece in group:
            if passage and piece.start - passage[-1].end >= LONG_PAUSE_SECONDS:
                yield passage
                passage = []
            passage.append(piece)
        yield passage


def _finish(transcript: Transcript, passages: Sequence[Sequence[Piece]]) -> float:
    """The recording's end; that of the last segment or word where the length is unknown or cannot be right."""
    known = transcript.duration_seconds
    if known is not None and all(passage[0].start < known for passage in passages):
        return known
    ends = (segment.end for segment in transcript.segments)
    return max((*ends, *(passage[-1].end for passage in passages)), default=0.0)


def _label(name: str, columns: int) -> Piece | None:
    """A name and a colon as a piece of at most so many columns; None if too little of the name would be left."""
    if not name or (width(name) >= columns and columns < _SHORTEST_NAME + 2):
        return None
    if width(name) >= columns:
        while width(name) > columns - 2:
            name = name[:-1]
        name = f"{name.rstrip()}…"
    return Piece(f"{name}:", width(name) + 1, spaced=True, start=0.0, end=0.0)


class _Grouping:
    """Finds the cheapest way to cut a passage into cues, by dynamic programming: each cue can only hold so many words."""

    def __init__(self, passage: list[Piece], until: float, name: str, options: RenderOptions) -> None:
        self._passage = passage
        self._until = until
        self._name = name
        self._options = options
        self._capacity = options.max_lines * options.max_line_length

    def drafts(self) -> list[_Draft]:
        """The passage in cues."""
        count = len(self._passage)
        costs = [0.0, *[math.inf] * count]
        begins = [0] * (count + 1)
        for begin in range(count):
            for end, columns in self._fitting(begin):
                cost = costs[begin] + self._price(begin, end, columns)
                if cost < costs[end]:
                    costs[end], begins[end] = cost, begin
            if begin == 0 and costs[count] < 2:
                break  # all of it fits into one cue at ease: two would cost more
        return self._cut(begins)

    def _fitting(self, begin: int) -> Iterator[tuple[int, int]]:
        """Where a cue from `begin` can end, and how many columns it then has; at least behind one piece."""
        limit, lines = self._options.max_line_length, 1
        label = self._label_before(self._passage[begin])
        column = total = label.width if label else 0
        for at in range(begin, len(self._passage)):
            piece = self._passage[at]
            space = 1 if column and (piece.spaced or at == begin) else 0
            if column and column + space + piece.width > limit:
                lines, column = lines + 1, piece.width
            else:
                column += space + piece.width
            total += space + piece.width
            if lines > self._options.max_lines and at > begin:
                return
            yield at + 1, total

    def _label_before(self, first: Piece) -> Piece | None:
        """Who speaks, in the room that is there: a line, or in cues of one line at most half of it, and what the first word leaves."""
        longest = self._options.max_line_length
        room = longest if self._options.max_lines > 1 else min(longest // 2, longest - 1 - first.width)
        return _label(self._name, room)

    def _price(self, begin: int, end: int, columns: int) -> float:
        """1 for each cue, and more for one that breaks badly, cannot be read in its time, stays too long or is nearly empty."""
        first, last = self._passage[begin], self._passage[end - 1]
        ends_passage = end == len(self._passage)
        until = self._until if ends_passage else self._passage[end].start
        shown = until - first.start
        price = 1.0 + 0.5 * max(0.0, 1.0 - columns / self._capacity) ** 2
        if not ends_passage:
            silence = min(1.0, (until - last.end) / LONG_PAUSE_SECONDS)
            price += pause_after(last.text) * (1.0 - silence)
        price += max(0.0, columns / self._options.max_cps - shown) + 2.0 * max(0.0, SHORTEST_SECONDS - shown)
        return price + max(0.0, last.end - first.start - LONGEST_SECONDS)

    def _cut(self, begins: Sequence[int]) -> list[_Draft]:
        drafts: list[_Draft] = []
        end = len(self._passage)
        while end > 0:
            spoken = self._passage[begins[end] : end]
            label = self._label_before(spoken[0])
            pieces = [label, replace(spoken[0], spaced=True), *spoken[1:]] if label else spoken
            drafts.append(_Draft(pieces, spoken[0].start, spoken[-1].end))
            end = begins[end]
        return drafts[::-1]


def _times(drafts: Sequence[_Draft], finish: float, max_cps: float) -> list[tuple[int, int]]:
    """Start and end of each cue in milliseconds: within the recording, one after the other, long enough to be read."""
    last = max(math.floor(finish * 1000), len(drafts))
    wanted = [math.ceil(1000 * max(SHORTEST_SECONDS, width(line_of(draft.pieces)) / max_cps)) for draft in drafts]
    starts = [*_waiting(_starts(drafts, last), wanted, last), last]
    return [
        (start, min(max(round(draft.end * 1000), start + needed), following))
        for draft, needed, (start, following) in zip(drafts, wanted, pairwise(starts), strict=True)
    ]


def _waiting(starts: Sequence[int], wanted: Sequence[int], last: int) -> list[int]:
    """The starts, where a cue that has more time than it needs leaves some to the one before it that has less."""
    moved = list(starts)
    for at in range(1, len(starts)):
        spare = (starts[at + 1] if at + 1 < len(starts) else last) - wanted[at]
        needed = moved[at - 1] + wanted[at - 1]
        moved[at] = max(moved[at], min(needed, spare, starts[at] + _LATEST_MS))
    return moved


def _starts(drafts: Sequence[_Draft], last: int) -> list[int]:
    """Rising starts; who begins while another still speaks waits for a share of the time that both have."""
    starts = [round(drafts[0].start * 1000)] if drafts else []
    for before, draft in pairwise(drafts):
        start = max(round(draft.start * 1000), starts[-1] + _SLOT_MS)
        if draft.start < before.end:
            start = max(start, _shared(before, draft))
        starts.append(start)
    slot = min(_SLOT_MS, last // max(len(starts), 1))
    for at in reversed(range(len(starts))):
        starts[at] = min(starts[at], (starts[at + 1] if at + 1 < len(starts) else last) - slot)
    return starts


def _shared(before: _Draft, draft: _Draft) -> int:
    share = len(before.pieces) / (len(before.pieces) + len(draft.pieces))
    middle = before.start + share * (max(before.end, draft.end) - before.start)
    return round(min(before.end, middle) * 1000)
