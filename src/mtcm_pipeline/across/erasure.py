"""What a latent linearly tells of whose frame it is, taken out of it in one step.

After training, a linear map is put behind the last layer that makes the mean latent of
every identity the same and, of all maps that do, changes the latents least (LEACE,
Belrose et al. 2023, "LEACE: Perfect linear concept erasure in closed form", theorem 4.3).
No linear probe can then tell the identities of what it was made from (theorem 3.1). It
does so for each plan of faults by itself, so that it holds with other faults too: how an
identity's latents differ from others' depends on what is wrong with it. Of those
directions the strongest go, at most a quarter of the latent: the rest is for faults.

Dimension letters: N frames, D width of the latent, M pairs of part and identity, R erased
directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.across.spoilt import SpoiltIdentity
from mtcm_pipeline.judge.graphs import Case, graph_of
from mtcm_pipeline.judge.model import JudgeModel

Float = NDArray[np.float64]

# Of the mean variance, added to every direction: latents of few frames have flat ones.
_RIDGE = 1e-4
# Canonical correlations below are rounding.
_LEAST_CORRELATION = 1e-6
_LARGEST_SHARE = 0.25


def without_identities(model: JudgeModel, spoilt: Sequence[SpoiltIdentity]) -> JudgeModel:
    """The network, with a latent that linearly tells no identities apart.

    Args:
        model: is not changed.
        spoilt: of several identities; sound and faulty frames count, since a map that
            spares only what sound frames vary in would wipe out what tells the faulty.
    """
    matrix, offset = erasing_map(
        np.vstack([_latent(model, each.case) for each in spoilt]),
        [each.identity for each in spoilt for _ in each.names],
        [each.plan for each in spoilt for _ in each.names],
    )
    return model.followed_by(
        torch.from_numpy(matrix).float(), torch.from_numpy(offset).float()
    ).eval()


def erasing_map(
    latent: Float, identities: Sequence[str], parts: Sequence[str]
) -> tuple[Float, Float]:
    """Matrix A (D, D) and offset b (D) of the map x -> A x + b.

    Identities count alike in each part, however many frames they have.

    Args:
        latent: (N, D).
        identities: (N) whose; the map of one identity is x -> x.
        parts: (N) within each of which identities are made alike.
    """
    _, owner = np.unique(np.array(identities), return_inverse=True)
    _, part_of = np.unique(np.array(parts), return_inverse=True)
    pairs, which = np.unique(np.stack([part_of, owner]), axis=1, return_inverse=True)
    part, which = pairs[0], which.ravel()  # (M) and (N)
    counts = np.bincount(which)
    shares = 1.0 / (len(part) * counts[which])  # (N), sum 1
    mean = shares @ latent
    centred = latent - mean
    covariance = (centred * shares[:, None]).T @ centred
    ridge = _RIDGE * np.trace(covariance) / len(mean)
    values, axes = np.linalg.eigh(covariance + ridge * np.eye(len(mean)))
    whiten = axes @ np.diag(values**-0.5) @ axes.T
    colour = axes @ np.diag(values**0.5) @ axes.T
    means = (which[None] == np.arange(len(part))[:, None]) @ centred / counts[:, None]
    for each in np.unique(part):
        means[part == each] -= means[part == each].mean(axis=0)
    apart = whiten @ means.T / np.sqrt(len(part))  # (D, M)
    told, correlations, _ = np.linalg.svd(apart, full_matrices=False)
    most = int(_LARGEST_SHARE * len(mean))
    told = told[:, correlations > _LEAST_CORRELATION][:, :most]  # (D, R)
    matrix = np.eye(len(mean)) - colour @ told @ told.T @ whiten
    return matrix, mean - matrix @ mean


def _latent(model: JudgeModel, case: Case) -> Float:
    """(N, D) of one case, as it was observed and without dropout."""
    model.eval()
    with torch.inference_mode():
        return model(graph_of([case])).latent.numpy().astype(np.float64)
