"""What matched features say of all poses: which stand out, and where they should be.

Dimension letters: V frames.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.tuning.beliefs import PoseBelief, calibration_factor
from mtcm_pipeline.tuning.matches import (
    MatchedPose,
    Matches,
    chained_starts,
    pose_from_matches,
)
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.rigid import pose_distance

Float = NDArray[np.float64]

_MAD_TO_SIGMA = 1.4826
# A pose that fewer of its matches agree with is no better than the given one.
LEAST_AGREEING = 0.5
# One with so many, from so many partners, may itself be asked about others.
CERTAIN_AGREEING = 0.8
_WAVES = 4
# Faulty frames that are trusted hide one another; so often those that stand out are
# taken out and the rest is looked at again.
_ROUNDS = 3
# Squared Mahalanobis distance, with six degrees of freedom, that chance does not reach.
_CONTRADICTED = 40.0


@dataclass(frozen=True)
class MatchedPoses:
    """Poses that matches with trusted frames ask for.

    Attributes:
        found: by name, information calibrated; frames with too few partners are absent.
        suspicious: trusted frames whose own matches contradict them.
    """

    found: Mapping[str, MatchedPose]
    suspicious: frozenset[str]


def matched_poses(
    poses: Mapping[str, Float],
    trusted: Collection[str],
    matches: Matches,
    options: TuningOptions,
    beliefs: Mapping[str, PoseBelief],
) -> MatchedPoses:
    """Poses of all frames from their matches with trusted ones.

    Trusted frames are asked too: how far they are from where they are known to be says
    how good such a pose is, and a frame that stands out is no longer trusted. What
    depended on it is then computed again.

    Args:
        poses: cam_from_world by name.
        trusted: names.
        matches: by name.
        options: when a frame is suspicious.
        beliefs: predicted poses, further starts for frames that are not trusted.
    """
    sure = {name: poses[name] for name in trusted}
    known = {name: _asked(name, matches, sure, [poses[name]]) for name in trusted}
    suspicious: set[str] = set()
    for _ in range(_ROUNDS):
        found_out = _standing_out({name: known[name] for name in sure}, poses, options)
        if not found_out:
            break
        suspicious |= found_out
        for name in found_out:
            del sure[name]
        for name in sorted(set(sure) & _touched(matches, found_out)):
            known[name] = _asked(name, matches, sure, [poses[name]])
    factor = _calibration([known[name] for name in sure], [poses[n] for n in sure])
    found = {name: each for name in sure if (each := known[name]) is not None}
    doubtful = sorted(set(poses) - set(sure))
    for _ in range(_WAVES):
        wave = _wave(doubtful, poses, sure, matches, beliefs)
        found |= wave
        certain = {n for n, each in wave.items() if each.agreeing >= CERTAIN_AGREEING}
        if not certain:
            break
        # Frames that were found are asked about those deeper in a row of wrong ones.
        sure |= {name: wave[name].belief.cam_from_world for name in certain}
        doubtful = [name for name in doubtful if name not in certain]
    calibrated = {name: _scaled(each, factor) for name, each in found.items()}
    return MatchedPoses(calibrated, frozenset(suspicious))


def _wave(
    doubtful: Sequence[str],
    poses: Mapping[str, Float],
    sure: Mapping[str, Float],
    matches: Matches,
    beliefs: Mapping[str, PoseBelief],
) -> dict[str, MatchedPose]:
    """Doubtful frames that share enough with sure ones."""
    found = {}
    for name in doubtful:
        starts = [poses[name], *chained_starts(matches.get(name, ()), sure)]
        if name in beliefs:
            starts.append(beliefs[name].cam_from_world)
        if (pose := _asked(name, matches, sure, starts)) is not None:
            found[name] = pose
    return found


def _asked(
    name: str, matches: Matches, sure: Mapping[str, Float], starts: list[Float]
) -> MatchedPose | None:
    others = {n: pose for n, pose in sure.items() if n != name}
    return pose_from_matches(matches.get(name, ()), others, starts)


def _standing_out(
    known: Mapping[str, MatchedPose | None],
    poses: Mapping[str, Float],
    options: TuningOptions,
) -> set[str]:
    """Frames whose matches ask for a far larger correction than is usual, and surely.

    Where few partners stand close together, a large correction means little.
    """
    usable = {
        name: found
        for name, found in known.items()
        if found is not None and found.agreeing >= LEAST_AGREEING
    }
    if len(usable) < 4:
        return set()
    asked = {
        name: _correction_deg(found.belief.cam_from_world, poses[name])
        for name, found in usable.items()
    }
    factor = _calibration(list(usable.values()), [poses[name] for name in usable])
    sizes = np.array(list(asked.values()))
    middle = float(np.median(sizes))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(sizes - middle)))
    limit = max(options.suspicious_deg, middle + options.suspicious_sigmas * spread)
    return {
        name
        for name, size in asked.items()
        if size > limit
        and 2 * factor * usable[name].belief.cost(poses[name]) > _CONTRADICTED
    }


def _correction_deg(first: Float, second: Float) -> float:
    """The larger of the turn and of the shift as an angle at the subject, in degrees."""
    angle, distance = pose_distance(first, second)
    return max(angle, float(np.degrees(distance)))


def _touched(matches: Matches, gone: set[str]) -> set[str]:
    return {
        name for name, shared in matches.items() if any(s.other in gone for s in shared)
    }


def _calibration(known: Sequence[MatchedPose | None], poses: list[Float]) -> float:
    pairs = [(k, p) for k, p in zip(known, poses, strict=True) if k is not None]
    if len(pairs) < 4:
        return 1.0
    twists = np.stack([k.belief.twist_to(p) for k, p in pairs])
    return calibration_factor(twists, np.stack([k.belief.information for k, _ in pairs]))


def _scaled(found: MatchedPose, factor: float) -> MatchedPose:
    belief = PoseBelief(found.belief.cam_from_world, factor * found.belief.information)
    return replace(found, belief=belief)
