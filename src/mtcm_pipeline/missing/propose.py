"""The next poses to shoot: where in the band one more view is worth most.

What a set of views is worth is what the surrogate of the reconstruction's quality makes
of it, on the viewing sphere: a plausible target view is served by the nearest view with
exp(-angle / decay angle). The gain of a proposal is what it adds, averaged over the band.
Points of the scene take no part: on sides that nobody photographed there are none.

A later proposal goes on from where the earlier ones would have been shot: they serve the
views around them, and who stood there could stand beside it, so that a wide gap is closed
from its middle instead of being left after one picture.

Dimension letters: M directions of the band, N views, C candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.missing.band import ViewBand, standing_of
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.surrogate.quality import DECIBELS_A_UNIT
from mtcm_pipeline.viewpoints.sphere import angles_between_deg

Float = NDArray[np.float64]

# A gain under this share of the first one is not worth another picture.
_WORTHWHILE = 0.02


@dataclass(frozen=True)
class Proposal:
    """One direction in which to take the next picture.

    Attributes:
        direction: (3,) unit vector from the subject, canonical gauge.
        gain: expected quality added over the band, 0..1 (see `surrogate.quality`).
        nearest_row: row of the view nearest to it, among the band's views.
        nearest_deg: angle to that view.
        plausibility: of standing there, 0..1, once the earlier ones are shot.
        uncertainty: of a model about what is seen from there, 1 in the middle of the
            band; 1 without a model.
    """

    direction: Float
    gain: float
    nearest_row: int
    nearest_deg: float
    plausibility: float
    uncertainty: float

    @property
    def gain_db(self) -> float:
        """Roughly what held-out views in the band gain, in dB of PSNR."""
        return DECIBELS_A_UNIT * self.gain


def propose(
    band: ViewBand, options: MissingOptions, uncertainty: Float | None = None
) -> list[Proposal]:
    """Up to `options.count` proposals, best first; greedy, each given those before.

    Args:
        band: where cameras plausibly stand.
        options: how many, and how fast a view's worth falls with the angle.
        uncertainty: (M,) positive, how little a model knows of what is seen from each
            direction of the band, relative to its middle; directions that the model can
            foretell need a picture less. All alike when left out.

    Returns:
        Proposals with positive gain; fewer when nothing worthwhile is left.
    """
    unknown = np.ones(len(band.directions)) if uncertainty is None else uncertainty
    by_views = served(band.directions, band.views, options.decay_angle_deg).max(axis=1)
    by_candidate = served(band.directions, band.directions, options.decay_angle_deg)
    gap = angles_between_deg(band.directions, band.views).min(axis=1)
    standing, found = band.standing, list[Proposal]()
    for _ in range(options.count):
        plausibility = standing.plausibility
        weight = plausibility * unknown
        added = np.maximum(by_candidate - by_views[:, None], 0.0)  # (M, C)
        gains = (weight / weight.sum()) @ added
        far_enough = gap >= min(options.apart_deg, gap.max())
        best = int(np.where(far_enough, gains, -1.0).argmax())
        least = _WORTHWHILE * found[0].gain if found else 0.0
        if gains[best] <= least:
            break
        found.append(
            _proposal(band, best, gains[best], plausibility[best], unknown[best])
        )
        by_views = np.maximum(by_views, by_candidate[:, best])
        to_new = angles_between_deg(band.directions, band.directions[best][None])[:, 0]
        gap = np.minimum(gap, to_new)
        shot = standing_of(band.directions, band.directions[best][None], options)
        standing = standing.joined(shot)
    return found


def served(targets: Float, views: Float, decay_angle_deg: float) -> Float:
    """(M, N) how well each view serves each target: exp(-angle / decay angle), 0..1.

    Args:
        targets: (M, 3) unit vectors from the subject.
        views: (N, 3) unit vectors.
        decay_angle_deg: where it has fallen to 1/e.
    """
    return np.exp(-angles_between_deg(targets, views) / decay_angle_deg)


def _proposal(
    band: ViewBand, row: int, gain: float, plausibility: float, uncertainty: float
) -> Proposal:
    """Of one direction of the band."""
    apart = angles_between_deg(band.directions[row][None], band.views)[0]
    nearest = int(apart.argmin())
    return Proposal(
        band.directions[row],
        float(gain),
        nearest,
        float(apart[nearest]),
        float(plausibility),
        float(uncertainty),
    )
