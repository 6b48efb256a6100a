"""Whether two photographs truly show the same thing, whatever the given poses say.

Dimension letters: M matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.matching import (
    Float32,
    Room,
    most_distinct,
    mutual_matches,
    unit_descriptors,
)
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pair_store import PairBooks, PairGeometry
from mtcm_pipeline.twoview.rays import FrameRays
from mtcm_pipeline.twoview.workers import Workers

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Rows = tuple[int, int]

_PAIRS_PER_JOB = 16
_LEAST_MATCHES = 8
_FEWEST_TRIALS = 30
_CONFIDENCE = 0.999


@dataclass(frozen=True)
class VerifiedPair:
    """Matches of two photographs, and the geometry that they have among themselves.

    Attributes:
        xy_a: (M, 2) normalised coordinates of the matches in the first photograph.
        xy_b: (M, 2) in the second.
        inliers: (M,) which of them fit one common essential matrix.
        b_from_a: (4, 4) relative pose from that matrix, translation of unit length;
            None where there is none.
        reference_focal_px: mean focal length of both at 400 px.
        connected: whether the inliers are too many to be chance.
    """

    xy_a: Float
    xy_b: Float
    inliers: Bool
    b_from_a: Float | None
    reference_focal_px: float
    connected: bool

    def __post_init__(self) -> None:
        m = len(self.inliers)
        if self.xy_a.shape != (m, 2) or self.xy_b.shape != (m, 2):
            raise CaptureError(
                f"pair: places {self.xy_a.shape} and {self.xy_b.shape} for {m} matches"
            )


def verify_pair(a: FrameRays, b: FrameRays, options: TwoViewOptions) -> VerifiedPair:
    """Match two photographs and fit an essential matrix by RANSAC.

    Args:
        a: features of the first photograph.
        b: features of the second.
        options: parameters.
    """
    units_a, units_b = (unit_descriptors(frame.features.descriptors) for frame in (a, b))
    geometry = pair_geometry((a, units_a), (b, units_b), options, Room())
    return verified_pair(a, b, geometry, options)


_Unit = tuple[FrameRays, Float32]


def pair_geometry(
    a: _Unit, b: _Unit, options: TwoViewOptions, room: Room
) -> PairGeometry:
    """Which features match, and the geometry that most of them fit.

    Args:
        a: the first photograph, and its `unit_descriptors`.
        b: the second.
        options: parameters.
        room: memory to use again.
    """
    (rays_a, units_a), (rays_b, units_b) = a, b
    rows, distinctness = mutual_matches(units_a, units_b, options.ratio, room)
    rows = most_distinct(rays_a.features, rays_b.features, rows, distinctness)
    rows = rows[: options.max_matches]
    inliers, b_from_a = fit_relative_pose(
        rays_a.xy[rows[:, 0]],
        rays_b.xy[rows[:, 1]],
        options.epipolar_px / _focal_px(rays_a, rays_b),
        options,
    )
    return PairGeometry(rows, inliers, b_from_a)


def verified_pair(
    a: FrameRays, b: FrameRays, geometry: PairGeometry, options: TwoViewOptions
) -> VerifiedPair:
    """The pair with its places, and whether it is connected."""
    rows, inliers, b_from_a = geometry.rows, geometry.inliers, geometry.b_from_a
    enough = max(options.min_inliers, options.min_inlier_share * len(rows))
    connected = b_from_a is not None and int(inliers.sum()) >= enough
    xy_a, xy_b = a.xy[rows[:, 0]], b.xy[rows[:, 1]]
    return VerifiedPair(xy_a, xy_b, inliers, b_from_a, _focal_px(a, b), connected)


def _focal_px(a: FrameRays, b: FrameRays) -> float:
    return (a.reference_focal_px + b.reference_focal_px) / 2


def fit_relative_pose(
    xy_a: Float, xy_b: Float, threshold: float, options: TwoViewOptions
) -> tuple[Bool, Float | None]:
    """The essential matrix that most matches fit, by COLMAP's LO-RANSAC.

    Args:
        xy_a: (M, 2) normalised coordinates.
        xy_b: (M, 2).
        threshold: largest epipolar error of an inlier, unit of the coordinates.
        options: trials and seed.

    Returns:
        (M,) inliers, and (4, 4) `b_from_a` with a translation of unit length; no inlier
        and None where nothing was found.
    """
    import pycolmap

    nothing = np.zeros(len(xy_a), dtype=bool)
    if len(xy_a) < _LEAST_MATCHES:
        return nothing, None
    camera = pycolmap.Camera.create_from_model_name(1, "SIMPLE_PINHOLE", 1.0, 2, 2)
    camera.params = [1.0, 0.0, 0.0]  # coordinates are normalised already
    ransac = pycolmap.RANSACOptions(
        max_error=threshold,
        min_inlier_ratio=options.min_inlier_share or 0.1,
        confidence=_CONFIDENCE,
        min_num_trials=_FEWEST_TRIALS,
        max_num_trials=options.max_trials,
        random_seed=options.seed,
    )
    found = pycolmap.estimate_essential_matrix(xy_a, xy_b, camera, camera, ransac)
    if found is None:
        return nothing, None
    b_from_a = np.eye(4)
    b_from_a[:3] = found["cam2_from_cam1"].matrix()
    return np.asarray(found["inlier_mask"], dtype=bool), b_from_a


def verify_pairs(
    pairs: Sequence[Rows],
    rays: Mapping[int, FrameRays],
    options: TwoViewOptions,
    *,
    store: ContentStore | None = None,
    workers: Workers | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> dict[Rows, VerifiedPair]:
    """Every pair of rows verified; pairs of a frame without features are left out.

    Poses do not enter, so that the result serves any poses of the same photographs.

    Args:
        pairs: rows of the two frames.
        rays: features by row.
        options: parameters.
        store: keeps the results between runs, by content; None keeps nothing.
        workers: processes to use; of the call's own when None.
        on_progress: called with the step, how many pairs are done, and of how many.
    """
    possible = sorted(pair for pair in pairs if pair[0] in rays and pair[1] in rays)
    books = PairBooks(store, rays, options)
    found: dict[Rows, VerifiedPair] = {}

    def enter(results: Mapping[Rows, PairGeometry]) -> None:
        for (i, j), geometry in results.items():
            found[i, j] = verified_pair(rays[i], rays[j], geometry, options)
        if on_progress is not None:
            on_progress("matching pairs", len(found), len(possible))

    for pair in possible:
        if (known := books.known(pair)) is not None:
            enter({pair: known})
    unknown = [pair for pair in possible if pair not in found]
    count = options.workers if len(unknown) > _PAIRS_PER_JOB else 0
    with nullcontext(workers) if workers and count else Workers(count) as processes:
        for results in processes.run(_verify_some, _jobs(unknown, rays, options)):
            books.add(results)
            enter(results)
    books.close()
    return found


_Job = tuple[list[Rows], dict[int, FrameRays], TwoViewOptions]


def _jobs(
    pairs: list[Rows], rays: Mapping[int, FrameRays], options: TwoViewOptions
) -> Iterator[_Job]:
    """Pairs in groups, so that the features of shared frames travel once."""
    for start in range(0, len(pairs), _PAIRS_PER_JOB):
        group = pairs[start : start + _PAIRS_PER_JOB]
        yield group, {row: rays[row] for pair in group for row in pair}, options


def _verify_some(job: _Job) -> dict[Rows, PairGeometry]:
    pairs, rays, options = job
    room = Room()
    units = {
        row: (frame, unit_descriptors(frame.features.descriptors))
        for row, frame in rays.items()
    }
    return {(i, j): pair_geometry(units[i], units[j], options, room) for i, j in pairs}
