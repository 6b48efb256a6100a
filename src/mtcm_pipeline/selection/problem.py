"""What a selector is told and what it answers.

Dimension letters: N frames, D embedding width, K selected.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.surrogate.geometry import ViewGeometry

Float = NDArray[np.float64]


@dataclass(frozen=True)
class SelectionProblem:
    """Everything that a strategy may look at, one row a frame, in capture order.

    Attributes:
        names: (N) file names.
        centres_xyz: (N, 3) camera centres in the canonical gauge (median distance 1);
            NaN where a frame has no pose.
        directions: (N, 3) unit viewing directions in the same gauge; NaN likewise.
        embeddings: (N, D) unit appearance vectors; NaN where absent.
        times: (N,) position in the sequence scaled to 0..1.
        similarity: (N, N) learned similarity of frames in -1..1, symmetric.
        quality: (N,) in 0..1, how much a frame can be trusted to be good.
        eligible: (N,) whether the frame may be chosen at all.
        reasons_out: what speaks against a frame, by name: of each that is not eligible,
            and of each that the user made eligible.
        seconds: (N,) capture times in s, None where not all are known.
        forced: names that must be chosen, in the order in which they are ranked first.
        geometry: which points of the scene each frame sees, rows as `names`, in the same
            world as `centres_xyz`; None where it was not measured.
        views: small photographs of frames, for strategies that fit fields, in the world
            of `centres_xyz`; None where no strategy needs them.
    """

    names: tuple[str, ...]
    centres_xyz: Float
    directions: Float
    embeddings: Float
    times: Float
    similarity: Float
    quality: Float
    eligible: NDArray[np.bool_]
    reasons_out: dict[str, str] = field(default_factory=dict)
    forced: tuple[str, ...] = ()
    seconds: Float | None = None
    geometry: ViewGeometry | None = None
    views: PinholeViews | None = None

    def __post_init__(self) -> None:
        n = len(self.names)
        shapes = {
            "centres_xyz": (self.centres_xyz.shape, (n, 3)),
            "directions": (self.directions.shape, (n, 3)),
            "times": (self.times.shape, (n,)),
            "similarity": (self.similarity.shape, (n, n)),
            "quality": (self.quality.shape, (n,)),
            "eligible": (self.eligible.shape, (n,)),
        }
        for name, (shape, expected) in shapes.items():
            if shape != expected:
                raise CaptureError(f"selection: {name} is {shape}, not {expected}")
        if self.embeddings.ndim != 2 or len(self.embeddings) != n:
            raise CaptureError(
                f"selection: embeddings are {self.embeddings.shape}, not ({n}, D)"
            )
        if self.geometry is not None and self.geometry.names != self.names:
            raise CaptureError(
                "selection: the view geometry has other frames, or the same in another "
                "order: use its `aligned`"
            )
        if self.views is not None and not set(self.views.names) <= set(self.names):
            raise CaptureError("selection: there are views of frames that it lacks")
        unknown = [name for name in self.forced if name not in self.names]
        if unknown:
            raise CaptureError(f"forced frames {unknown} are not in the capture")


@dataclass(frozen=True)
class Selection:
    """The frames chosen for one budget, ranked.

    Of the strategies that add one frame after the other the first k are also what they
    would choose for the budget k. `every_nth`, `uniform_time`, `k_medoids` and
    `field_guided` choose a set for the budget as a whole: their first k are a short list
    of it, and another than their choice of k.

    Attributes:
        strategy: name of the strategy that made it.
        ranking: chosen frames, best first.
        gains: what each frame added to the strategy's objective when it was chosen.
        reasons: one sentence a chosen frame.
    """

    strategy: str
    ranking: tuple[str, ...]
    gains: tuple[float, ...]
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.ranking) == len(self.gains) == len(self.reasons):
            raise CaptureError("selection: ranking, gains and reasons differ in length")
        if len(set(self.ranking)) != len(self.ranking):
            raise CaptureError("selection: a frame was chosen twice")

    def first(self, budget: int) -> Selection:
        """The first `budget` frames; see the class for when they are the choice of so
        many."""
        return Selection(
            self.strategy,
            self.ranking[:budget],
            self.gains[:budget],
            self.reasons[:budget],
        )
