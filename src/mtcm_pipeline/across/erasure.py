"""What a latent linearly tells of whose frame it is, taken out of it in one step.

After training, a linear map is put behind the last layer that makes the mean latent of
every identity the same and, of all maps that do, changes the latents least (LEACE,
Belrose et al. 2023, "LEACE: Perfect linear concept erasure in closed form", theorem 4.3).
No linear probe can then tell the identities of the cases that it was made from (theorem
3.1). It takes out as many directions as there are identities less one, at most a quarter
of the latent: the rest has to be left for faults.

Dimension letters: N frames, D width of the latent, I identities, R erased directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.judge.graphs import Case, graph_of
from mtcm_pipeline.judge.model import JudgeModel

Float = NDArray[np.float64]

# Of the mean variance, added to every direction: latents of few frames have flat ones.
_RIDGE = 1e-4
# Canonical correlations below are rounding.
_LEAST_CORRELATION = 1e-6
_LARGEST_SHARE = 0.25


def without_identities(model: JudgeModel, cases: Sequence[Case]) -> JudgeModel:
    """The network, with a latent that linearly tells nobody apart among the cases.

    Args:
        model: is not changed.
        cases: of several identities; sound and faulty frames, since a map that spares
            only what sound frames vary in would wipe out what tells the faulty ones.
    """
    parts = [_latent(model, case) for case in cases]
    owners = [case.capture for case in cases for _ in range(len(case))]
    matrix, offset = erasing_map(np.vstack(parts), owners)
    return model.followed_by(
        torch.from_numpy(matrix).float(), torch.from_numpy(offset).float()
    ).eval()


def erasing_map(latent: Float, identities: Sequence[str]) -> tuple[Float, Float]:
    """Matrix A (D, D) and offset b (D) of the map x -> A x + b.

    Identities count alike, however many frames they have.

    Args:
        latent: (N, D).
        identities: (N) whose; the map of one identity is x -> x.
    """
    owners, whose = np.unique(np.array(identities), return_inverse=True)
    counts = np.bincount(whose)
    shares = 1.0 / (len(owners) * counts[whose])  # (N), sum 1
    mean = shares @ latent
    centred = latent - mean
    covariance = (centred * shares[:, None]).T @ centred
    ridge = _RIDGE * np.trace(covariance) / len(mean)
    values, axes = np.linalg.eigh(covariance + ridge * np.eye(len(mean)))
    whiten = axes @ np.diag(values**-0.5) @ axes.T
    colour = axes @ np.diag(values**0.5) @ axes.T
    indicator = whose[:, None] == np.arange(len(owners))
    means = (centred.T @ indicator) / counts / np.sqrt(len(owners))  # (D, I)
    told, correlations, _ = np.linalg.svd(whiten @ means, full_matrices=False)
    most = int(_LARGEST_SHARE * len(mean))
    told = told[:, correlations > _LEAST_CORRELATION][:, :most]  # (D, R)
    matrix = np.eye(len(mean)) - colour @ told @ told.T @ whiten
    return matrix, mean - matrix @ mean


def _latent(model: JudgeModel, case: Case) -> Float:
    """(N, D) of one case, as it was observed and without dropout."""
    model.eval()
    with torch.inference_mode():
        return model(graph_of([case])).latent.numpy().astype(np.float64)
