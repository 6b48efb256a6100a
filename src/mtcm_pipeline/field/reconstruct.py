"""Options of the reconstruct stage, and the progress bar of a fit."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from mtcm_pipeline.field.options import FieldOptions


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ReconstructOptions(FieldOptions):
    """A fit on the selection, judged by frames that were not selected."""

    seed: int = Field(default=0, ge=0)
    # About what published comparisons hold out of captures of this size; 0 judges none.
    held_out: int = Field(default=8, ge=0)
    # Half at random: the farthest alone would judge the rim of the capture.
    random_share: float = Field(default=0.5, ge=0, le=1)
    # Pictures of the worst and of the best held-out frames, so many each.
    pictures: int = Field(default=2, ge=1)
