"""How the residual over the prior is pretrained."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class PretrainOptions:
    """Parameters under `pretrain`; each default with its reason.

    Attributes:
        first_seed: of the generated captures; far from the sample's own seed 1.
        captures: generated; 24 take six CPU minutes to make and ask about, encoding
            included, and held-out captures gain nothing visible from the last third.
        held_out: of them, for early stopping only.
        variants: of each capture: frames dropped, time shuffled.
        draws: of hidden entries a variant.
        drop_share: of the variants lose frames, up to `drop_most` of them.
        drop_most: see there.
        shuffle_share: of the variants lose their order: many captures have none.
        mask_ratio: of a draw.
        swap_ratio: of a draw; faults that the prior must survive.
        epochs: of `steps` draws each.
        steps: see there.
        learning_rate: peak of the schedule; at 1e-3 held-out captures got worse.
    """

    first_seed: int = Field(default=100, ge=2)
    captures: int = Field(default=24, ge=2)
    held_out: int = Field(default=4, ge=1)
    variants: int = Field(default=3, ge=1)
    draws: int = Field(default=10, ge=1)
    drop_share: float = Field(default=0.6, ge=0.0, le=1.0)
    drop_most: float = Field(default=0.4, ge=0.0, lt=0.9)
    shuffle_share: float = Field(default=0.3, ge=0.0, le=1.0)
    mask_ratio: float = Field(default=0.22, gt=0.0, lt=1.0)
    swap_ratio: float = Field(default=0.03, ge=0.0, lt=1.0)
    epochs: int = Field(default=30, ge=1)
    steps: int = Field(default=50, ge=1)
    learning_rate: float = Field(default=2e-4, gt=0.0)
