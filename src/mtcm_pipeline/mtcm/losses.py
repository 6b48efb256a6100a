"""The losses of the MTCM, each balanced by field.

Dimension letters: N frames, D = 394 token width, F = 5 fields, G = 3 swap groups.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mtcm_pipeline.mtcm.model import MtcmOutput
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
    """Gaussian negative log-likelihood of the errors; the errors are not moved by it."""
    errors = errors.detach()
    likelihood = 0.5 * (log_variance + (errors + 1e-6) * torch.exp(-log_variance))
    return reconstruction_loss(likelihood, counted)


def next_pose_loss(output: MtcmOutput, pose: Tensor, last: int) -> Tensor:
    """L_pose: L1 between the predicted and the true pose of the last frame.

    The last frame's entries must have been hidden from the model, or a head that copies
    its input would win.

    Args:
        output: of the model.
        pose: (N, 7) true standardised poses.
        last: row of the last posed frame.
    """
    return (output.next_pose[last] - pose[last]).abs().sum()


def swap_loss(output: MtcmOutput, swapped: Tensor, judged: Tensor) -> Tensor:
    """Binary cross entropy of the swapped-field head.

    Args:
        output: of the model.
        swapped: (N, G) bool, True = belongs to another frame.
        judged: (N, G) bool, groups that were shown and can be judged.
    """
    if not judged.any():
        return output.swap_logits.sum() * 0.0
    logits, targets = output.swap_logits[judged], swapped[judged].to(output.tokens.dtype)
    return functional.binary_cross_entropy_with_logits(logits, targets)
