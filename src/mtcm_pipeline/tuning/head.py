"""The head that turns what a filter knows of each view into a weight of its loss.

Dimension letters: V views, F numbers a view.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tuning.options import TuningOptions

Float = NDArray[np.float64]

# Probabilities beyond this are as good as certain.
_CERTAIN = 1e-3


class WeightHead(nn.Module):
    """Weights in (0, 1]: the filter's own at first, then what the validation views say.

    The logit of a view is the filter's, plus a small network over what is known of the
    view, zero at first, plus an offset of the view's own. The network carries what is
    learned of one view to those like it.
    """

    prior_logits: Tensor
    features: Tensor

    def __init__(
        self, prior_weights: Float, features: Float, options: TuningOptions, seed: int
    ) -> None:
        """Start at the prior.

        Args:
            prior_weights: (V) in 0..1.
            features: (V, F) any finite numbers; standardised here. F may be 0.
            options: width and floor.
            seed: of the network's first layer.
        """
        super().__init__()
        if features.shape[0] != len(prior_weights) or not np.isfinite(features).all():
            raise CaptureError(
                f"weight head: {len(prior_weights)} weights, features "
                f"{features.shape}; all of them must be finite"
            )
        self.floor = options.least_weight
        clipped = np.clip(prior_weights, _CERTAIN, 1 - _CERTAIN)
        self.register_buffer(
            "prior_logits", torch.tensor(np.log(clipped / (1 - clipped)))
        )
        self.register_buffer("features", torch.tensor(_standardised(features)))
        self.offsets = nn.Parameter(torch.zeros(len(clipped), dtype=torch.float64))
        width = options.head_width if features.shape[1] else 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.hidden = nn.Linear(features.shape[1], width).double() if width else None
            self.out = nn.Linear(width, 1).double() if width else None
        if self.out is not None:
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    def forward(self) -> Tensor:
        """(V) weights."""
        return self._weight(self.prior_logits + self.offsets + self._learned())

    def prior(self) -> Tensor:
        """(V) the filter's own weights."""
        return self._weight(self.prior_logits)

    def _learned(self) -> Tensor:
        if self.hidden is None or self.out is None:
            return torch.zeros_like(self.offsets)
        return self.out(torch.tanh(self.hidden(self.features)))[:, 0]

    def _weight(self, logits: Tensor) -> Tensor:
        return self.floor + (1 - self.floor) * torch.sigmoid(logits)


def start_weights(fault_probability: Float, sharpness: float) -> Float:
    """(V) weights that a filter's probabilities of a fault start with."""
    p = np.clip(np.asarray(fault_probability, np.float64), _CERTAIN, 1 - _CERTAIN)
    return np.asarray(1.0 / (1.0 + (p / (1 - p)) ** sharpness))


def head_loss(head: WeightHead, advantage: Tensor, options: TuningOptions) -> Tensor:
    """What the head minimises in a meta step, a scalar.

    - `-advantage . w / V` over the views that had their turn: the held-out loss to first
      order in the weights (Ren et al. 2018, equation 5), on a scale free of difficulty;
    - the divergence of the weights from the filter's;
    - the square of what the effective number of views lacks.

    Args:
        head: of V views.
        advantage: (V) as `agreement.advantages`; NaN where a view had no turn.
        options: of the guards.
    """
    weights, prior = head(), head.prior()
    heard = torch.nan_to_num(advantage, nan=0.0)
    gain = (heard * weights).sum() / max(int(torch.isfinite(advantage).sum()), 1)
    pull = options.prior_pull * bernoulli_divergence(weights, prior).mean()
    kept = effective_views(weights) / effective_views(prior)
    lacking = torch.relu(options.least_effective_share - kept)
    return -gain + pull + 10.0 * lacking**2


def bernoulli_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Kullback-Leibler divergence of two coins, elementwise; probabilities in (0, 1]."""
    tiny = 1e-9
    heads = p * torch.log((p + tiny) / (q + tiny))
    tails = (1 - p) * torch.log((1 - p + tiny) / (1 - q + tiny))
    return heads + tails


def effective_views(weights: Tensor) -> Tensor:
    """(sum w)^2 / sum w^2: V where all are alike, 1 where one has everything."""
    return weights.sum() ** 2 / (weights**2).sum()


def _standardised(features: Float) -> Float:
    """(V, F) columns with mean 0 and deviation 1; constant ones become 0."""
    if features.shape[1] == 0:
        return features
    spread = features.std(axis=0)
    safe = np.where(spread > 1e-12, spread, np.inf)
    return np.asarray((features - features.mean(axis=0)) / safe)
