"""Owns the JSON of a recording's outline."""

from typing import Final, Literal

from pydantic import Field

from app.schemas.tasks import WireModel

MOST_POINTS: Final = 20_000
USUAL_POINTS: Final = 1_000


class WaveformPeaks(WireModel):
    """The outline of a recording, in the fields of audiowaveform's JSON (version 2), which waveform viewers read.

    `data` holds a lowest and a highest value for each of `length` points; a point lasts `samples_per_pixel / sample_rate` seconds.
    """

    version: Literal[2] = 2
    channels: Literal[1] = 1
    sample_rate: int = Field(description="Hertz")
    samples_per_pixel: int = Field(description="Samples in each point; the last one may have fewer")
    bits: Literal[8] = 8
    length: int = Field(description="Number of points")
    data: list[int] = Field(description="Lowest and highest value by turns, -128 to 127")
