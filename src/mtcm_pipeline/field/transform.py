"""A field under a similarity transform: all of its parameters in another world.

Dimension letters: N Gaussians.
"""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.rotations import quat_from_matrix
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.field.gaussians import Gaussians, Real


def transformed(gaussians: Gaussians, similarity: Similarity) -> Gaussians:
    """The same field as it looks in the new world, as float64.

    A camera that is moved along sees the same picture; depths are longer by the scale.

    Args:
        gaussians: N in the old world.
        similarity: from the old world to the new one.
    """
    rotation = similarity.rotation
    return Gaussians(
        similarity.points(gaussians.means_xyz.astype(np.float64)),
        _product(quat_from_matrix(rotation), gaussians.quats_wxyz),
        gaussians.log_scales.astype(np.float64) + np.log(similarity.scale),
        gaussians.opacity_logits.astype(np.float64),
        _rotated_harmonics(gaussians.harmonics.astype(np.float64), rotation),
    )


def _product(left: Real, right: Real) -> Real:
    """(N, 4) Hamilton product of one quaternion (4,) with N, all w, x, y, z."""
    w, x, y, z = left
    matrix = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    return np.asarray(right.astype(np.float64) @ matrix.T)


def _rotated_harmonics(harmonics: Real, rotation: Real) -> Real:
    """(N, 4, 3) after turning the world.

    The part of degree 1 is linear in the direction d: v . d with v = (-h3, -h1, h2); in
    the new world v turns with everything else.
    """
    h1, h2, h3 = harmonics[:, 1], harmonics[:, 2], harmonics[:, 3]  # (N, 3) by channel
    vectors = np.stack([-h3, -h1, h2], axis=1)  # (N, 3 axes, 3 channels)
    x, y, z = np.moveaxis(rotation @ vectors, 1, 0)
    return np.stack([harmonics[:, 0], -y, z, -x], axis=1)
