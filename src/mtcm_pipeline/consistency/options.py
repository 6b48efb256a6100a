"""How frames are judged."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ScoreOptions:
    """Parameters under `scores`; each default with its reason.

    Attributes:
        neighbours: pose neighbours that a frame is compared with; six see all sides
            of a frame on an orbit and stay within about 30 degrees.
        outlier_limit: robust standard deviations (of this capture's own spread) beyond
            which two witnesses together make a fault. Set on the sample's wrong pose
            and foreign frame.
        blur_limit: share of the neighbours' sharpness under which a frame is blurred,
            unless good frames of this capture vary as much.
        exposure_limit: factor in mean luminance, up or down, to the neighbours; likewise.
        drop_duplicates: whether a near-duplicate of an earlier frame counts as faulty.
        judge: `shipped`, the trained judge that comes with the package; a path, the
            weights of another; `none`, the rules alone. The rules also stand in where
            the judge has too little to go by: no poses, or no matched features.
        max_good_lost_percent: of 100 good frames, how many the judge may drop. Two are
            rarely missed, and a faulty frame that is kept costs more.
    """

    neighbours: int = Field(default=6, ge=1, le=64)
    outlier_limit: float = Field(default=3.25, gt=0.0)
    blur_limit: float = Field(default=0.5, gt=0.0, lt=1.0)
    exposure_limit: float = Field(default=1.6, gt=1.0)
    drop_duplicates: bool = True
    judge: str = "shipped"
    max_good_lost_percent: float = Field(default=2.0, ge=0.25, le=20.0)
