"""How pairs of photographs are compared."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class TwoViewOptions:
    """Parameters under `two_view`; each default with its reason.

    Pixels of thresholds are px of a photograph whose longest side is 400 px; larger
    photographs are judged alike (`epipolar.REFERENCE_PX`).

    Attributes:
        enabled: whether frames are matched at all; without, no pose is verified.
        feature_px: longest side at which features are found; larger photographs are
            shrunk to it. SIFT doubles it first. More pixels cost quadratically and add
            points, not certainty.
        max_features: points a photograph, the largest kept. 400 px photographs give 500
            to 3000; matching cost grows with the square.
        peak_threshold: contrast below which a point is left out, in 0..1. A tenth of
            what OpenCV takes itself: a glossy subject has hardly more.
        mask_margin_px: points this far outside the mask still count, in px of the image
            on which features are found; an object's silhouette lies on the mask's edge.
        pose_neighbours: partners a frame nearest in pose; six surround a frame on a
            band of cameras.
        embedding_neighbours: partners a frame most alike; they find the true
            neighbours of a frame whose pose is wrong.
        time_offsets: partners this many frames before and after; the small ones
            overlap surely, the large ones reach beyond a short block of faults.
        ratio: a match must be this much nearer than the second best. Lowe's 0.8 loses a
            sixth of the pairs of a glossy subject; wrong matches are told by geometry.
        max_matches: matches a pair, the most distinct kept; more only cost time.
        epipolar_px: largest epipolar error of a match that agrees with a pose. Twice
            the localisation error of SIFT plus what good poses leave.
        min_inliers: verified matches without which a pair counts as not connected;
            RANSAC finds up to 12 among 100 random matches.
        min_inlier_share: verified share of the matches, likewise.
        max_trials: RANSAC hypotheses a pair; 500 find a pair with 1 in 3 right matches
            with a probability of .87, one with half of them always.
        error_factor: a pair disagrees with the given poses if its error, compared with
            that of its own geometry, is this many times what is usual in the capture.
            Of sound pairs 95 in 100 stay below 1.4; with a pose 3 to 8 degrees off, 95
            in 100 are above 2.6.
        min_support: evidence, in connected pairs that are themselves trusted, without
            which a frame is `unknown`; one pair cannot say which of its two is wrong.
        workers: processes that find features and match; two are twice as fast and any
            machine has two cores. 0 computes in this process; a crash inside native
            code then takes the process with it.
        seed: of RANSAC.
    """

    enabled: bool = True
    feature_px: int = Field(default=560, ge=100)
    max_features: int = Field(default=1300, ge=50)
    peak_threshold: float = Field(default=0.001, gt=0.0, lt=0.2)
    mask_margin_px: int = Field(default=3, ge=0)
    pose_neighbours: int = Field(default=6, ge=0)
    embedding_neighbours: int = Field(default=5, ge=0)
    time_offsets: tuple[int, ...] = (1, 2, 4, 7)
    ratio: float = Field(default=0.85, gt=0.0, le=1.0)
    max_matches: int = Field(default=300, ge=20)
    epipolar_px: float = Field(default=1.5, gt=0.0)
    min_inliers: int = Field(default=15, ge=8)
    min_inlier_share: float = Field(default=0.2, ge=0.0, le=1.0)
    max_trials: int = Field(default=500, ge=30)
    error_factor: float = Field(default=2.5, gt=1.0)
    min_support: float = Field(default=1.5, ge=0.0)
    workers: int = Field(default=2, ge=0)
    seed: int = Field(default=0, ge=0)
