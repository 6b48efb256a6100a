"""What single photographs show beside their neighbours: sharpness and light.

Every column is larger, the worse; NaN where nothing can be said.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.neighbourhoods import (
    Neighbourhoods,
    beside,
    logarithm,
    median,
    of_neighbours,
)

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Columns = dict[str, Float]

_SHARPNESS = ("sharpness", "sharpness_half", "sharpness_quarter")


def photo_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """Columns of everything that single photographs show beside their neighbours."""
    return _sharpness_columns(evidence, near) | _light_columns(evidence, near)


def _sharpness_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """How much duller than the neighbours, at three scales and in the worst direction."""
    columns: Columns = {}
    for name in _SHARPNESS:
        logs = logarithm(evidence.number(name))
        for kind, others in near.by_name().items():
            columns[f"dull_{name}_{kind}"] = -beside(logs, others)
    fine = logarithm(evidence.number("sharpness")) - logarithm(
        evidence.number("sharpness_quarter")
    )
    columns["dull_fine_to_coarse"] = -beside(fine, near.both)
    least, most = _detail_beside(evidence, near.both)
    columns["dull_direction"] = -least
    columns["dull_one_direction"] = most - least
    return columns


def _detail_beside(evidence: CaptureEvidence, others: Index) -> tuple[Float, Float]:
    """(N,) logarithms of detail over the neighbours', in the directions with the least
    and with the most of it.

    Eigenvalues of the frame's second moments over the neighbours' median (a generalised
    eigenproblem of 2 x 2 matrices).
    """
    xx, xy, yy = (evidence.number(f"detail_{axes}") for axes in ("xx", "xy", "yy"))
    mine = np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2)
    usual = median(of_neighbours(mine, others))
    known = np.isfinite(mine).all(axis=(1, 2)) & np.isfinite(usual).all(axis=(1, 2))
    result = np.full((len(mine), 2), np.nan)
    floor = 1e-6 * np.eye(2)
    white = np.linalg.inv(np.linalg.cholesky(_positive(usual[known]) + floor))
    relative = white @ (mine[known] + floor) @ white.transpose(0, 2, 1)
    result[known] = np.log(np.maximum(np.linalg.eigvalsh(relative), 1e-6))
    return result[:, 0], result[:, 1]


def _positive(matrices: Float) -> Float:
    """Medians of entries need not be positive definite: negative eigenvalues are cut."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.maximum(values, 0.0)[:, None]) @ vectors.transpose(0, 2, 1)


def _light_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    columns: Columns = {}
    logs = logarithm(evidence.number("luminance"))
    for kind, others in near.by_name().items():
        columns[f"light_{kind}"] = np.abs(beside(logs, others))
    columns["brighter"] = beside(logs, near.both)
    columns["contrast"] = np.abs(
        beside(logarithm(evidence.number("contrast")), near.both)
    )
    columns["clipped"] = beside(evidence.number("clipped"), near.both)
    columns["dark"] = np.abs(beside(evidence.number("dark"), near.both))
    columns["bright"] = np.abs(beside(evidence.number("bright"), near.both))
    return columns
