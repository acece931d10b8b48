"""Owns what is seen on stderr: a live line per recording in a terminal, plain lines elsewhere, next to nothing when told to be quiet."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.client.story import Story
from app.domain.progress import TaskProgressStage

SHOWN_AT_ONCE: Final = 8
"""Lines of a terminal that unfinished recordings may take."""

_WIDTHS: Final = (14, 4, 19, 12, 12)
"""Columns of bar, percentage, stage, time left and engine; the name gets the rest."""


class Display(AbstractContextManager["Display"]):
    """Says what is worth saying. This one is quiet: problems alone."""

    def __init__(self, stories: Sequence[Story]) -> None:
        self._stories = stories
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""

    def note(self, sentence: str) -> None:
        """Something about the whole command."""

    def changed(self, story: Story) -> None:
        """An event was taken in."""

    def finished(self, story: Story, written_to: str | None) -> None:
        """The outcome is known; `written_to` is the file with the transcript."""
        if story.outcome is not None and not story.outcome.has_transcript:
            for line in describe_end(story, written_to):
                self._say(line)

    def problem(self, sentence: str, *remedies: str) -> None:
        """Something is not as wished, and what to do about it; said in every mode."""
        self._say(f"cesar: {sentence}")
        for remedy in remedies:
            self._say(f"  → {remedy}")

    def _say(self, line: str) -> None:
        self._console.print(line)


class PlainDisplay(Display):
    """Lines, each time the stage or the place in the queue changes: for logs and pipes."""

    def __init__(self, stories: Sequence[Story]) -> None:
        super().__init__(stories)
        self._told: dict[int, str] = {}

    def note(self, sentence: str) -> None:
        """One line."""
        self._say(sentence)

    def changed(self, story: Story) -> None:
        """A line if something other than a number changed."""
        told = story.phase + (" (slower than expected)" if story.stalled else "")
        is_news = self._told.get(story.position) != told
        if is_news and not story.is_finished and story.stage != TaskProgressStage.COMPLETE:
            self._told[story.position] = told
            self._say(f"{story.name}: {told}")

    def finished(self, story: Story, written_to: str | None) -> None:
        """How it ended."""
        for line in describe_end(story, written_to):
            self._say(line)


class TerminalDisplay(PlainDisplay):
    """Bars that move, and the newest words of what is being transcribed."""

    def __init__(self, stories: Sequence[Story]) -> None:
        super().__init__(stories)
        self._live = Live(
            get_renderable=self.picture,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> "TerminalDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bars away; what was said stays."""
        self._live.stop()

    def changed(self, story: Story) -> None:
        """The bars are drawn from the stories all the time."""

    def picture(self) -> RenderableType:
        """What is drawn eight times a second: the recordings that are not finished, running ones first."""
        unfinished = [story for story in self._stories if not story.is_finished]
        unfinished.sort(key=lambda story: (not story.is_running, story.position))
        shown = unfinished[:SHOWN_AT_ONCE]
        lines = Table.grid(padding=(0, 1))
        # Left to itself the table would shrink every column alike, down to percentages nobody can read.
        name_width = self._console.width - sum(_WIDTHS) - len(_WIDTHS)
        for width in (max(8, min(32, name_width)), *_WIDTHS):
            lines.add_column(width=width, no_wrap=True, overflow="ellipsis")
        for story in shown:
            lines.add_row(*_cells(story))
        words = [
            Text(f"  {story.text}", style="dim", overflow="ellipsis", no_wrap=True) for story in shown if story.text
        ]
        left = len(unfinished) - len(shown)
        return Group(lines, *words[:1], *([Text(f"… and {left} more", style="dim")] if left else []))


def display_for(stories: Sequence[Story], *, quiet: bool) -> Display:
    """The display that fits this stderr."""
    if quiet:
        return Display(stories)
    return TerminalDisplay(stories) if Console(stderr=True).is_terminal else PlainDisplay(stories)


def describe_end(story: Story, written_to: str | None) -> list[str]:
    """How a recording ended, in lines: what ran, how long it took, what is not as asked for, what to do."""
    outcome = story.outcome
    if outcome is None:
        return []
    if not outcome.has_transcript:
        reason = f"{outcome.problem} ({outcome.detail})" if outcome.detail else outcome.problem
        return [f"{story.name}: {outcome.status}. {reason}", *_remedy(outcome.remedy)]
    parts = [f"{story.name}: done with {_engine(story)}"]
    if outcome.duration_seconds is not None:
        parts.append(f"{outcome.duration_seconds:.1f} s of sound")
    if story.worked_seconds is not None:
        parts.append(f"{story.worked_seconds:.1f} s of work")
    if written_to is not None:
        parts.append(f"written to {written_to}")
    warnings = [f"  ! {warning}" for warning in outcome.warnings or dict.fromkeys(story.warnings)]
    problem = [f"  ! {outcome.problem}"] if outcome.problem else []
    return [", ".join(parts), *warnings, *problem, *_remedy(outcome.remedy)]


def _engine(story: Story) -> str:
    outcome = story.outcome
    about = ", ".join(part for part in (outcome.model, outcome.device) if part) if outcome else ""
    return (story.engine or "an unnamed engine") + (f" ({about})" if about else "")


def _remedy(remedy: str | None) -> list[str]:
    return [f"  → {remedy}"] if remedy else []


def _cells(story: Story) -> tuple[RenderableType, ...]:
    phase = f"{story.phase} (slow)" if story.stalled else story.phase
    return (
        Text(story.name, style="bold"),
        ProgressBar(total=100, completed=story.percentage, width=_WIDTHS[0]),
        f"{story.percentage:3d}%",
        Text(phase, style="yellow" if story.stalled else "cyan"),
        _left(story.eta_seconds),
        Text(story.engine or "", style="dim"),
    )


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes}:{rest:02} left"
