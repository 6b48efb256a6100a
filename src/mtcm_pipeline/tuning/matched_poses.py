"""What matched features say of all poses: which stand out, and where they should be.

1. Points from trusted frames; frames that are doubted find their places by them, and
   help those deeper in a row of wrong ones.
2. All poses and points adjusted together; centres of trusted frames are anchored where
   they were given, so loosely that a wrong one leaves. Trusted frames that then stand
   out are doubted as well: from all others, or from their neighbours (`local_gauge`).
3. The doubted ones adjusted once more, the sound ones held where they were given. Those
   that then stand where they were given are confirmed: nothing is wrong with the pose.

Dimension letters: V frames, O observations, P points.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.tuning.beliefs import PoseBelief, calibration_factor
from mtcm_pipeline.tuning.bundle import (
    LEAST_POINTS,
    Anchors,
    bundle_adjusted,
    resected,
)
from mtcm_pipeline.tuning.local_gauge import (
    disagreements_deg,
    in_the_gauge_of_neighbours,
)
from mtcm_pipeline.tuning.matches import Tracks, longest
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.rigid import corrections_deg, twist_from_rigid
from mtcm_pipeline.tuning.ties import tied
from mtcm_pipeline.tuning.triangulation import (
    Structure,
    pose_informations,
    triangulated,
    well_seen,
)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_MAD_TO_SIGMA = 1.4826
# A pose that fewer of its observations agree with is no better than the given one.
LEAST_AGREEING = 0.5
# One with so many may be asked about others, and needs no picture to be believed.
CERTAIN_AGREEING = 0.8
_WAVES = 4
# Errors in px of a 400 px photograph: features are localised to half a pixel; before
# the adjustment wrong poses are among those that made the points.
_SOFT_PX, _AGREES_PX, _FIRST_PX = 1.0, 1.5, 8.0
# Points a frame: to see who stands out, and for a pose that is kept.
_POINTS_TO_COMPARE, _POINTS_TO_PLACE = 100, 1000
_STEPS_TO_COMPARE, _STEPS_TO_PLACE = 15, 30
# Held by nothing, a row of cameras bends by degrees before its errors in px say so; held
# by a sixth of a degree at the subject it stays, and one that is off by a degree leaves.
_ANCHOR_SIGMA = 0.003
# What chance does not reach: a squared Mahalanobis distance with six degrees of freedom,
# and a correction in units of what is usual for a frame that is as sure as this one in
# its weakest direction. The one is set by the directions in which a pose is best known,
# the other by those in which it is free to move; wrong poses go beyond either.
_CONTRADICTED_CHI2 = 30.0
_CONTRADICTED_RATIO = 3.0
# A frame stands out from its neighbours where the nearest in agreement is off by so much
# of its correction; a stretch of frames that moves together is bent, not wrong.
_ALONE = 0.7
# A doubted frame is confirmed where its neighbours' gauge corrects it by no more than
# this, or than is usual for trusted frames: these are anchored, it is not.
_CONFIRMED_DEG = 0.25
_LEAST_SURE = 4
_TINY = 1e-9


@dataclass(frozen=True)
class MatchedPose:
    """A pose that matches ask for.

    Attributes:
        belief: the pose and its information.
        agreeing: share of the frame's observations that agree with it.
    """

    belief: PoseBelief
    agreeing: float


@dataclass(frozen=True)
class MatchedPoses:
    """Poses that matches ask for.

    Attributes:
        found: by name, of the frames that are not sound.
        suspicious: trusted frames whose own matches contradict them.
        confirmed: doubted frames whose own matches agree with the given pose.
        uncontradicted: trusted frames that matches could have contradicted, and did not.
    """

    found: Mapping[str, MatchedPose] = field(default_factory=dict)
    suspicious: frozenset[str] = frozenset()
    confirmed: frozenset[str] = frozenset()
    uncontradicted: frozenset[str] = frozenset()


def matched_poses(
    poses: Mapping[str, Float],
    trusted: Collection[str],
    tracks: Tracks | None,
    options: TuningOptions,
) -> MatchedPoses:
    """Poses of the frames that are doubted, by the matches of all.

    Args:
        poses: cam_from_world by name; distances in median camera distances.
        trusted: names.
        tracks: features that frames share, in the order of `poses`.
        options: when a trusted frame is suspicious.

    Returns:
        Nothing where matches say too little: fewer than four trusted frames share any.
    """
    names = tuple(poses)
    sure = np.array([name in trusted for name in names])
    if tracks is None or (sure & _in(tracks)).sum() < _LEAST_SURE:
        return MatchedPoses()
    given = np.stack([poses[name] for name in names])
    start, known = _placed_by(tracks, given, sure)
    together = _adjusted_together(tracks, start, given, known, sure)
    if together is None:
        return MatchedPoses()
    free, information = together
    out = _suspected(free, given, information, sure & _in(tracks), options)
    # A group that no sound frame holds has drifted; its trusted frames stay trusted.
    inside = sure & ~out & _in(tracks)
    out &= tied(tracks, inside, known & ~inside & _in(tracks), LEAST_POINTS)
    sound = sure & ~out
    near = in_the_gauge_of_neighbours(free, given, sound & _in(tracks))
    looking = known & ~sound & _in(tracks)
    looking &= tied(tracks, sound & _in(tracks), looking, LEAST_POINTS)
    placed, own, agreeing = _adjusted_to(tracks, free, given, sound, looking)
    factor = _calibration(near, given, information, sound & _in(tracks))
    found = {
        names[row]: MatchedPose(
            PoseBelief(placed[row], factor * own[row]), float(agreeing[row])
        )
        for row in np.flatnonzero(looking).tolist()
        if agreeing[row] >= LEAST_AGREEING
    }
    stays = _confirmed(near, given, sound & _in(tracks), options)
    stays &= looking & ~out & (agreeing >= CERTAIN_AGREEING)
    return MatchedPoses(
        found,
        frozenset(names[row] for row in np.flatnonzero(out)),
        frozenset(names[row] for row in np.flatnonzero(stays)),
        frozenset(names[row] for row in np.flatnonzero(inside)),
    )


def _in(tracks: Tracks) -> Bool:
    """(V,) frames that see enough points."""
    return tracks.points_seen(np.ones(len(tracks), bool)) >= LEAST_POINTS


def _placed_by(tracks: Tracks, given: Float, sure: Bool) -> tuple[Float, Bool]:
    """(V, 4, 4) poses to start from, and (V,) frames that have one."""
    poses, known = given.copy(), sure.copy()
    for _ in range(_WAVES):
        if known.all():
            break
        counts = known[tracks.frame]
        structure = triangulated(tracks, poses, counts, 2 * _SOFT_PX)
        good = well_seen(tracks, poses, structure, counts, _FIRST_PX / 2)
        found = {
            row: at[0]
            for row in np.flatnonzero(~known).tolist()
            if (at := resected(row, tracks, structure.xyz, good)) is not None
            and at[1] >= LEAST_AGREEING
        }
        if not found:
            break
        for row, pose in found.items():
            poses[row], known[row] = pose, True
    return poses, known


def _adjusted_together(
    tracks: Tracks, start: Float, given: Float, known: Bool, sure: Bool
) -> tuple[Float, Float] | None:
    """(V, 4, 4) poses of an adjustment that holds none exactly, and their information.

    Frames that it does not see stay where they were.
    """
    kept, structure = _worth(
        tracks, start, known, of=known, count=_POINTS_TO_COMPARE, soft_px=2 * _SOFT_PX
    )
    inside = _in(kept) if kept is not None else np.zeros(len(given), bool)
    if kept is None or (sure & inside).sum() < _LEAST_SURE:
        return None
    nobody = np.zeros(len(given), bool)
    anchors = Anchors(given, sure & inside, _ANCHOR_SIGMA)
    adjusted, xyz = bundle_adjusted(
        kept, start, structure.xyz, nobody,
        soft_px=_SOFT_PX, iterations=_STEPS_TO_COMPARE, anchors=anchors,
    )  # fmt: skip
    information = pose_informations(kept, adjusted, xyz, _SOFT_PX)
    return np.where(inside[:, None, None], adjusted, start), information


def _adjusted_to(
    tracks: Tracks, start: Float, given: Float, sound: Bool, looking: Bool
) -> tuple[Float, Float, Float]:
    """Poses of the frames that look for theirs, the sound ones held.

    Returns:
        (V, 4, 4) poses, (V, 6, 6) information, (V,) share of observations that agree.
    """
    poses = np.where(sound[:, None, None], given, start)
    v = len(given)
    nothing = poses, np.zeros((v, 6, 6)), np.zeros(v)
    if not looking.any():
        return nothing
    theirs = tracks.frames_seeing(looking[tracks.frame]) > 0
    near = tracks.of((sound | looking)[tracks.frame], theirs)
    everyone = np.ones(v, bool)
    kept, structure = _worth(
        near, poses, everyone, of=looking, count=_POINTS_TO_PLACE, soft_px=_SOFT_PX
    )
    if kept is None:
        return nothing
    found, xyz = bundle_adjusted(
        kept, poses, structure.xyz, sound, soft_px=_SOFT_PX, iterations=_STEPS_TO_PLACE
    )
    information = pose_informations(kept, found, xyz, _SOFT_PX)
    return found, information, _agreeing(near, found, looking)


def _worth(
    tracks: Tracks, poses: Float, known: Bool, *, of: Bool, count: int, soft_px: float
) -> tuple[Tracks | None, Structure]:
    """The points that most frames see, so many of each frame of `of`."""
    counts = known[tracks.frame]
    structure = triangulated(tracks, poses, counts, soft_px)
    good = well_seen(tracks, poses, structure, counts, _FIRST_PX)
    good &= longest(tracks, counts & of[tracks.frame] & good[tracks.point], count)
    kept = tracks.of(counts, good)
    chosen = Structure(structure.xyz[good], structure.error_px[:0])
    return (kept if len(kept) else None), chosen


def _agreeing(tracks: Tracks, poses: Float, looking: Bool) -> Float:
    """(V,) share of each frame's observations that fit points of the other frames."""
    counts = np.ones(len(tracks), bool)
    structure = triangulated(tracks, poses, counts, _SOFT_PX)
    fits = structure.error_px < _AGREES_PX
    seen = tracks.points_seen(counts)
    return np.where(looking, tracks.points_seen(fits) / np.maximum(seen, 1), 0.0)


