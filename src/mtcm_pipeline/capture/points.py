"""Sparse 3D points of a capture, with their tracks where a model told them.

Dimension letters: P points, T observations of points in images, I images of the model.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError


@dataclass(frozen=True)
class SparsePoints:
    """Points and who saw them.

    Points that came without tracks (the `.ply` of a transforms.json) have no observation
    at all: `has_tracks` tells them. Nothing that asks who saw a point finds one of them.

    Attributes:
        xyz: (P, 3) float64, world units.
        rgb: (P, 3) uint8.
        error_px: (P,) mean reprojection error in px; -1 where unknown, as in COLMAP.
        track_point: (T,) index into the points.
        track_image: (T,) file name of the observing image.
        track_xy: (T, 2) pixel position of the observation, COLMAP's convention
            (the centre of the upper left pixel is 0.5, 0.5).
        model_images: (I,) file names of the model's images, those that observe nothing
            included; empty where they are not known.
    """

    xyz: NDArray[np.float64]
    rgb: NDArray[np.uint8]
    error_px: NDArray[np.float64]
    track_point: NDArray[np.int64]
    track_image: NDArray[np.str_]
    track_xy: NDArray[np.float64]
    model_images: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, np.str_))

    def __post_init__(self) -> None:
        p, t = len(self.xyz), len(self.track_point)
        shapes = {
            "xyz": (self.xyz.shape, (p, 3)),
            "rgb": (self.rgb.shape, (p, 3)),
            "error_px": (self.error_px.shape, (p,)),
            "track_image": (self.track_image.shape, (t,)),
            "track_xy": (self.track_xy.shape, (t, 2)),
        }
        for name, (shape, expected) in shapes.items():
            if shape != expected:
                raise CaptureError(f"sparse points: {name} is {shape}, not {expected}")
        if t and not 0 <= self.track_point.min() <= self.track_point.max() < p:
            raise CaptureError("sparse points: a track refers to a point that is absent")

    def __len__(self) -> int:
        return len(self.xyz)

    @property
    def has_tracks(self) -> bool:
        """Whether it is known of the points who saw them."""
        return len(self.track_point) > 0

    def images(self) -> frozenset[str]:
        """The model's images; where they are not known, those that observe a point."""
        known = self.model_images if len(self.model_images) else self.track_image
        return frozenset(np.unique(known).tolist())

    @classmethod
    def empty(cls) -> SparsePoints:
        """No points: a capture whose poses came without a model."""
        return cls.untracked(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.uint8))

    @classmethod
    def untracked(cls, xyz: NDArray[np.float64], rgb: NDArray[np.uint8]) -> SparsePoints:
        """Points (P, 3) in world units with colours (P, 3), without tracks or errors."""
        return cls(
            xyz=xyz,
            rgb=rgb,
            error_px=np.full(len(xyz), -1.0),
            track_point=np.zeros(0, dtype=np.int64),
            track_image=np.zeros(0, dtype=np.str_),
            track_xy=np.zeros((0, 2)),
        )

    def observers(self) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
        """(J,) images that observe points, sorted, and (T,) which one each observation is
        of.

        As `np.unique` would have it; but a model of many hundred photographs has millions
        of observations, and as a rule those of an image stand together, so that a name
        is compared with the one before it and sorted once.
        """
        begins = np.flatnonzero(self.track_image[1:] != self.track_image[:-1]) + 1
        begins = np.concatenate([[0], begins])[: len(self.track_image)].astype(np.int64)
        names, which = np.unique(self.track_image[begins], return_inverse=True)
        runs = np.diff(np.append(begins, len(self.track_image)))
        return names, np.repeat(which, runs)

    def seen_by(self, names: Collection[str], min_views: int = 2) -> SparsePoints:
        """The points that at least `min_views` of the images `names` observe."""
        wanted = np.array(sorted(names), dtype=np.str_)
        observers, which = self.observers()
        keep_obs = np.isin(observers, wanted)[which]
        counts = np.bincount(self.track_point[keep_obs], minlength=len(self))
        keep = counts >= min_views
        new_index = np.cumsum(keep) - 1
        keep_obs &= keep[self.track_point]
        return SparsePoints(
            xyz=self.xyz[keep],
            rgb=self.rgb[keep],
            error_px=self.error_px[keep],
            track_point=new_index[self.track_point[keep_obs]],
            track_image=self.track_image[keep_obs],
            track_xy=self.track_xy[keep_obs],
            model_images=self.model_images[np.isin(self.model_images, wanted)],
        )
