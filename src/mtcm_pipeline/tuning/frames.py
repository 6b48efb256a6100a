"""What is known of the frames before fine-tuning, and what is known after.

Dimension letters: V views, F numbers a view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.tuning.beliefs import PoseBelief
from mtcm_pipeline.tuning.head import WeightHead, start_weights
from mtcm_pipeline.tuning.matches import Matches
from mtcm_pipeline.tuning.options import TuningOptions

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Doubt:
    """What a filter says of the frames, and what else may help.

    Attributes:
        names: (V).
        fault_probability: (V) in 0..1.
        curable: (V) whether a suspected fault is one that fine-tuning can take back.
        features: (V, F) what the head looks at beside the probability; F may be 0.
        matches: features that frames share; empty where none were looked for.
        predicted: poses predicted from the other frames, for frames that are doubted.
        kept: (V) frames that the filter keeps in spite of any doubt; None for those of
            probability 0.5 or less.
    """

    names: tuple[str, ...]
    fault_probability: Float
    curable: Bool
    features: Float
    matches: Matches = field(default_factory=dict)
    predicted: Mapping[str, PoseBelief] = field(default_factory=dict)
    kept: Bool | None = None

    def __post_init__(self) -> None:
        v = len(self.names)
        p = np.asarray(self.fault_probability)
        if p.shape != (v,) or self.curable.shape != (v,) or len(self.features) != v:
            raise CaptureError(
                f"doubt of {v} frames: probabilities {p.shape}, curable "
                f"{self.curable.shape}, features {self.features.shape}"
            )
        for name, value in zip(self.names, p.tolist(), strict=True):
            if not 0.0 <= value <= 1.0:
                raise CaptureError(
                    f"the fault probability of frame {name!r} is {value}: a number in "
                    f"0..1 is needed"
                )
        if self.kept is not None and self.kept.shape != (v,):
            raise CaptureError(f"doubt of {v} frames: kept {self.kept.shape}")

    def weights(self, options: TuningOptions) -> Float:
        """(V) that fine-tuning starts with; what the filter keeps is trusted."""
        weights = start_weights(self.fault_probability, options.sharpness)
        if self.kept is None:
            return weights
        return np.where(self.kept, np.maximum(weights, options.trusted_weight), weights)


@dataclass(frozen=True)
class Tuned:
    """A field, and what was learned of its views.

    Attributes:
        gaussians: of the field, in the gauge of the views.
        views: one row a view: `name`, `fault_probability`, `start_weight`, `weight`,
            `state` (trusted, suspicious, doubtful), `registered`, `admitted`, `source`,
            `misfit_ratio`, `agreeing`, `gain` (as registered; the fit takes none over),
            `turn_deg`, `shift` (median camera distances), `agreement` (mean over its
            turns).
        cam_from_world: (V, 4, 4) refined, as the rows of `views`.
        curve: one row a step: `step`, `loss`, `view`.
        periods: one row a meta step: `step`, `validation` (names), `validation_loss`,
            `effective_views`, and the weights as columns `weight/<name>`.
        head: trained.
        background: grey value that unmasked views were fitted before.
        seconds: CPU seconds without compiling.
        spent: of them, by what: `matches`, `start`, `steps` (as in a plain fit),
            `listening` (steps whose gradient is compared, and held-out views) and
            `registration`.
        plain_steps: how many `steps` are.
    """

    gaussians: Gaussians
    views: pd.DataFrame
    cam_from_world: Float
    curve: pd.DataFrame
    periods: pd.DataFrame
    head: WeightHead
    background: float
    seconds: float
    spent: Mapping[str, float]
    plain_steps: int

    def step_seconds(self) -> float:
        """CPU seconds of a step as in a plain fit, by this very run."""
        return self.spent["steps"] / max(self.plain_steps, 1)
