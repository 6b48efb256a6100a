"""Two sets of poses of the same images, compared after a similarity transform.

Dimension letters: N frames that both have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.rotations import rotation_angle_deg
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tokens.gauge import axes_intersection

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_TRIALS = 500
_SAMPLE = 3
# Share of the median camera distance within which a centre counts for the alignment.
_INLIER = 0.05
_REFITS = 10
# Ratio of singular values under which centres lie on one line.
_ON_A_LINE = 1e-3


@dataclass(frozen=True)
class PoseComparison:
    """How far estimated poses are from given ones.

    Attributes:
        names: the N frames compared.
        rotation_deg: (N,) angle between the two orientations after alignment.
        centre_error: (N,) distance of the two centres, in median camera distances (from
            the point that the reference's cameras look at).
        inliers: (N,) whether a frame took part in the alignment.
        alignment: from the estimate's world to the reference's.
    """

    names: tuple[str, ...]
    rotation_deg: Float
    centre_error: Float
    inliers: Bool
    alignment: Similarity

    @property
    def median_rotation_deg(self) -> float:
        return float(np.median(self.rotation_deg))

    @property
    def median_centre_error(self) -> float:
        return float(np.median(self.centre_error))

    def share_within(self, rotation_deg: float, centre_error: float) -> float:
        """Share of the frames whose two errors are both at most these."""
        good = (self.rotation_deg <= rotation_deg) & (self.centre_error <= centre_error)
        return float(good.mean())


def align_and_compare(
    estimated: PosedCameras, reference: PosedCameras, *, seed: int = 0
) -> PoseComparison:
    """Bring the estimate into the reference's world by its centres, then compare.

    The similarity is fitted to the centres alone, robustly, so that the rotations stay
    an independent check; only where all centres lie on one line, which leaves a turn
    about it open, the orientations decide that turn.

    Args:
        estimated: for example from structure from motion.
        reference: the given poses; frames that only one side has are passed over.
        seed: of the samples that the robust fit draws.

    Raises:
        CaptureError: fewer than three common frames, or all in one place.
    """
    names = tuple(name for name in estimated.names if name in reference)
    if len(names) < _SAMPLE:
        raise CaptureError(
            f"{estimated.source} and {reference.source} share {len(names)} frames; "
            f"{_SAMPLE} are needed to align them"
        )
    ours, theirs = estimated.subset(names), reference.subset(names)
    distance = _median_distance(theirs)
    if distance == 0.0 or np.ptp(ours.centres_xyz, axis=0).max() == 0.0:
        raise CaptureError("all cameras are in one place: nothing to align by")
    alignment, inliers = _robust_similarity(ours, theirs, _INLIER * distance, seed)
    moved = alignment.world_from_cam(ours.world_from_cam)
    offsets = np.linalg.norm(moved[:, :3, 3] - theirs.centres_xyz, axis=1)
    angles = rotation_angle_deg(moved[:, :3, :3], theirs.world_from_cam[:, :3, :3])
    return PoseComparison(names, angles, offsets / distance, inliers, alignment)


def fit_similarity(source: Float, target: Float) -> Similarity | None:
    """The similarity with the least squared distances from source to target.

    S. Umeyama, Least-squares estimation of transformation parameters between two point
    patterns, PAMI 1991, eq. 40-42.

    Args:
        source: (N, 3) points, N >= 3.
        target: (N, 3) where they should come to lie.

    Returns:
        None where the points are in one place or on one line.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    left, values, right = np.linalg.svd(b.T @ a)
    if values[0] <= 0.0 or values[1] <= _ON_A_LINE**2 * values[0]:
        return None
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ np.diag(sign) @ right
    scale = float((values * sign).sum() / (a**2).sum())
    return _through(scale, rotation, source_mean, target_mean)


def _through(
    scale: float, rotation: Float, source: Float, target: Float
) -> Similarity | None:
    """The similarity with that scale and rotation that takes `source` to `target`."""
    if not np.isfinite(scale) or scale <= 0.0:
        return None
    return Similarity(scale, rotation, source - rotation.T @ target / scale)


def _robust_similarity(
    ours: PosedCameras, theirs: PosedCameras, tolerance: float, seed: int
) -> tuple[Similarity, Bool]:
    """RANSAC over three frames at a time (Fischler and Bolles 1981), then refits."""
    source, target = ours.centres_xyz, theirs.centres_xyz
    if _on_a_line(source) or _on_a_line(target):
        found = _by_orientations(ours, theirs)
        return found, np.linalg.norm(found.points(source) - target, axis=1) <= tolerance
    rng = np.random.default_rng(seed)
    best, best_cost = fit_similarity(source, target), np.inf
    for _ in range(_TRIALS):
        sample = rng.choice(len(source), _SAMPLE, replace=False)
        candidate = fit_similarity(source[sample], target[sample])
        if candidate is None:
            continue
        cost = _truncated_cost(candidate, source, target, tolerance)
        if cost < best_cost:
            best, best_cost = candidate, cost
    if best is None:
        raise CaptureError("the camera centres cannot be aligned: they are degenerate")
    return _refitted(best, source, target, tolerance)


def _refitted(
    best: Similarity, source: Float, target: Float, tolerance: float
) -> tuple[Similarity, Bool]:
    """Fit to all that agree, until the same ones agree."""
    inliers = np.linalg.norm(best.points(source) - target, axis=1) <= tolerance
    for _ in range(_REFITS):
        if inliers.sum() < _SAMPLE:
            break
        again = fit_similarity(source[inliers], target[inliers])
        if again is None:
            break
        best = again
        agreeing = np.linalg.norm(best.points(source) - target, axis=1) <= tolerance
        if (agreeing == inliers).all():
            break
        inliers = agreeing
    return best, inliers


def _truncated_cost(
    candidate: Similarity, source: Float, target: Float, tolerance: float
) -> float:
    """Sum of squared distances, each at most the tolerance's (MSAC)."""
    squared = ((candidate.points(source) - target) ** 2).sum(axis=1)
    return float(np.minimum(squared, tolerance**2).sum())


def _by_orientations(ours: PosedCameras, theirs: PosedCameras) -> Similarity:
    """Rotation as the cameras' orientations say, scale by the spread along the line."""
    a, b = ours.world_from_cam, theirs.world_from_cam
    relative = b[:, :3, :3] @ np.swapaxes(a[:, :3, :3], 1, 2)  # (N, 3, 3)
    left, _, right = np.linalg.svd(np.median(relative, axis=0))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ np.diag(sign) @ right
    source, target = a[:, :3, 3], b[:, :3, 3]
    source_mid, target_mid = np.median(source, axis=0), np.median(target, axis=0)
    spreads = [
        float(np.median(np.linalg.norm(x - m, axis=1)))
        for x, m in ((source, source_mid), (target, target_mid))
    ]
    found = _through(spreads[1] / spreads[0], rotation, source_mid, target_mid)
    if found is None:
        raise CaptureError("the camera centres cannot be aligned: they are degenerate")
    return found


def _on_a_line(centres: Float) -> bool:
    values = np.linalg.svd(centres - centres.mean(axis=0), compute_uv=False)
    return bool(values[1] <= _ON_A_LINE * values[0])


def _median_distance(cameras: PosedCameras) -> float:
    centres = cameras.centres_xyz
    origin = axes_intersection(centres, cameras.viewing_directions)
    return float(np.median(np.linalg.norm(centres - origin, axis=1)))
