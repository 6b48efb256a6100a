"""What a user may set about missing views."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class MissingOptions:
    """Options of the search for missing views; each default with its reason.

    The three reaches were chosen by hiding sectors and rings of 36 generated rigs
    (hand-held walks, turntables, domes, arcs; poses alone) and looking how near the
    proposals came, as `benchmarks.missing_benchmark` does with captures.

    Attributes:
        count: how many poses are proposed; 5 more pictures are soon taken.
        use_model: whether the MTCM's uncertainty of what is seen from a place, and the
            pose that it expects next, take part; a second or two a capture.
        azimuth_reach_deg: how far to the side of a camera it is still plausible to
            stand (one standard deviation).
        elevation_reach_deg: the same upwards and downwards, where walls, floors and
            arms end sooner.
        gap_reach_deg: the same to the side for a place that has cameras on both sides:
            who stood left and right of a place could stand there.
        decay_angle_deg: a view stands in for another at this angle by 1/e; as in the
            surrogate of the reconstruction's quality.
        apart_deg: a proposal this near to a view or to another proposal is not made
            while there is a place farther away: who is told to stand two steps beside
            a picture that there is, goes on as before.
        uncovered_deg: a direction counts as uncovered when the nearest view is farther.
            Beyond 25 degrees local features hardly match any more.
    """

    count: int = Field(default=5, ge=0, le=100)
    use_model: bool = Field(default=True)
    azimuth_reach_deg: float = Field(default=8.0, gt=0, le=90)
    elevation_reach_deg: float = Field(default=8.0, gt=0, le=90)
    gap_reach_deg: float = Field(default=28.0, gt=0, le=90)
    decay_angle_deg: float = Field(default=20.0, gt=0, le=90)
    apart_deg: float = Field(default=8.0, ge=0, le=90)
    uncovered_deg: float = Field(default=25.0, gt=0, le=90)
