"""Owns how a transcript is to be written: what a reader can choose, its defaults, and what is not allowed."""

from dataclasses import dataclass

from app.domain.errors import CesarError


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What can be chosen. Raises `CesarError("bad_value")` for what cannot be.

    `speakers`: say who speaks, where that is known. `timestamps`: times in txt, md and docx; None leaves it to the format (txt has
    none, md and docx have them). The others are for subtitles: `max_line_length` in columns, of which a wide character such as 漢
    takes two; `max_lines` of a cue; `max_cps`, the reading speed in columns per second.
    """

    speakers: bool = True
    timestamps: bool | None = None
    max_line_length: int = 42
    max_lines: int = 2
    max_cps: float = 20.0

    def __post_init__(self) -> None:
        _check("max_line_length", self.max_line_length, 8, 120)
        _check("max_lines", self.max_lines, 1, 4)
        _check("max_cps", self.max_cps, 5, 100)


def _check(name: str, value: float, smallest: int, largest: int) -> None:
    if not smallest <= value <= largest:
        raise CesarError("bad_value", f"{name} must be from {smallest} to {largest}")
