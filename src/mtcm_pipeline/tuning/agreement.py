"""How well the gradient of a view's loss serves views that are held out.

One step of training moves the parameters by -sum_i w_i D g_i, with g_i the gradient of
view i and D the optimiser's rate of each parameter. To first order the held-out loss
then changes with the weights by -(g_val . D g_i): a view is worth its agreement (Ren et
al. 2018, "Learning to reweight examples", equations 4 to 6, for a preconditioned step).

Dimension letters: V views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtcm_pipeline.field.fit_state import FitState

Float = NDArray[np.float64]
Gradient = Mapping[str, Tensor]

# 1.4826 times the median deviation is a normal standard deviation.
_MAD_TO_SIGMA = 1.4826
# Cosines that differ by less tell nobody anything.
_LEAST_SPREAD = 0.02
# From a period, no view gains more than this or loses more than that.
_MOST, _LEAST = 1.0, -2.0


def step_rates(state: FitState) -> dict[str, Tensor]:
    """Adam's own rate of every parameter: rate / (sqrt(second moment) + eps).

    Parameters that were never moved have their group's rate.
    """
    rates = {}
    for group in state.optimiser.param_groups:
        (tensor,) = group["params"]
        known = state.optimiser.state.get(tensor, {})
        if "exp_avg_sq" not in known:
            rates[group["name"]] = torch.full_like(tensor, group["lr"])
            continue
        _, beta = group["betas"]
        unbiased = known["exp_avg_sq"] / (1 - beta ** float(known["step"]))
        # Where nothing was felt yet, the typical rate, not an endless one.
        root = unbiased.sqrt()
        floor = root[root > 0].median() if bool((root > 0).any()) else root.new_ones(())
        rates[group["name"]] = group["lr"] / root.clamp_min(float(floor) * 1e-2)
    return rates


def weight_gradient(
    training: Sequence[Gradient], validation: Gradient, rates: Gradient
) -> Float:
    """(V) derivative of the held-out loss by each view's weight, one step unrolled.

    Args:
        training: gradients of the V views, by parameter.
        validation: gradient of the held-out loss after the step, or, to first order,
            before it.
        rates: of `step_rates`.
    """
    return np.array([-inner(validation, each, rates) for each in training])


def inner(first: Gradient, second: Gradient, rates: Gradient) -> float:
    """first . D second, over all parameters."""
    total = 0.0
    for name, rate in rates.items():
        total += float((first[name] * rate * second[name]).sum(dtype=torch.float64))
    return total


def agreement(training: Gradient, validation: Gradient, rates: Gradient) -> float:
    """Cosine of two gradients in the metric of the step, -1 to 1.

    Unlike `weight_gradient` it does not grow with the size of a view's loss, so that
    views which fit badly and views which fit well are on one scale.
    """
    lengths = inner(training, training, rates) * inner(validation, validation, rates)
    if not lengths > 0:
        return 0.0
    return inner(validation, training, rates) / float(np.sqrt(lengths))


@dataclass(frozen=True)
class Compared:
    """A validation gradient, ready to be compared with many others.

    Attributes:
        weighed: D g_val by parameter.
        rates: D, as of `step_rates`.
        length: of g_val in the metric of the step.
    """

    weighed: Gradient
    rates: Gradient
    length: float

    @classmethod
    def of(cls, validation: Gradient, rates: Gradient) -> Compared:
        """From the gradient of the held-out loss."""
        weighed = {name: rate * validation[name] for name, rate in rates.items()}
        return cls(weighed, rates, float(np.sqrt(inner(validation, validation, rates))))

    def with_(self, training: Gradient) -> float:
        """The `agreement` with a training gradient."""
        product = square = 0.0
        for name, weighed in self.weighed.items():
            each = training[name]
            product += float(torch.dot(each.flatten(), weighed.flatten()))
            square += float(
                torch.dot((each * self.rates[name]).flatten(), each.flatten())
            )
        length = self.length * float(np.sqrt(square))
        return product / length if length > 0 else 0.0


def advantages(cosines: Float) -> Float:
    """(V) what a period's agreements say for (+) or against (-) each view.

    A view that agrees as views usually do in this period is welcome; only one that
    agrees much less counts against itself, so that views which stand near the validation
    views do not take the weight of those elsewhere.

    Args:
        cosines: (V) mean agreement of each view; NaN where it had no turn.
    """
    seen = cosines[np.isfinite(cosines)]
    if not len(seen):
        return np.full_like(cosines, np.nan)
    middle = np.median(seen)
    spread = max(_MAD_TO_SIGMA * np.median(np.abs(seen - middle)), _LEAST_SPREAD)
    return np.clip((cosines - middle) / spread + _MOST, _LEAST, _MOST)
