"""A whole picture, forward and backward, on numpy arrays.

Dimension letters: N Gaussians, H, W the picture in px.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.field import projection, projection_gradients, rasterisation
from mtcm_pipeline.field.arrays import (
    DEPTH,
    GRADIENT,
    SPLAT,
    CameraArrays,
    GaussianArrays,
)
from mtcm_pipeline.field.camera import FieldCamera

Real = NDArray[Any]

OPAQUE_BELOW = 1e-3
"""A tile is finished once no pixel lets more light through: under half a grey value."""


@dataclass(frozen=True)
class RasterPass:
    """A rendered picture, and what its backward pass needs.

    Attributes:
        image: (H, W, 3) premultiplied colour over black.
        left: (H, W) transmittance, 1 - alpha.
        depth: (H, W) sum of weight times depth; depth itself is that / alpha.
    """

    image: Real
    left: Real
    depth: Real
    gaussians: GaussianArrays
    camera: CameraArrays
    splats: Real
    rects: NDArray[np.int32]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    ends: NDArray[np.int64]


def camera_arrays(
    camera: FieldCamera, dtype: Any, pose: Real | None = None
) -> CameraArrays:
    """`camera` for the kernels, with `pose` in place of its own where given."""
    matrix = camera.cam_from_world if pose is None else pose
    return CameraArrays(
        np.ascontiguousarray(matrix, dtype),
        camera.intrinsics.astype(dtype),
        camera.width,
        camera.height,
    )


def forward(
    gaussians: GaussianArrays, camera: CameraArrays, opaque_below: float = OPAQUE_BELOW
) -> RasterPass:
    """Render; float32 or float64 as the arrays are."""
    n, dtype = len(gaussians.means), gaussians.means.dtype
    height, width = camera.height, camera.width
    splats, rects = np.zeros((n, SPLAT), dtype), np.empty((n, 4), np.int32)
    projection.project(gaussians, camera, splats, rects)
    order = np.argsort(splats[:, DEPTH], kind="stable")
    starts, members = rasterisation.bin_tiles(splats, rects, order, width, height)
    image = np.empty((height, width, 3), dtype)
    left, depth = np.empty((height, width), dtype), np.empty((height, width), dtype)
    ends = np.empty(len(starts) - 1, np.int64)
    rasterisation.rasterise(
        splats, starts, members, dtype.type(opaque_below), image, left, depth, ends
    )
    return RasterPass(
        image, left, depth, gaussians, camera, splats, rects, starts, members, ends
    )


def backward(
    rendered: RasterPass, by_image: Real, by_left: Real, by_depth: Real
) -> tuple[GaussianArrays, Real]:
    """Gradients by the Gaussians and by the pose, (4, 4), from those by the picture."""
    splat_gradients = np.zeros((len(rendered.splats), GRADIENT), rendered.splats.dtype)
    rasterisation.rasterise_backward(
        rendered.splats,
        rendered.starts,
        rendered.members,
        rendered.ends,
        (rendered.image, rendered.left, rendered.depth),
        (by_image, by_left, by_depth),
        splat_gradients,
    )
    gradients = GaussianArrays(*(np.zeros_like(each) for each in rendered.gaussians))
    pose = np.zeros((4, 4), rendered.splats.dtype)
    projection_gradients.project_backward(
        rendered.gaussians,
        rendered.camera,
        rendered.splats,
        rendered.rects,
        splat_gradients,
        gradients,
        pose,
    )
    return gradients, pose
