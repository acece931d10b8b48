"""Owns the JSON of changes to a transcript: what a person asks for, and what changed."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from app.schemas.tasks import TranscriptSegment, TranscriptSpeaker, WireModel

# Control characters are in no text that a person means; white space becomes a single space.
PlainText = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00-\x08\x0e-\x1b\x7f-\x9f]*$")]
Name = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
SegmentId = Annotated[str, Field(min_length=1, max_length=50)]


class SegmentChange(WireModel):
    """Another text, another speaker, or both; what is left out stays."""

    text: PlainText | None = None
    speaker: Name | None = None
    """A label, a speaker's name, or a name for this segment alone; null = whom the machine heard."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give text, speaker or both")
        if "text" in self.model_fields_set and self.text is None:
            raise ValueError("text must not be null")
        return self


class SegmentSplit(WireModel):
    """Where to cut: at a moment or at a place in the text; the nearest place between two words is taken."""

    at: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Seconds from the beginning of the recording."""
    offset: int | None = Field(default=None, ge=0)
    """Unicode characters from the beginning of the segment's text."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.at is None) == (self.offset is None):
            raise ValueError("give either at or offset")
        return self


class SegmentMerge(WireModel):
    """The first and the last of the segments to be made one."""

    first: SegmentId
    last: SegmentId


class SpeakerNaming(WireModel):
    """A speaker's name wherever that speaker is shown; null or empty takes it back."""

    name: Name | None


class TranscriptChange(WireModel):
    """What a change did. `segments` are the new and the changed ones, in order, each with its `index` in the new list.

    To follow: drop the segments of the ids in `removed` and of the ids in `segments`, then insert `segments`, in order, each at
    its `index`.
    """

    version: int
    segments: list[TranscriptSegment]
    removed: list[str]
    speakers: list[TranscriptSpeaker]
    unplaced_edits: int


class Speaker(TranscriptSpeaker):
    """Somebody who speaks, and for how long."""

    seconds: float


class Speakers(WireModel):
    """Who speaks in a transcript, in the order in which they first do."""

    version: int
    speakers: list[Speaker]
