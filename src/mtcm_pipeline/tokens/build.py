"""From the parts of a capture to its tokens.

Dimension letters: N frames, D = 394 token width, F = 5 fields.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.rotations import quat_from_matrix
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.tokens.layout import (
    EMBEDDING_WIDTH,
    FIELD_SLICES,
    TOKEN_WIDTH,
    Tokens,
)

Float = NDArray[np.float64]


def build_tokens(
    frames: pd.DataFrame, embeddings: NDArray[np.floating], cameras: PosedCameras
) -> tuple[Tokens, Similarity]:
    """Tokens of a capture, and the gauge that its poses were brought into.

    Args:
        frames: one row a frame in capture order, with columns `name`, `width`, `height`,
            `timestamp_s` (s), `mask_area` (0..1) and `focal_px`; NaN where absent.
        embeddings: (N, 384) image embeddings; a row of NaN where absent.
        cameras: the frames that have a pose, in the capture's own world.

    Returns:
        The tokens, and the canonical gauge (the identity if no frame has a pose).

    Raises:
        CaptureError: shapes disagree, or a posed frame is not in `frames`.
    """
    names = tuple(frames["name"])
    _check_parts(names, embeddings, cameras)
    gauge = Similarity(1.0, np.eye(3), np.zeros(3))
    values = np.full((len(names), TOKEN_WIDTH), np.nan)
    values[:, FIELD_SLICES["embedding"]] = unit_rows(embeddings)
    if len(cameras):
        gauge = canonical_gauge(_in_capture_order(names, cameras))
        values[:, FIELD_SLICES["pose"]] = _pose_field(names, cameras, gauge)
    timestamps = frames["timestamp_s"].to_numpy(dtype=np.float64)
    values[:, FIELD_SLICES["timestamp"]] = (timestamps - _first(timestamps))[:, None]
    values[:, FIELD_SLICES["mask_area"]] = frames[["mask_area"]].to_numpy(np.float64)
    values[:, FIELD_SLICES["focal"]] = _relative_focal(frames)[:, None]
    present = np.stack(
        [np.isfinite(values[:, where]).all(axis=1) for where in FIELD_SLICES.values()],
        axis=1,
    )
    return Tokens(names, values, present, sequence_times(timestamps)), gauge


def sequence_times(timestamps_s: Float) -> Float:
    """(N,) position of each frame in the sequence, 0 for the first, 1 for the last.

    By timestamp where every frame has one (ties and order by the capture's order), else
    by the capture's order alone: a rank, not a duration, so that a pause of a day does
    not squeeze the rest together.
    """
    n = len(timestamps_s)
    order = np.arange(n)
    if np.isfinite(timestamps_s).all():
        order = np.argsort(timestamps_s, kind="stable")
    rank = np.empty(n, dtype=np.float64)
    rank[order] = np.arange(n)
    return rank / max(n - 1, 1)


def unit_rows(vectors: NDArray[np.floating]) -> Float:
    """(N, D) rows scaled to length 1; rows of length 0 or with NaN become NaN."""
    rows = np.asarray(vectors, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _pose_field(
    names: tuple[str, ...], cameras: PosedCameras, gauge: Similarity
) -> Float:
    """(N, 7) centre and `world_from_cam` quaternion in the gauge; NaN without a pose."""
    field = np.full((len(names), 7), np.nan)
    world_from_cam = gauge.world_from_cam(cameras.world_from_cam)
    pose = np.hstack(
        [world_from_cam[:, :3, 3], quat_from_matrix(world_from_cam[:, :3, :3])]
    )
    row_of = {name: row for row, name in enumerate(names)}
    field[[row_of[name] for name in cameras.names]] = pose
    return field


def _relative_focal(frames: pd.DataFrame) -> Float:
    """(N,) focal length over the longer image side: the same at any resolution."""
    side = frames[["width", "height"]].max(axis=1).to_numpy(dtype=np.float64)
    return frames["focal_px"].to_numpy(dtype=np.float64) / side


def _first(timestamps: Float) -> float:
    finite = timestamps[np.isfinite(timestamps)]
    return float(finite.min()) if len(finite) else 0.0


def _in_capture_order(names: tuple[str, ...], cameras: PosedCameras) -> PosedCameras:
    return cameras.subset([name for name in names if name in cameras])


def _check_parts(
    names: tuple[str, ...], embeddings: NDArray[np.floating], cameras: PosedCameras
) -> None:
    if embeddings.shape != (len(names), EMBEDDING_WIDTH):
        raise CaptureError(
            f"embeddings are {embeddings.shape}, not ({len(names)}, {EMBEDDING_WIDTH})"
        )
    unknown = sorted(set(cameras.names) - set(names))
    if unknown:
        raise CaptureError(f"posed frames without a row: {', '.join(unknown[:5])}")
