"""Where the cameras of this capture plausibly stand.

Not every uncovered direction can be photographed: there are floors, walls and arms too
short for the top. What is known is where cameras stood, so a place is the more plausible
the nearer it is to one of them, or if cameras at its height stand to its left and to its
right; moving around the subject is easier than above it.

Dimension letters: N cameras, M directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.selection.viewing_sphere import faces_the_subject, view_vectors
from mtcm_pipeline.viewpoints.sphere import (
    angles_between_deg,
    azimuth_elevation_deg,
    even_directions,
)

Float = NDArray[np.float64]

# 2,000 directions are 5 degrees apart: nearer than a photographer stands by instruction.
DIRECTIONS = 2_000
# Cameras at this angle say half as much about distance and aim as one on the spot.
_LOCAL_DEG = 15.0
# Plausibility under which a place is not part of the band at all: 3 reaches away.
_LEAST_PLAUSIBLE = 0.01


@dataclass(frozen=True)
class Standing:
    """How near cameras stand to each of some directions, 1 on the spot, 0 far away.

    Attributes:
        near: (M,) the nearest camera, by the reaches sideways and upwards.
        left: (M,) the nearest one to the left, by the wider reach of a gap.
        right: (M,) to the right.
    """

    near: Float
    left: Float
    right: Float

    @property
    def plausibility(self) -> Float:
        """(M,) how plausible it is to stand there, 1 where a camera stood.

        The larger of two: being near to a camera, and being between cameras, the
        geometric mean of how near those to the left and to the right are.
        """
        return np.asarray(np.maximum(self.near, np.sqrt(self.left * self.right)))

    def joined(self, other: Standing) -> Standing:
        """The same for the cameras of both."""
        return Standing(
            np.maximum(self.near, other.near),
            np.maximum(self.left, other.left),
            np.maximum(self.right, other.right),
        )


@dataclass(frozen=True)
class ViewBand:
    """Directions from the subject in which a camera might stand; +z is up.

    Attributes:
        directions: (M, 3) unit vectors from the subject to the place.
        standing: (M,) how near the cameras are, for which a pose that a model suggests
            counts as one.
        views: (N, 3) unit vectors to the cameras that there are.
    """

    directions: Float
    standing: Standing
    views: Float

    @property
    def plausibility(self) -> Float:
        """(M,) in 0..1, 1 where a camera stood."""
        return self.standing.plausibility


def band_of(
    centres_xyz: Float,
    viewing_directions: Float,
    options: MissingOptions,
    suggested: Float | None = None,
) -> ViewBand:
    """The band of a capture.

    Args:
        centres_xyz: (N, 3) centres of the cameras that count, in a gauge whose +z is up.
        viewing_directions: (N, 3) unit vectors along their optical axes.
        options: the reaches.
        suggested: (3,) unit vector to a place where the capture plausibly goes on: it
            is as plausible to stand there as at a camera.

    Raises:
        CaptureError: there is no camera.
    """
    if not len(centres_xyz):
        raise CaptureError("no frame with a pose is left, so no view can be proposed")
    views = view_vectors(centres_xyz, viewing_directions)
    stood = views if suggested is None else np.vstack([views, suggested])
    directions = even_directions(DIRECTIONS)
    standing = standing_of(directions, stood, options)
    inside = standing.plausibility >= _LEAST_PLAUSIBLE
    kept = (part[inside] for part in (standing.near, standing.left, standing.right))
    return ViewBand(directions[inside], Standing(*kept), views)


def standing_of(directions: Float, views: Float, options: MissingOptions) -> Standing:
    """How near (N, 3) views are to (M, 3) directions: exp(-d²/2), d in reaches.

    The way sideways is measured along the circle of latitude, not as a difference of
    azimuths, which near the poles says nothing.
    """
    azimuth, elevation = azimuth_elevation_deg(directions)
    its_azimuth, its_elevation = azimuth_elevation_deg(views)
    turn = (azimuth[:, None] - its_azimuth + 180.0) % 360.0 - 180.0  # (M, N)
    lower = np.minimum(np.abs(elevation)[:, None], np.abs(its_elevation))
    sideways = turn * np.cos(np.radians(lower))
    upwards = (elevation[:, None] - its_elevation) / options.elevation_reach_deg
    near = _closeness(sideways / options.azimuth_reach_deg, upwards)
    beside = _closeness(sideways / options.gap_reach_deg, upwards)
    return Standing(
        near.max(axis=1),
        np.where(turn >= 0, beside, 0.0).max(axis=1),
        np.where(turn <= 0, beside, 0.0).max(axis=1),
    )


def _closeness(sideways: Float, upwards: Float) -> Float:
    return np.asarray(np.exp(-0.5 * (sideways**2 + upwards**2)))


def pose_towards(
    direction: Float, centres_xyz: Float, viewing_directions: Float
) -> Float:
    """(4, 4) `world_from_cam` of a camera that stands in a direction, upright.

    Its distance and what it aims at are those of the cameras near the direction; where
    the capture looks outwards, as in a room, it stands where they stand.

    Args:
        direction: (3,) unit vector from the subject, in a gauge whose +z is up.
        centres_xyz: (N, 3) of the capture's cameras.
        viewing_directions: (N, 3) unit vectors.
    """
    views = view_vectors(centres_xyz, viewing_directions)
    apart = angles_between_deg(direction[None], views)[0]
    weight = np.exp(-((apart - apart.min()) / _LOCAL_DEG))
    weight /= weight.sum()
    if not faces_the_subject(centres_xyz, viewing_directions):
        return _looking(weight @ centres_xyz, -direction)
    distances = np.linalg.norm(centres_xyz, axis=1)
    centre = direction * float(weight @ distances)
    # The point of each optical axis that is nearest to the subject.
    along = -(centres_xyz * viewing_directions).sum(axis=1, keepdims=True)
    aims = centres_xyz + along * viewing_directions
    return _looking(centre, weight @ aims - centre)


def _looking(centre: Float, forward: Float) -> Float:
    """(4, 4) upright camera at a place, OpenCV axes (right, down, forward)."""
    forward = forward / np.linalg.norm(forward)
    up = np.array([0.0, 0.0, 1.0])
    if abs(forward[2]) > 1.0 - 1e-6:  # straight up or down: any roll is upright
        up = np.array([1.0, 0.0, 0.0])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = centre
    return pose
