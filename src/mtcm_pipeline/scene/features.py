"""Views of different sizes in flat arrays, as compiled loops read them.

Dimension letters: V views, M pixels of all views together, C = 5 channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.scene.views import PinholeView, PinholeViews

Float = NDArray[np.float64]
Pixels = NDArray[np.float32]
Int = NDArray[np.int64]

# A brightness step between two pixels counts like twice that difference in colour: an
# edge says more about where a point lies than a tone does.
_GRADIENT_WEIGHT = 2.0


@dataclass(frozen=True)
class PackedViews:
    """V views, row by row, one after the other.

    Attributes:
        features: (M, C) float32, see `pixel_features`.
        rgb: (M, 3) float32 in 0..1.
        mask: (M,) float32 share of foreground; 1 where a view has no mask.
        offsets: (V,) where each view's pixels begin.
        sizes: (V, 2) width and height in px.
        focal_px: (V, 2).
        principal_px: (V, 2).
        cam_from_world: (V, 3, 4) rotation and translation.
        centres_xyz: (V, 3).
    """

    features: Pixels
    rgb: Pixels
    mask: Pixels
    offsets: Int
    sizes: Int
    focal_px: Float
    principal_px: Float
    cam_from_world: Float
    centres_xyz: Float

    @property
    def directions(self) -> Float:
        """(V, 3) optical axes in the world."""
        return self.cam_from_world[:, 2, :3]

    @property
    def arrays(self) -> tuple[NDArray, ...]:
        """What the sweep's compiled loop takes, in its order."""
        return (
            self.features,
            self.mask,
            self.offsets,
            self.sizes,
            self.focal_px,
            self.principal_px,
            self.cam_from_world,
            self.centres_xyz,
        )


def pack_views(views: PinholeViews) -> PackedViews:
    """The views side by side in memory."""
    pictures = views.views
    counts = np.array([view.height * view.width for view in pictures])
    poses = np.stack([view.cam_from_world[:3] for view in pictures])
    return PackedViews(
        np.concatenate([pixel_features(view).reshape(-1, 5) for view in pictures]),
        np.concatenate([view.rgb.reshape(-1, 3) for view in pictures]),
        np.concatenate([_mask_of(view).reshape(-1) for view in pictures]),
        np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
        np.array([[view.width, view.height] for view in pictures], dtype=np.int64),
        np.array([view.focal_px for view in pictures], dtype=np.float64),
        np.array([view.principal_px for view in pictures], dtype=np.float64),
        np.ascontiguousarray(poses, dtype=np.float64),
        np.stack([view.centre_xyz for view in pictures]),
    )


def pixel_features(view: PinholeView) -> Pixels:
    """(H, W, 5) red, green, blue and the brightness steps to the right and downwards.

    Smoothed over 3x3 pixels, so that half a pixel of misalignment costs little.
    """
    from scipy.ndimage import uniform_filter

    grey = view.rgb.mean(axis=2)
    right = np.diff(grey, axis=1, append=grey[:, -1:])
    down = np.diff(grey, axis=0, append=grey[-1:])
    steps = _GRADIENT_WEIGHT * np.stack([right, down], axis=2)
    channels = np.concatenate([view.rgb, steps], axis=2)
    smooth = uniform_filter(channels, size=(3, 3, 1), mode="nearest")
    return np.asarray(smooth, dtype=np.float32)


def _mask_of(view: PinholeView) -> Pixels:
    if view.mask is None:
        return np.ones(view.rgb.shape[:2], dtype=np.float32)
    return view.mask
