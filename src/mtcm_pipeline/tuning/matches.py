"""A frame's pose from features that it shares with other frames, whose poses are held.

The field of a small fit is too soft to see a tenth of a degree; matched features are
not. Residuals are signed Sampson distances (Hartley and Zisserman, equation 11.9).

Dimension letters: M matches of a pair, V frames.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.tuning.beliefs import PoseBelief
from mtcm_pipeline.tuning.rigid import cross_matrix, rigid_from_twist
from mtcm_pipeline.twoview.epipolar import homogeneous

Float = NDArray[np.float64]

# Residual at which a match starts to count less, px of a 400 px photograph.
_SOFT_PX = 0.5
# A residual that agrees with a pose, likewise (`TwoViewOptions.epipolar_px`).
_AGREES_PX = 1.5
# Of the matches of a pair so many are looked at: the most distinct come first.
_MOST_MATCHES = 80
_ITERATIONS = 25
_TRIES = 5
# A step shorter than this (radians, camera distances) is none.
_SETTLED = 1e-5
_DIFFERENCE = 1e-7
_TINY = 1e-18


@dataclass(frozen=True)
class Shared:
    """What one frame shares with another, seen from the one.

    Attributes:
        other: name of the other frame.
        xy: (M, 2) normalised coordinates in the one.
        xy_other: (M, 2) in the other.
        focal_px: brings normalised coordinates to px of a 400 px photograph.
        from_other: (4, 4) the one's camera from the other's by the matches alone, its
            translation of length 1.
    """

    other: str
    xy: Float
    xy_other: Float
    focal_px: float
    from_other: Float


Matches = Mapping[str, Sequence[Shared]]
"""Of each frame, by name; frames that share nothing are absent or empty."""


@dataclass(frozen=True)
class MatchedPose:
    """A pose that matches ask for.

    Attributes:
        belief: the pose and its (uncalibrated) information.
        agreeing: share of the matches that agree with it.
        partners: frames that were asked.
    """

    belief: PoseBelief
    agreeing: float
    partners: int


def pose_from_matches(
    shared: Sequence[Shared],
    poses: Mapping[str, Float],
    starts: Sequence[Float],
) -> MatchedPose | None:
    """The pose that agrees best with the matches.

    Args:
        shared: of the frame, with any others.
        poses: cam_from_world of the frames that are asked; others are passed over.
        starts: (4, 4) poses to begin from; the best end counts.

    Returns:
        None where fewer than two frames can be asked: one leaves the distance open.
    """
    asked = [each for each in shared if each.other in poses]
    if len(asked) < 2:
        return None
    pairs = _Pairs(asked, poses)
    ends = [pairs.settle(start) for start in starts]
    return pairs.described(min(ends, key=pairs.cost))


def chained_starts(shared: Sequence[Shared], poses: Mapping[str, Float]) -> list[Float]:
    """(4, 4) rough poses by way of the frames with most matches.

    The direction of a pair's baseline is known, its length is not: the median distance
    between neighbouring cameras stands in.
    """
    asked = sorted(
        (each for each in shared if each.other in poses), key=lambda each: -len(each.xy)
    )
    length = _usual_step(list(poses.values()))
    starts = []
    for each in asked[:2]:
        step = np.array(each.from_other)
        step[:3, 3] *= length
        starts.append(step @ poses[each.other])
    return starts


def matches_between(
    matches: Matches, frame: str, others: Collection[str]
) -> list[Shared]:
    """What a frame shares with some others."""
    wanted = set(others)
    return [each for each in matches.get(frame, ()) if each.other in wanted]


class _Pairs:
    """The matches of one frame, ready to be compared with any pose of it."""

    def __init__(self, shared: Sequence[Shared], poses: Mapping[str, Float]) -> None:
        counts = [len(each.xy[:_MOST_MATCHES]) for each in shared]
        ends = np.cumsum(counts).tolist()
        self._slices = [slice(e - c, e) for e, c in zip(ends, counts, strict=True)]
        self._world_from_other = np.stack(
            [invert_rigid(poses[each.other]) for each in shared]
        )
        self._rays = np.concatenate(
            [homogeneous(each.xy[:_MOST_MATCHES]) for each in shared]
        )
        self._rays_other = np.concatenate(
            [homogeneous(each.xy_other[:_MOST_MATCHES]) for each in shared]
        )
        self._focal_px = np.repeat([each.focal_px for each in shared], counts)
        self._partners = len(shared)

    def settle(self, start: Float) -> Float:
        """The pose after Levenberg-Marquardt with weights of the soft absolute value."""
        pose, damping = start, 1e-3
        for _ in range(_ITERATIONS):
            here, slopes = self.system(pose)
            weights = _soft_weights(here)[:, None]
            curvature, slope = (weights * slopes).T @ slopes, (weights * slopes).T @ here
            for _ in range(_TRIES):
                damped = curvature + damping * np.diag(np.diag(curvature))
                solved = np.linalg.solve(damped + 1e-9 * np.eye(6), slope)
                step = np.asarray(-solved, np.float64)
                moved = rigid_from_twist(step) @ pose
                if _soft_cost(self.residuals(moved)) < _soft_cost(here):
                    break
                damping *= 10
            else:
                return pose
            pose, damping = moved, max(0.1 * damping, 1e-6)
            if np.linalg.norm(step) < _SETTLED:
                break
        return pose

    def cost(self, pose: Float) -> float:
        """Of the residuals, px^2."""
        return _soft_cost(self.residuals(pose))

    def described(self, pose: Float) -> MatchedPose:
        """Its information, and how many matches agree."""
        here, slopes = self.system(pose)
        weights = _soft_weights(here)[:, None] / _SOFT_PX**2
        information = (weights * slopes).T @ slopes
        agreeing = float((np.abs(here) <= _AGREES_PX).mean())
        return MatchedPose(PoseBelief(pose, information), agreeing, self._partners)

    def system(self, pose: Float) -> tuple[Float, Float]:
        """Residuals (all M), and their slopes by the twist (all M, 6), by differences."""
        here = self.residuals(pose)
        slopes = [
            (self.residuals(rigid_from_twist(step) @ pose) - here) / _DIFFERENCE
            for step in _DIFFERENCE * np.eye(6)
        ]
        return here, np.stack(slopes, axis=1)

    def residuals(self, pose: Float) -> Float:
        """(all M) signed Sampson distances in px of a 400 px photograph."""
        relative = pose @ self._world_from_other  # (pairs, 4, 4)
        parts = []
        for b_from_a, mine in zip(relative, self._slices, strict=True):
            essential = cross_matrix(b_from_a[:3, 3]) @ b_from_a[:3, :3]
            line = self._rays_other[mine] @ essential.T
            back = self._rays[mine] @ essential[:, :2]
            slope = (line[:, :2] ** 2).sum(axis=1) + (back**2).sum(axis=1)
            product = (self._rays[mine] * line).sum(axis=1)
            parts.append(product / np.sqrt(slope + _TINY))
        return np.asarray(self._focal_px * np.concatenate(parts))


def _soft_weights(residuals: Float) -> Float:
    return np.asarray(1.0 / np.sqrt(1.0 + (residuals / _SOFT_PX) ** 2))


def _soft_cost(residuals: Float) -> float:
    """Quadratic near 0, absolute far off (Charbonnier)."""
    return float((np.sqrt(1.0 + (residuals / _SOFT_PX) ** 2) - 1.0).sum())


def _usual_step(poses: Sequence[Float]) -> float:
    """Median distance from a camera to its nearest neighbour."""
    centres = invert_rigid(np.stack(poses))[:, :3, 3]
    apart = np.linalg.norm(centres[:, None] - centres, axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1)
    return float(np.median(nearest[np.isfinite(nearest)])) if len(poses) > 1 else 1.0
