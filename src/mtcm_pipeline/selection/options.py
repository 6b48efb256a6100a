"""What a user may set about the selection."""

from __future__ import annotations

import difflib
from dataclasses import field

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

STRATEGY_NAMES = (
    "view_coverage",
    "field_guided",
    "seed",
    "fvs",
    "fvs_directions",
    "facility_location",
    "facility_location_poses",
    "k_medoids",
    "k_dpp",
    "every_nth",
    "uniform_time",
    "random",
)
"""What `registry.STRATEGIES` has, so that a misspelt one stops a run before any work."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SelectOptions:
    """Options of the selection; each default carries its reason."""

    # A name among `STRATEGY_NAMES`. Ours looks at what each frame sees, at its
    # quality and its resolution; wrong poses and places of lingering do not attract it.
    strategy: str = "view_coverage"
    # 20 views train a field of one subject on a CPU; more is rarely limited by choice.
    budget: int = Field(default=20, ge=1)
    # Of what `random` draws and of the sets that `field_guided` tries; a fixed one makes
    # two runs comparable.
    seed: int = Field(default=0, ge=0)
    # File names that must be chosen, ranked first in this order; they count as sound,
    # whatever the judge says. And names of frames that no stage after the scores may
    # use: not to choose, to judge a field by, or to cover a side. Empty: no opinion.
    keep: list[str] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)

    # Seed method. Weights of four parts that each lie in 0..1. Covering the capture and
    # spreading the poses matter alike; agreement with neighbours and spread in time only
    # decide between views that are otherwise equal, hence half the weight.
    weight_coverage: float = Field(default=1.0, ge=0)
    weight_pose: float = Field(default=1.0, ge=0)
    weight_appearance: float = Field(default=0.5, ge=0)
    weight_time: float = Field(default=0.5, ge=0)
    # A part x counts x / (x + half), so more of the same is worth less and less.
    # 20 degrees: about the spacing of 60 views around and above a subject.
    half_angle_deg: float = Field(default=20.0, gt=0)
    # 2 % of the sequence: about one frame of a photo session, one second of a video.
    half_time: float = Field(default=0.02, gt=0)
    # 2 % of the frames newly covered: what one of 50 equal views covers.
    half_coverage: float = Field(default=0.02, gt=0)
    # Neighbours in pose with which a frame's appearance is compared: fewer are noisy,
    # more reach round the subject.
    appearance_neighbours: int = Field(default=5, ge=1)

    # Pose distance: turning by 60 degrees weighs as much as travelling this many camera
    # distances. At 1 an orbit's travel and its turning count alike.
    direction_weight: float = Field(default=1.0, ge=0)
    # Width of the pose kernel (facility_location_poses, k_dpp) in camera distances: views
    # 0.5 apart (20 degrees of an orbit, travel and turning together) still stand in for
    # each other, views twice as far do not.
    pose_scale: float = Field(default=0.5, gt=0)
    # Our selector (view_coverage). Share of the largest distance to the chosen views that
    # a frame must have to be considered: 0 is coverage alone, 1 farthest view sampling.
    # Of 0.5 to 1, 0.9 serves held-out views best on fox and 7 generated captures.
    nearly_farthest: float = Field(default=0.9, ge=0, le=1)
    # Angle to where a target looks from at which a view's worth has fallen to 1/e: of 8
    # to 70 degrees, 30 follows the fits to fox best.
    decay_angle_deg: float = Field(default=30.0, gt=0)
    # Viewpoints to serve, spread evenly over where the camera moved: 300 of them served
    # held-out views no better than 160.
    targets: int = Field(default=160, ge=1)
    target_points: int = Field(default=32, ge=1)
    # How far they lie off the frames' own poses, in distances to the neighbouring frames:
    # views held out lie between frames and beyond the outermost. Tried 0 to 4.
    target_spread: float = Field(default=2.0, ge=0)
    # A view at half the usual resolution (focal length in px of the photograph over
    # distance) is worth 0.5 to this power of one at the usual.
    resolution_power: float = Field(default=0.5, ge=0)

    # Sets of views that field_guided tries, half a CPU second each: 24 are those that
    # geometry proposes and three rounds of exchanges.
    probes: int = Field(default=24, ge=1, le=1000)

    # Up to so many posed frames, the points that each of them sees are measured first: 30
    # ms a frame. Beyond, poses alone decide, and close-ups are not told from wide views.
    most_measured: int = Field(default=1000, ge=0)

    # k-medoids stops by itself after a few passes of exchanges; the
    # bound only guards the clock.
    max_swap_passes: int = Field(default=20, ge=1)

    @field_validator("strategy")
    @classmethod
    def _exists(cls, name: str) -> str:
        if name not in STRATEGY_NAMES:
            close = difflib.get_close_matches(name, STRATEGY_NAMES, n=3, cutoff=0.5)
            meant = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
            raise ValueError(f"{meant}There are: {', '.join(STRATEGY_NAMES)}")
        return name
