"""The losses of the MTCM, each balanced by field.

Dimension letters: N frames, D = 394 token width, F = 5 fields, G = 3 swap groups.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.residual_model import ResidualOutput, TaskTensors
from mtcm_pipeline.tokens.layout import FIELD_SLICES


def field_errors(predicted: Tensor, truth: Tensor) -> Tensor:
    """(N, F) mean squared error of each field, over the field's own numbers."""
    squared = (predicted - truth) ** 2
    return torch.stack(
        [squared[:, where].mean(dim=1) for where in FIELD_SLICES.values()], dim=1
    )


def reconstruction_loss(errors: Tensor, counted: Tensor) -> Tensor:
    """L_recon: mean over the counted entries of a field, then over the fields.

    `1/|M| sum over M of |t̂ - t|^2`, balanced by field, so that the 384 numbers of the
    embedding weigh no more than the one of the focal length.

    Args:
        errors: (N, F) squared errors.
        counted: (N, F) bool, the entries of M (hidden and present).
    """
    counts = counted.sum(dim=0)  # (F,)
    sums = torch.where(counted, errors, torch.zeros_like(errors)).sum(dim=0)
    used = counts > 0
    if not used.any():
        return errors.sum() * 0.0
    return (sums[used] / counts[used]).mean()


def variance_loss(log_variance: Tensor, errors: Tensor, counted: Tensor) -> Tensor:
    """Gaussian negative log-likelihood of the errors, a scalar.

    Args:
        log_variance: (N, F) predicted.
        errors: (N, F) squared errors; no gradient flows into them.
        counted: (N, F) bool, the entries that count.
    """
    errors = errors.detach()
    likelihood = 0.5 * (log_variance + (errors + 1e-6) * torch.exp(-log_variance))
    return reconstruction_loss(likelihood, counted)


def next_pose_loss(next_pose: Tensor, pose: Tensor, last: int) -> Tensor:
    """L_pose: L1 between the predicted and the true pose of the last frame.

    The last frame's entries must have been hidden from the model, or a head that copies
    its input would win.

    Args:
        next_pose: (N, 7) predicted standardised poses.
        pose: (N, 7) true standardised poses.
        last: row of the last posed frame.
    """
    return (next_pose[last] - pose[last]).abs().sum()


def swap_loss(swap_logits: Tensor, swapped: Tensor, judged: Tensor) -> Tensor:
    """Binary cross entropy of the swapped-field head.

    Args:
        swap_logits: (N, G) of the model.
        swapped: (N, G) bool, True = belongs to another frame.
        judged: (N, G) bool, groups that were shown and can be judged.
    """
    if not judged.any():
        return swap_logits.sum() * 0.0
    logits, targets = swap_logits[judged], swapped[judged].to(swap_logits.dtype)
    return functional.binary_cross_entropy_with_logits(logits, targets)


# Distances under this share of a part's size are as good as none: the loss is quadratic
# there, and grows with the distance itself beyond.
_FINE_SHARE = 0.03
# A relative weight a part: those that people look at first.
_PART_WEIGHTS = {"embedding": 1.0, "centre": 1.0, "rotation": 1.0}
_SCALAR_WEIGHT = 0.2


def part_distance_loss(name: str, squared: Tensor, size: float) -> Tensor:
    """(A,) loss from squared distances of one part, over the part's size.

    Embeddings count by their squared error, as R2 does; poses and scalars by their
    distance, so that the few frames that nobody can place do not outvote the rest.
    """
    relative = squared / size**2
    if name == "embedding":
        return relative
    return (relative + _FINE_SHARE**2).sqrt() - _FINE_SHARE


def residual_losses(output: ResidualOutput, task: TaskTensors) -> tuple[Tensor, Tensor]:
    """Two scalars: the parts' weighted mean loss, and the negative log-likelihood of the
    errors (Gaussian), weighted likewise."""
    total, likelihood, weights = task.tokens.new_zeros(()), task.tokens.new_zeros(()), 0.0
    for name, residual in output.residuals.items():
        part = task.parts[name]
        squared = ((part.prior + residual - part.truth) ** 2).sum(dim=1)
        weight = _PART_WEIGHTS.get(name, _SCALAR_WEIGHT)
        total = total + weight * part_distance_loss(name, squared, part.size).mean()
        log_variance = output.log_variances[name]
        floor = (1e-4 * part.size) ** 2
        surprise = (squared.detach() + floor) * torch.exp(-log_variance)
        likelihood = (
            likelihood
            + weight
            * 0.5
            * (log_variance - 2.0 * math.log(part.size) + surprise.clamp(max=50.0)).mean()
        )
        weights += weight
    return total / max(weights, 1e-9), likelihood / max(weights, 1e-9)


def weighted_total(terms: dict[str, Tensor], options: TrainOptions) -> Tensor:
    """The scalar that is trained on, of terms named as in the history."""
    return (
        terms["reconstruction"]
        + options.pose_weight * terms["next_pose"]
        + options.swap_weight * terms["swap"]
        + options.variance_weight * terms["variance"]
    )
