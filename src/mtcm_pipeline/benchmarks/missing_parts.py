"""What the benchmarks of missing views hide, and who proposes what to shoot next.

A sector of azimuth, the highest or the lowest ring of a capture is hidden, and each way
to propose the next poses sees the rest.

Dimension letters: N frames, H hidden, P proposals, M directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.missing.band import ViewBand, band_of, pose_towards
from mtcm_pipeline.missing.foresight import Foresight, bearing_of, relative_uncertainty
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.missing.propose import propose
from mtcm_pipeline.selection.viewing_sphere import view_vectors
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.viewpoints.sphere import (
    angles_between_deg,
    azimuth_elevation_deg,
    even_directions,
)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

KINDS = ("azimuth", "high", "low")
_SECTOR_DEG = (30.0, 90.0)
_RING_SHARE = (0.15, 0.35)
_LEAST_HIDDEN, _MOST_HIDDEN = 3, 0.6
# Elevations that rivals may propose beyond those of the cameras.
_BEYOND_DEG = 5.0
_CAP_DIRECTIONS = 2_000


@dataclass(frozen=True)
class Rest:
    """What is left of a capture, in its own gauge and in order of time.

    Attributes:
        views: (N - H, 3) unit vectors from the subject to the cameras.
        centres_xyz: (N - H, 3).
        directions: (N - H, 3) unit vectors along the optical axes.
        foresight: of a model of what is left, where one was asked for.
    """

    views: Float
    centres_xyz: Float
    directions: Float
    foresight: Foresight | None = None


# What is left, how many, generator -> (P, 3) directions to take pictures from.
Way = Callable[[Rest, int, np.random.Generator], Float]


def bearings_of(cameras: PosedCameras) -> Float:
    """(N, 3) unit vectors from the subject to the cameras, in the canonical gauge."""
    gauge = canonical_gauge(cameras)
    return view_vectors(
        gauge.points(cameras.centres_xyz), gauge.directions(cameras.viewing_directions)
    )


def hidden_part(views: Float, kind: str, rng: np.random.Generator) -> Bool:
    """(N,) which views are hidden: a sector of azimuth, or the top or bottom ring.

    Args:
        views: (N, 3) unit vectors from the subject to the cameras.
        kind: one of `KINDS`.
        rng: chooses place and size; sizes are drawn again until 3 views or more and no
            more than 60 % are hidden.
    """
    azimuth, elevation = azimuth_elevation_deg(views)
    for _ in range(1_000):
        if kind == "azimuth":
            middle = azimuth[rng.integers(len(views))]
            off = np.abs((azimuth - middle + 180.0) % 360.0 - 180.0)
            hidden = off < rng.uniform(*_SECTOR_DEG) / 2.0
        else:
            share = rng.uniform(*_RING_SHARE)
            sign = 1.0 if kind == "high" else -1.0
            hidden = sign * elevation > np.quantile(sign * elevation, 1.0 - share)
        if _LEAST_HIDDEN <= hidden.sum() <= _MOST_HIDDEN * len(views):
            break
    return np.asarray(hidden)


def split_capture(cameras: PosedCameras, hidden: Bool) -> tuple[Rest, Float]:
    """What is left, and (H, 3) the hidden views, both in the gauge of what is left."""
    left = [n for n, gone in zip(cameras.names, hidden, strict=True) if not gone]
    gauge = canonical_gauge(cameras.subset(left))
    centres = gauge.points(cameras.centres_xyz)
    directions = gauge.directions(cameras.viewing_directions)
    views = view_vectors(centres, directions)
    rest = Rest(views[~hidden], centres[~hidden], directions[~hidden])
    return rest, views[hidden]


def ours(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """The project's proposals, by geometry alone."""
    return ours_with_model(replace(rest, foresight=None), count, rng)


def ours_with_model(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """The project's proposals, with the model's part where there is one."""
    options, foresight = MissingOptions(count=count), rest.foresight
    suggested = None
    if foresight is not None and foresight.suggested_pose is not None:
        suggested = bearing_of(
            foresight.suggested_pose, rest.centres_xyz, rest.directions
        )
    band = band_of(rest.centres_xyz, rest.directions, options, suggested)
    found = propose(band, options, _uncertainty(rest, band))
    return np.array([proposal.direction for proposal in found])


def _uncertainty(rest: Rest, band: ViewBand) -> Float | None:
    foresight = rest.foresight
    if foresight is None:
        return None

    def ask(directions: Float) -> Float:
        poses = [pose_towards(d, rest.centres_xyz, rest.directions) for d in directions]
        return foresight.uncertainty(np.array(poses))

    return relative_uncertainty(band.directions, ask)


def largest_empty_caps(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """Centres of the largest caps without a view, one after the other, at the cameras'
    elevations."""
    return _empty_caps(_elevations_of(rest), rest.views, count)


def empty_caps_anywhere(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """The same on the whole sphere."""
    return _empty_caps(even_directions(_CAP_DIRECTIONS), rest.views, count)


def random_in_the_band(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """Any places at the cameras' elevations."""
    places = _elevations_of(rest)
    return places[rng.choice(len(places), count, replace=False)]


def repeat_the_last(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """Where the last picture was taken."""
    return np.repeat(rest.views[-1:], count, axis=0)


OURS, CAP, RANDOM, REPEAT = (
    "ours",
    "largest empty cap",
    "random in the band",
    "repeat the last pose",
)
WITHOUT_MODEL = "ours, geometry alone"
RIVALS: dict[str, Way] = {
    CAP: largest_empty_caps,
    "largest empty cap, whole sphere": empty_caps_anywhere,
    RANDOM: random_in_the_band,
    REPEAT: repeat_the_last,
}


def _elevations_of(rest: Rest) -> Float:
    """(M, 3) even directions at the cameras' elevations."""
    places = even_directions(_CAP_DIRECTIONS)
    _, elevation = azimuth_elevation_deg(places)
    _, taken = azimuth_elevation_deg(rest.views)
    inside = elevation >= taken.min() - _BEYOND_DEG
    return places[inside & (elevation <= taken.max() + _BEYOND_DEG)]


def _empty_caps(places: Float, views: Float, count: int) -> Float:
    apart = angles_between_deg(places, views).min(axis=1)
    found = []
    for _ in range(count):
        found.append(places[int(apart.argmax())])
        to_new = angles_between_deg(places, found[-1][None])[:, 0]
        apart = np.minimum(apart, to_new)
    return np.array(found)
