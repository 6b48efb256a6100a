"""How missing masks are made, and when they are believed."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class MaskOptions:
    """Options of `make_missing_masks`; each default with its reason.

    The limits were set on five captures with 351 photographs. On the four of one
    free-standing object they reject nothing; on the one that fills the picture they
    reject the fifth of the masks that took flowers of the wallpaper for the subject.

    Attributes:
        segmenter: the model; `none` leaves missing masks absent.
        weights: path of its weights; None for those of the extra `masks`. Without them
            masks stay absent, and a line in the log says so.
        threshold: saliency from which a pixel is foreground; the model is calibrated so.
        part_share: parts of the foreground smaller than this share of the largest are
            dropped: labels and stains, but not the other half of a covered subject.
        smallest_area: a smaller share of the image is no subject.
        largest_area: a larger one is no subject either, but everything.
        undecided: pixels of saliency .1 to .9 a pixel of foreground. Good masks stay
            below .8; where the model guesses, it is 1 to 5.
        area_factor: a mask this many times larger or smaller than those of its
            neighbours in order, and than the capture's median, is another thing.
        neighbours: masks before and behind that count as neighbours.
        most_rejected: if more than this share is not believed, the capture has no
            subject that stands out, and the rest is not believed either.
    """

    segmenter: Literal["u2netp", "none"] = "u2netp"
    weights: str | None = None
    threshold: float = Field(default=0.5, gt=0.0, lt=1.0)
    part_share: float = Field(default=0.25, ge=0.0, le=1.0)
    smallest_area: float = Field(default=0.003, ge=0.0, lt=1.0)
    largest_area: float = Field(default=0.95, gt=0.0, le=1.0)
    undecided: float = Field(default=1.0, gt=0.0)
    area_factor: float = Field(default=2.5, gt=1.0)
    neighbours: int = Field(default=3, ge=1)
    most_rejected: float = Field(default=0.5, ge=0.0, le=1.0)
