"""Owns the lines of a cue: as few as possible, none too long, of similar length, and broken where the sentence pauses."""

import re
from collections.abc import Sequence
from typing import Final

from app.services.export.timed_text import Piece

_SENTENCE_END: Final = re.compile(r"[.!?…。！？؟۔।]['\"’”»)\]」』）]*$")
_CLAUSE_END: Final = re.compile(r"[,;:–—،؛、，；：]['\"’”»)\]」』）]*$")


def pause_after(text: str) -> float:
    """How bad it is to break after this: 0 at the end of a sentence, 1 in the middle of nowhere."""
    if _SENTENCE_END.search(text):
        return 0.0
    return 0.35 if _CLAUSE_END.search(text) else 1.0


def lines_of(pieces: Sequence[Piece], longest: int) -> list[str]:
    """The pieces in lines of at most `longest` columns; a single piece that is wider has a line of its own."""
    count = len(pieces)
    best: list[tuple[int, float]] = [(0, 0.0), *[(count + 1, 0.0)] * count]
    begins = [0] * (count + 1)
    for begin in range(count):
        lines, cost = best[begin]
        columns = 0
        for end in range(begin + 1, count + 1):
            piece = pieces[end - 1]
            columns += piece.width + (piece.spaced and end > begin + 1)
            if columns > longest and end > begin + 1:
                break
            # Squares make lines of equal length cheapest.
            uneven = ((longest - columns) / longest) ** 2 + (0.15 * pause_after(piece.text) if end < count else 0.0)
            best[end], begins[end] = min((best[end], begins[end]), ((lines + 1, cost + uneven), begin))
    return [line_of(pieces[begin:end]) for begin, end in _cuts(begins)]


def line_of(pieces: Sequence[Piece]) -> str:
    """The pieces in one line."""
    return "".join(f" {piece.text}" if piece.spaced and at else piece.text for at, piece in enumerate(pieces))


def _cuts(begins: Sequence[int]) -> list[tuple[int, int]]:
    cuts, end = [], len(begins) - 1
    while end > 0:
        cuts.append((begins[end], end))
        end = begins[end]
    return cuts[::-1]
