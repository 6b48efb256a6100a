"""Saliency to a mask, and whether the mask is to be believed.

Dimension letters: N masks, H and W of the image, h and w of the saliency map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mtcm_pipeline.segmentation.options import MaskOptions

_UNDECIDED = (0.1, 0.9)

Bool = NDArray[np.bool_]
Saliency = NDArray[np.float32]


@dataclass(frozen=True)
class MaskFacts:
    """What decides whether a mask is believed.

    Attributes:
        area: share of the image that is foreground.
        undecided: undecided pixels a pixel of foreground; infinite for an empty mask.
    """

    area: float
    undecided: float


def mask_from_saliency(
    saliency: Saliency, size: tuple[int, int], options: MaskOptions
) -> tuple[Bool, MaskFacts]:
    """The foreground's largest parts, in the size of the image.

    Args:
        saliency: (h, w) in 0..1.
        size: (W, H) in px of the image.
        options: threshold and what counts as a part.

    Returns:
        (H, W) mask, and its facts.
    """
    parts = _large_parts(saliency >= options.threshold, options.part_share)
    low, high = _UNDECIDED
    undecided = int(((saliency > low) & (saliency < high)).sum())
    foreground = int(parts.sum())
    # What was dropped must not come back at the seams when the map is enlarged.
    kept = np.where(ndimage.binary_dilation(parts, iterations=2), saliency, 0.0)
    enlarged = Image.fromarray(kept.astype(np.float32)).resize(
        size, Image.Resampling.BILINEAR
    )
    mask = np.asarray(enlarged) >= options.threshold
    facts = MaskFacts(
        area=float(mask.mean()),
        undecided=undecided / foreground if foreground else math.inf,
    )
    return mask, facts


def doubts(facts: list[MaskFacts], options: MaskOptions) -> list[str]:
    """Why each of N masks, in the frames' order, is not believed; empty if it is."""
    alone = [_doubt_alone(fact, options) for fact in facts]
    reasons = [
        reason or _doubt_beside(row, facts, alone, options)
        for row, reason in enumerate(alone)
    ]
    rejected = sum(1 for reason in reasons if reason)
    if rejected > options.most_rejected * len(facts):
        whole = (
            f"{rejected} of {len(facts)} masks of this capture are not believable: no "
            f"subject stands out"
        )
        return [reason or whole for reason in reasons]
    return reasons


def _large_parts(foreground: Bool, part_share: float) -> Bool:
    """The connected parts of at least `part_share` of the largest one's area."""
    labels, count = ndimage.label(foreground)
    if count == 0:
        return foreground
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    large = areas >= max(1.0, part_share * areas.max())
    return large[labels]


def _doubt_alone(fact: MaskFacts, options: MaskOptions) -> str:
    if fact.area < options.smallest_area:
        return f"covers {fact.area:.2%} of the image: nothing stands out"
    if fact.area > options.largest_area:
        return f"covers {fact.area:.0%} of the image: nothing is background"
    if fact.undecided > options.undecided:
        return (
            f"{fact.undecided:.1f} undecided pixels a pixel of foreground (limit "
            f"{options.undecided:g}): the model guesses"
        )
    return ""


def _doubt_beside(
    row: int, facts: list[MaskFacts], alone: list[str], options: MaskOptions
) -> str:
    """Whether the area is far from the neighbours' and from the capture's median."""
    good = [i for i, reason in enumerate(alone) if not reason and i != row]
    near = sorted(good, key=lambda i: abs(i - row))[: 2 * options.neighbours]
    if len(near) < 2:
        return ""
    area = facts[row].area
    medians = [float(np.median([facts[i].area for i in rows])) for rows in (near, good)]
    if min(_factor(area, median) for median in medians) <= options.area_factor:
        return ""
    return (
        f"covers {area:.1%} of the image, its neighbours' masks {medians[0]:.1%} "
        f"(limit: {options.area_factor:g} times): another thing was taken"
    )


def _factor(a: float, b: float) -> float:
    """How many times the smaller goes into the larger."""
    return max(a, b) / min(a, b)
