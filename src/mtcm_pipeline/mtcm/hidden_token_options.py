"""What a user may set about measuring the prediction of hidden tokens."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class HiddenTokenOptions:
    """What is hidden, and whose prediction is measured.

    Attributes:
        captures: names under data/raw_images; none: the run's own identity.
        seeds: draws of hidden frames of each kind. Five, as the tables in
            docs/prediction.md; fewer say little on 50 frames.
        init: weights of the residual, as `train.init`.
        encoder: of the photographs; the one that comes with its weights, so that anyone
            can repeat a table.
    """

    captures: list[str] = Field(default_factory=list)
    seeds: int = Field(default=5, ge=1)
    init: str = "shipped"
    encoder: str = "efficientnet_lite0"
