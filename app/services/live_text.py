"""Owns the text of a running Task as somebody reads it who cannot take back what was read."""

from typing import Any


class LiveText:
    """Follows the segments of a Task's events and tells what may be appended to the text read so far.

    A new attempt, or segments that are revised, say again what was said: nothing is told until that goes further. A segment that
    follows the last costs what is in it; the whole text is put together once for each time it is said again.
    """

    def __init__(self) -> None:
        self._told: list[str] = []
        self._told_characters = 0
        self._lines: list[str] = []
        """The segments as they are now."""
        self._characters = 0
        """Of the text that they make."""
        self._goes_on = True
        """That text is what was read."""
        self._is_other = False
        """It says other words, whatever may follow."""

    @property
    def read(self) -> str:
        """Everything told so far."""
        return "".join(self._told)

    def after(self, event: dict[str, Any]) -> str:
        """What an event adds; empty if nothing."""
        if event["type"] == "segment":
            line, index = one_line(event["text"]), event["index"]
            # A new attempt begins again at index 0.
            return self._said_again([*self._lines[:index], line]) if index < len(self._lines) else self._next(line)
        if event["type"] == "segments_revised":
            return self._said_again([one_line(segment["text"]) for segment in event["segments"]])
        return ""

    def complete(self, text: str) -> tuple[str, str]:
        """What is missing at the end, and the whole text, given the stored one.

        The two differ from each other in white space alone where words were not separated by any when they were first
        told; then what was read stays. They differ more if a second attempt decoded other words; then the stored text
        is the whole text, and nothing can be appended.
        """
        read = self.read
        if "".join(text.split()) == "".join(read.split()):
            return "", read
        return text[len(read) :] if text.startswith(read) else "", text

    def _next(self, line: str) -> str:
        self._lines.append(line)
        new = f" {line}" if line and self._characters else line
        self._characters += len(new)
        return self._tell(new) if self._goes_on else self._catch_up()

    def _said_again(self, lines: list[str]) -> str:
        self._lines = lines
        self._characters = len(_joined(lines))
        self._goes_on = self._is_other = False
        return self._catch_up()

    def _catch_up(self) -> str:
        """What is said again tells something as soon as it is as long as what was read, and begins with that."""
        if self._is_other or self._characters < self._told_characters:
            return ""
        text, read = _joined(self._lines), self.read
        self._goes_on = text.startswith(read)
        self._is_other = not self._goes_on
        return self._tell(text[len(read) :]) if self._goes_on else ""

    def _tell(self, new: str) -> str:
        if new:
            self._told.append(new)
            self._told_characters += len(new)
        return new


def one_line(text: str) -> str:
    """The text with every run of white space as one space, as OpenAI's `text` has it."""
    return " ".join(text.split())


def _joined(lines: list[str]) -> str:
    return " ".join(filter(None, lines))
