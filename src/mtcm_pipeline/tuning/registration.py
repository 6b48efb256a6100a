"""Doubtful views against a field of trusted ones: their poses, and whether they fit.

The Gaussians stand still meanwhile, so that the field cannot absorb a wrong pose. A pose
that matches are certain of is only looked at, which takes two renderings; the field
cannot say it better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.field.arrays import GaussianArrays
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.scene.views import PinholeView
from mtcm_pipeline.tuning.alignment import (
    AlignmentSettings,
    align,
    assessed,
    field_arrays,
)
from mtcm_pipeline.tuning.beliefs import (
    PoseBelief,
    calibration_factor,
    isotropic_belief,
)
from mtcm_pipeline.tuning.matched_poses import CERTAIN_AGREEING, MatchedPose
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.rigid import rigid_from_twist, twist_from_rigid

Float = NDArray[np.float64]

# A given pose that is doubted: a few degrees, and as far as that is at the subject.
_DOUBTED_DEG = 4.0
# Without matches, the camera is also carried about the subject by this to start from.
_CARRIED_DEG = 3.0
_TINY = 1e-12
# Brightness of a view beyond this is no exposure.
_GAINS = (0.25, 4.0)


@dataclass(frozen=True)
class Registration:
    """A view registered against the field.

    Attributes:
        cam_from_world: (4, 4).
        gain: brightness of the view relative to the field.
        source: where the start came from that ended best: `given`, `matches`,
            `predicted` or `carried`.
        misfit_ratio: misfit over the usual one of reference views.
        agreeing: share of the matches that agree with the start; NaN without matches.
        admitted: whether the view fits well enough to be trained on.
    """

    cam_from_world: Float
    gain: float
    source: str
    misfit_ratio: float
    agreeing: float
    admitted: bool


def placed(cam_from_world: Float, source: str, agreeing: float) -> Registration:
    """A view that matches have settled, without a look at any field.

    Args:
        cam_from_world: (4, 4) where it stands from now on.
        source: `given` where it stays, `matches` where it goes.
        agreeing: share of the matches that agree.
    """
    return Registration(cam_from_world, 1.0, source, float("nan"), agreeing, True)


@dataclass(frozen=True)
class Reference:
    """What trusted views tell about alignment against this field.

    Attributes:
        sureness: `beliefs.calibration_factor` of the photometric information.
        misfit: usual misfit of a trusted view where it stands.
        stranger: usual misfit of a trusted view where another one stands.
    """

    sureness: float
    misfit: float
    stranger: float

    def most_misfit(self, limit: float) -> float:
        """The largest misfit that still speaks for a view, over the usual one.

        Nearer to that of a view in its place than to that of one in another's: where a
        field hardly tells the two apart, it lets hardly anybody in.
        """
        return min(limit, 0.5 * (1.0 + self.stranger / max(self.misfit, _TINY)))


@dataclass(frozen=True)
class Start:
    """Where an alignment begins, what it is called, and what pulls it."""

    source: str
    belief: PoseBelief


def reference_of(
    field: GaussianArrays, trusted: Sequence[PinholeView], settings: AlignmentSettings
) -> Reference:
    """Align trusted views, whose poses are known, without any pull."""
    pairs = [
        (view, align(field, view, view.cam_from_world, settings)) for view in trusted
    ]
    twists = np.stack(
        [
            twist_from_rigid(view.cam_from_world @ np.linalg.inv(found.cam_from_world))
            for view, found in pairs
        ]
    )
    informations = np.stack([found.information for _, found in pairs])
    misfit = float(np.median([found.misfit for _, found in pairs]))
    strange = [
        assessed(field, view, other.cam_from_world, settings)[1]
        for view in trusted
        for other in trusted
        if other is not view
    ]
    stranger = float(np.median(strange)) if strange else float("inf")
    return Reference(calibration_factor(twists, informations), misfit, stranger)


def register_views(
    gaussians: Gaussians,
    references: Sequence[PinholeView],
    doubtful: Sequence[PinholeView],
    *,
    matched: Mapping[str, MatchedPose],
    predicted: Mapping[str, PoseBelief],
    options: TuningOptions,
) -> dict[str, Registration]:
    """Poses of doubtful views, and which of them fit.

    Args:
        gaussians: fitted to other trusted views.
        references: trusted views, best such that the field was not fitted to.
        doubtful: views to register.
        matched: poses that matches ask for, by name.
        predicted: poses predicted from the other frames, by name.
        options: levels and limits.
    """
    if not doubtful:
        return {}
    field = field_arrays(gaussians)
    finest = AlignmentSettings(options.blurs_px[-1:], options.background)
    looks = [assessed(field, v, v.cam_from_world, finest)[1] for v in references]
    usual = max(float(np.median(looks)), _TINY)
    registered = {}
    for view in doubtful:
        at = matched.get(view.name)
        if at is not None and at.agreeing >= CERTAIN_AGREEING:
            registered[view.name] = _looked_at(
                field, view, at, usual=usual, settings=finest, options=options
            )
    if rest := [view for view in doubtful if view.name not in registered]:
        reference = reference_of(field, references, finest)
        centre = _subject_depth(field, references)
        for view in rest:
            starts = _starts(view, matched, predicted, centre)
            far = starts[0].source != "matches"
            blurs = options.blurs_px if far else options.blurs_px[-1:]
            settings = replace(finest, blurs_px=blurs, sureness=reference.sureness)
            best = _best(
                field, view, starts,
                settings=settings, reference=reference, options=options,
            )  # fmt: skip
            agreeing = matched[view.name].agreeing if view.name in matched else np.nan
            registered[view.name] = replace(best, agreeing=agreeing)
    return registered


def _looked_at(
    field: GaussianArrays,
    view: PinholeView,
    matched: MatchedPose,
    *,
    usual: float,
    settings: AlignmentSettings,
    options: TuningOptions,
) -> Registration:
    """A view where matches are certain that it stands."""
    pose = matched.belief.cam_from_world
    gain, misfit = assessed(field, view, pose, settings)
    ratio = misfit / usual
    limit = options.most_misfit * options.misfit_with_matches
    return Registration(
        pose, _within(gain), "matches", ratio, matched.agreeing, ratio <= limit
    )


def _best(
    field: GaussianArrays,
    view: PinholeView,
    starts: Sequence[Start],
    *,
    settings: AlignmentSettings,
    reference: Reference,
    options: TuningOptions,
) -> Registration:
    """The start that looks best at the coarsest level, aligned to the end."""
    start = starts[0]
    pose = start.belief.cam_from_world
    if len(starts) > 1:
        coarse = replace(settings, blurs_px=settings.blurs_px[:1])
        ends = [
            align(field, view, each.belief.cam_from_world, coarse, each.belief)
            for each in starts
        ]
        best = int(np.argmin([end.misfit for end in ends]))
        start, pose = starts[best], ends[best].cam_from_world
    found = align(field, view, pose, settings, start.belief)
    ratio = found.misfit / max(reference.misfit, _TINY)
    return Registration(
        found.cam_from_world,
        _within(found.gain),
        start.source,
        ratio,
        float("nan"),
        ratio <= reference.most_misfit(options.most_misfit),
    )


def _within(gain: float) -> float:
    return float(np.clip(gain, *_GAINS))


def _starts(
    view: PinholeView,
    matched: Mapping[str, MatchedPose],
    predicted: Mapping[str, PoseBelief],
    subject_depth: float,
) -> list[Start]:
    """Matches decide where there are enough; else several places are tried."""
    if view.name in matched:
        return [Start("matches", matched[view.name].belief)]
    given = isotropic_belief(
        view.cam_from_world, _DOUBTED_DEG, float(np.radians(_DOUBTED_DEG))
    )
    starts = [Start("given", given)]
    if view.name in predicted:
        starts.append(Start("predicted", predicted[view.name]))
    for sign in (-1.0, 1.0):
        for axis in (0, 1):
            pose = carried(view.cam_from_world, axis, sign * _CARRIED_DEG, subject_depth)
            starts.append(Start("carried", replace(given, cam_from_world=pose)))
    return starts


def carried(cam_from_world: Float, axis: int, angle_deg: float, depth: float) -> Float:
    """(4, 4) the camera turned about the point at `depth` on its optical axis.

    Args:
        cam_from_world: (4, 4).
        axis: 0 tilts it (up or down), 1 pans it (left or right), of its own axes.
        angle_deg: how far.
        depth: of the point that stays where it is in the picture.
    """
    twist = np.zeros(6)
    twist[axis] = np.radians(angle_deg)
    turn = rigid_from_twist(twist)
    subject = np.array([0.0, 0.0, depth])
    turn[:3, 3] = subject - turn[:3, :3] @ subject
    return np.asarray(turn @ cam_from_world)


def _subject_depth(field: GaussianArrays, views: Sequence[PinholeView]) -> float:
    """Median depth of the Gaussians before a few views."""
    depths = []
    for view in views:
        pose = view.cam_from_world
        z = field.means @ pose[2, :3].astype(np.float32) + np.float32(pose[2, 3])
        depths.append(float(np.median(z[z > 0])) if (z > 0).any() else 1.0)
    return float(np.median(depths))
