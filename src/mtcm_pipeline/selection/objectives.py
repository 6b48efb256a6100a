"""Objectives know gains; they know nothing of the order in which frames are tried.

Each one holds what has been chosen so far. Gains of a frame never grow while others are
chosen, which is what the lazy optimiser needs. Dimension letters: P frames in the pool,
F features, B candidates, K chosen frames.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.kernels import Rows

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class Objective(Protocol):
    """A set function that is asked for marginal gains only."""

    size: int

    def gains(self, candidates: Int) -> Float:
        """(B) what each candidate would add to the frames chosen so far."""

    def add(self, index: int) -> None:
        """Choose a frame."""


class FacilityLocation:
    """f(S) = sum over all frames i of max over chosen j of s_ij, with s cut off at 0.

    Monotone and submodular, so greedy reaches 1 - 1/e of the optimum (Nemhauser, Wolsey
    and Fisher 1978, section 4).
    """

    def __init__(self, rows: Rows, size: int) -> None:
        self.rows = rows
        self.size = size
        self.best = np.zeros(size)

    def gains(self, candidates: Int) -> Float:
        """(B) by how much each candidate raises the best similarities, summed."""
        rise = self.rows(candidates) - self.best  # (B, P)
        return np.maximum(rise, 0.0, out=rise).sum(axis=1)

    def add(self, index: int) -> None:
        """Choose a frame."""
        self.best = np.maximum(self.best, self.rows(np.array([index]))[0])


class Dispersion:
    """Farthest-point traversal: the gain is the distance to the nearest chosen frame.

    Gonzalez 1985: the greedy choice is within a factor of 2 of the smallest possible
    largest gap. Before anything is chosen, the gain is an upper bound of every distance
    less the distance from the centroid, so the most central frame starts.
    """

    def __init__(self, features: Float) -> None:
        self.size = len(features)
        self.features = features
        radius = np.linalg.norm(features - features.mean(axis=0), axis=1)
        self._gains = 3.0 * radius.max(initial=0.0) - radius
        self._empty = True

    def gains(self, candidates: Int) -> Float:
        """(B) distance of each candidate to the nearest chosen frame."""
        return self._gains[candidates]

    def add(self, index: int) -> None:
        """Choose a frame."""
        distance = np.linalg.norm(self.features - self.features[index], axis=1)
        self._gains = distance if self._empty else np.minimum(self._gains, distance)
        self._empty = False


class LogDeterminant:
    """f(S) = log det of the kernel L_S: greedy MAP inference of a k-DPP.

    Chen, Zhang and Zhou 2018, "Fast greedy MAP inference for determinantal point
    process", algorithm 1: a Cholesky factor grows by one row for each choice, so all
    gains are known at O(K P).

    Args:
        rows: indices -> rows of the kernel, without the jitter.
        diagonal: (P) diagonal of the kernel, without the jitter.
        capacity: how many frames will be chosen at most.
        jitter: added to the diagonal; identical frames then keep a finite gain.
    """

    def __init__(
        self, rows: Rows, diagonal: Float, *, capacity: int, jitter: float = 1e-3
    ) -> None:
        self.size = len(diagonal)
        self.rows = rows
        self.jitter = jitter
        self._factor = np.empty((capacity, self.size))
        self._count = 0
        self._residual = diagonal + jitter

    def gains(self, candidates: Int) -> Float:
        """(B) log of the determinant's growth by each candidate."""
        return np.log(self._residual[candidates])

    def add(self, index: int) -> None:
        """Choose a frame."""
        factor = self._factor[: self._count]  # (K, P)
        row = self.rows(np.array([index]))[0] - factor[:, index] @ factor
        row /= np.sqrt(self._residual[index])
        self._factor[self._count] = row
        self._count += 1
        # Below the jitter only rounding, or a kernel that is not quite positive.
        self._residual = np.maximum(self._residual - row**2, self.jitter)