def _suspected(
    free: Float, given: Float, information: Float, sure: Bool, options: TuningOptions
) -> Bool:
    """(V,) trusted frames that stand out from all others, or from their neighbours."""
    out = _standing_out(free, given, information, sure, options)
    near = in_the_gauge_of_neighbours(free, given, sure)
    least = _ALONE * corrections_deg(near, given)
    nearest = disagreements_deg(free, given, sure).min(axis=1)
    alone = nearest > np.maximum(options.suspicious_deg, least)
    return out | (alone & _standing_out(near, given, information, sure & ~out, options))


def _confirmed(near: Float, given: Float, usual: Bool, options: TuningOptions) -> Bool:
    """(V,) frames whose neighbours would hardly have them elsewhere.

    Never by as much as makes a trusted frame suspicious.
    """
    sizes = corrections_deg(near, given)
    middle = float(np.median(sizes[usual]))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(sizes[usual] - middle)))
    limit = max(_CONFIRMED_DEG, middle + options.suspicious_sigmas * spread)
    return np.asarray(sizes <= min(limit, options.suspicious_deg))


def _standing_out(
    free: Float, given: Float, information: Float, sure: Bool, options: TuningOptions
) -> Bool:
    """(V,) trusted frames that ask for a far larger correction than is usual, surely.

    Where few points are seen, or all from nearly one place, a large correction means
    little. Those found are left out of what is usual, and the rest is looked at again.
    """
    sizes = corrections_deg(free, given)
    usual, out = sure.copy(), np.zeros_like(sure)
    for _ in range(_WAVES):
        middle = float(np.median(sizes[usual]))
        spread = _MAD_TO_SIGMA * float(np.median(np.abs(sizes[usual] - middle)))
        limit = max(options.suspicious_deg, middle + options.suspicious_sigmas * spread)
        surely = _contradicted(free, given, information, usual, sizes)
        found = usual & (sizes > limit) & surely
        if not found.any():
            break
        out |= found
        usual &= ~found
    return out


def _contradicted(
    free: Float, given: Float, information: Float, usual: Bool, sizes: Float
) -> Bool:
    """(V,) corrections beyond what the frames' own uncertainty lets expect."""
    factor = _calibration(free, given, information, usual)
    twists = twist_from_rigid(given @ np.linalg.inv(free))
    chi2 = factor * np.einsum("vi,vij,vj->v", twists, information, twists)
    covariance = np.linalg.inv(information + _TINY * np.eye(6))
    weakest = np.sqrt(np.linalg.eigvalsh(covariance[:, :3, :3])[:, -1])
    ratio = sizes / weakest
    return np.asarray(
        (chi2 > _CONTRADICTED_CHI2)
        | (ratio > _CONTRADICTED_RATIO * max(float(np.median(ratio[usual])), _TINY))
    )


def _calibration(free: Float, given: Float, information: Float, sound: Bool) -> float:
    """How far sound frames end from where they are says how sure the others are."""
    rows = np.flatnonzero(sound)
    if not len(rows):
        return 1.0
    twists = twist_from_rigid(given[rows] @ np.linalg.inv(free[rows]))
    return calibration_factor(twists, information[rows])
