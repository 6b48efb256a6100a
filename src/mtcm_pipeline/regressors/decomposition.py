"""Singular values that are always found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd

Float = NDArray[np.float64]


def left_singular(matrix: Float) -> tuple[Float, Float]:
    """(N, r) left singular vectors and (r,) singular values of (N, m), r = min(N, m).

    LAPACK's divide and conquer (`gesdd`) is fast and, on rare finite matrices with
    repeated rows, does not converge; then the QR iteration (`gesvd`) does the work.
    """
    try:
        left, spread, _ = np.linalg.svd(matrix, full_matrices=False)
    except np.linalg.LinAlgError:
        left, spread, _ = svd(matrix, full_matrices=False, lapack_driver="gesvd")
    return left, spread
