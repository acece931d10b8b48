"""A `RunControl` that keeps what it is told, in order, and can cancel the run at a chosen moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.domain.errors import WARNINGS, Cancelled
from app.domain.transcript import Segment


@dataclass
class RecordedControl:
    """`told` holds ("fraction", done), ("segment", segment) and ("warning", code) as they came."""

    cancel_when: Callable[["RecordedControl"], bool] = lambda control: False
    told: list[tuple[str, object]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    checks: int = 0

    def fraction(self, done: float, message: str = "") -> None:
        self.told.append(("fraction", done))
        if message and message not in self.messages[-1:]:
            self.messages.append(message)
        self.check()

    def segment(self, segment: Segment) -> None:
        self.told.append(("segment", segment))
        self.check()

    def revise(self, segments: Sequence[Segment]) -> None:
        self.told.append(("revised", tuple(segments)))
        self.check()

    def warn(self, code: str, message: str | None = None) -> None:
        self.told.append(("warning", code))
        self.warnings.append((code, message or WARNINGS[code]))

    def check(self) -> None:
        self.checks += 1
        if self.cancel_when(self):
            raise Cancelled

    @property
    def fractions(self) -> list[float]:
        return [value for kind, value in self.told if kind == "fraction" and isinstance(value, float)]

    @property
    def segments(self) -> list[Segment]:
        return [value for kind, value in self.told if kind == "segment" and isinstance(value, Segment)]
