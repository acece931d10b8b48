"""Owns the text of a running Task as somebody reads it who cannot take back what was read."""

from typing import Any


class LiveText:
    """Follows the segments of a Task's events and tells what may be appended to the text read so far.

    A new attempt, or segments that are revised, say again what was said: nothing is told until that goes further.
    """

    def __init__(self) -> None:
        self.read = ""
        """Everything told so far."""
        self._texts: list[str] = []

    def after(self, event: dict[str, Any]) -> str:
        """What an event adds; empty if nothing."""
        if event["type"] == "segment":
            # A new attempt begins again at index 0.
            self._texts[event["index"] :] = [event["text"]]
        elif event["type"] == "segments_revised":
            self._texts = [segment["text"] for segment in event["segments"]]
        else:
            return ""
        return self._append(one_line(" ".join(self._texts)))

    def complete(self, text: str) -> tuple[str, str]:
        """What is missing at the end, and the whole text, given the stored one.

        The two differ from each other in white space alone where words were not separated by any when they were first
        told; then what was read stays. They differ more if a second attempt decoded other words; then the stored text
        is the whole text, and nothing can be appended.
        """
        if "".join(text.split()) == "".join(self.read.split()):
            return "", self.read
        return self._append(text), text

    def _append(self, text: str) -> str:
        if not text.startswith(self.read):
            return ""
        new, self.read = text[len(self.read) :], text
        return new


def one_line(text: str) -> str:
    """The text with every run of white space as one space, as OpenAI's `text` has it."""
    return " ".join(text.split())
