"""Which frame a frame repeats: the most alike before it and after it.

All frames are compared with all, in chunks, so that memory grows with the frames and not
with their square.

Dimension letters: N frames, S side of a small picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.neighbourhoods import pose_places

Float = NDArray[np.float64]
Index = NDArray[np.int64]

_SHADING_PX = 7
_CHUNK = 256


@dataclass(frozen=True)
class Repeats:
    """The most alike frames.

    Attributes:
        earlier: (N,) correlation with the most alike frame before; -1 for the first.
        twin: (N,) row of that frame; the first has itself.
        later: (N,) correlation with the most alike frame after; -1 for the last.
    """

    earlier: Float
    twin: Index
    later: Float


def repeats_of(small: Float, chunk: int = _CHUNK) -> Repeats:
    """The most alike frames of each of (N, S, S) grey pictures.

    Args:
        small: in order of time.
        chunk: frames that are compared with all others at a time.
    """
    detail = _detail(small)
    n = len(detail)
    earlier, later = np.full(n, -1.0), np.full(n, -1.0)
    twin = np.zeros(n, dtype=np.int64)
    others = np.arange(n)[None]
    for start in range(0, n, chunk):
        rows = np.arange(start, min(start + chunk, n))
        alike = detail[rows] @ detail.T  # (chunk, N)
        before = np.where(others < rows[:, None], alike, -1.0)
        twin[rows], earlier[rows] = before.argmax(axis=1), before.max(axis=1)
        later[rows] = np.where(others > rows[:, None], alike, -1.0).max(axis=1)
    return Repeats(earlier, twin, later)


def duplicate_columns(evidence: CaptureEvidence) -> dict[str, Float]:
    """How nearly a frame repeats another one.

    Returns:
        `repeats_earlier` and `repeats_later`: the correlation of the pictures' detail
        with the most alike frame before and after (a copy comes after its original), as
        the logarithm of 1 / (1 - correlation); `twin_near`: how near the most alike
        earlier frame's pose is; `twin_alike`: how near its embedding.
    """
    found = repeats_of(evidence.small)
    places = pose_places(evidence.world_from_cam)
    far = np.linalg.norm(places - places[found.twin], axis=1)
    embeddings = evidence.embeddings
    unlike = np.linalg.norm(embeddings - embeddings[found.twin], axis=1)
    first = np.arange(len(evidence)) == 0
    return {
        "repeats_earlier": _closeness(found.earlier),
        "repeats_later": _closeness(found.later),
        "twin_near": np.where(first, np.nan, -np.log(far + 1e-3)),
        "twin_alike": np.where(first, np.nan, -np.log(unlike + 1e-2)),
    }


def _detail(small: Float) -> Float:
    """(N, S * S) grey pictures less their shading, of unit length."""
    pictures = np.asarray(small, dtype=np.float64)
    shading = uniform_filter(pictures, (0, _SHADING_PX, _SHADING_PX), mode="nearest")
    detail = (pictures - shading).reshape(len(pictures), -1)
    detail -= detail.mean(axis=1, keepdims=True)
    return np.asarray(detail / np.maximum(np.linalg.norm(detail, axis=1, keepdims=True),
                                          1e-9))  # fmt: skip


def _closeness(correlation: Float) -> Float:
    return -np.log(np.maximum(1.0 - correlation, 1e-4))
