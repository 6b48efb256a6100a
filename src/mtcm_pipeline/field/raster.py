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
        transmittance: (H, W) light that passes the whole field, 1 - alpha.
        depth: (H, W) sum of weight times depth; depth itself is that / alpha.
    """

    image: Real
    transmittance: Real
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
    """`camera` for the kernels.

    Args:
        camera: whose intrinsics and size count.
        dtype: float type of the kernels' arrays.
        pose: (4, 4) `cam_from_world` in place of the camera's own.
    """
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
    """Render; float32 or float64 as the arrays are.

    Args:
        gaussians: of N.
        camera: in the world of the Gaussians.
        opaque_below: transmittance at which a tile counts as finished.
    """
    n, dtype = len(gaussians.means), gaussians.means.dtype
    height, width = camera.height, camera.width
    splats, rects = np.zeros((n, SPLAT), dtype), np.empty((n, 4), np.int32)
    projection.project(gaussians, camera, splats, rects)
    order = np.argsort(splats[:, DEPTH], kind="stable")
    starts, members = rasterisation.bin_tiles(splats, rects, order, width, height)
    image = np.empty((height, width, 3), dtype)
    transmittance = np.empty((height, width), dtype)
    depth = np.empty_like(transmittance)
    ends = np.empty(len(starts) - 1, np.int64)
    pixels = image, transmittance, depth
    rasterisation.rasterise(
        splats, starts, members, dtype.type(opaque_below), *pixels, ends
    )
    return RasterPass(*pixels, gaussians, camera, splats, rects, starts, members, ends)


def backward(
    rendered: RasterPass, by_image: Real, by_transmittance: Real, by_depth: Real
) -> tuple[GaussianArrays, Real]:
    """Gradients of a loss by the Gaussians and by the pose.

    Args:
        rendered: of `forward`.
        by_image: (H, W, 3) gradient by the picture.
        by_transmittance: (H, W).
        by_depth: (H, W).

    Returns:
        Arrays shaped as the Gaussians, and (4, 4) by `cam_from_world`.
    """
    splat_gradients = np.zeros((len(rendered.splats), GRADIENT), rendered.splats.dtype)
    rasterisation.rasterise_backward(
        rendered.splats,
        rendered.starts,
        rendered.members,
        rendered.ends,
        (rendered.image, rendered.transmittance, rendered.depth),
        (by_image, by_transmittance, by_depth),
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
