"""The kernel prior of a field: Gaussian processes, neighbours, time, and their stack.

Dimension letters: S shown frames, A asked frames, K members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtcm_pipeline.regressors.belief import shrunk_to_mean
from mtcm_pipeline.regressors.estimate import Estimate
from mtcm_pipeline.regressors.folds import Fold
from mtcm_pipeline.regressors.gaussian import Chosen, FittedProcess, choose_kernel
from mtcm_pipeline.regressors.kernels import kernel_space
from mtcm_pipeline.regressors.orbit import OnOrbit, orbit_numbers, pose_from_orbit
from mtcm_pipeline.regressors.plain import Mean, NearestFrames, TimeInterpolation
from mtcm_pipeline.regressors.problem import FieldProblem, target_parts
from mtcm_pipeline.regressors.stack import combined, stack_weights

# Members by field, in the order of `ensemble_estimates`.
_PROCESSES = ("time", "folds", "plain")
MEMBERS: dict[str, tuple[str, ...]] = {
    "embedding": (*_PROCESSES, "interpolation", "neighbours", "mean"),
    "pose": (
        *_PROCESSES,
        "interpolation",
        "neighbours",
        "orbit time",
        "orbit folds",
        "orbit plain",
        "orbit interpolation",
    ),
    "timestamp": ("time", "interpolation", "mean"),
    "mask_area": ("time", "interpolation", "mean"),
    "focal": ("time", "interpolation", "mean"),
}


@dataclass(frozen=True)
class Ensemble:
    """What the members say, and their stack.

    Attributes:
        members: K estimates.
        stack: their weighted mean, as far as it is believed.
        believed: share of it that is, for each part of the target.
    """

    members: tuple[Estimate, ...]
    stack: Estimate
    believed: tuple[float, ...]


def choose_members(problem: FieldProblem, folds: Sequence[Fold]) -> Mapping[str, Chosen]:
    """Hyperparameters of the Gaussian processes, from the shown frames alone."""
    with_time = kernel_space(problem, with_time=True)
    chosen = {"time": choose_kernel(problem, with_time, None)}
    if problem.field not in ("embedding", "pose"):
        return chosen
    plain = kernel_space(problem, with_time=False)
    only_time = set(problem.distances) == {"time"}
    chosen["plain"] = chosen["time"] if only_time else choose_kernel(problem, plain, None)
    alone = all(len(fold.out) == 1 for fold in folds)
    chosen["folds"] = (
        chosen["time"] if alone else choose_kernel(problem, with_time, folds)
    )
    return chosen


def ensemble_of(
    problem: FieldProblem, folds: Sequence[Fold], chosen: Mapping[str, Chosen]
) -> Ensemble:
    """All members of a field, and their stack by their errors in the folds."""
    members = ensemble_estimates(problem, folds, chosen)
    stack, shares = shrunk_to_mean(problem, folds, stacked_members(problem, members))
    return Ensemble(tuple(members), stack, tuple(shares))


def stacked_members(problem: FieldProblem, members: Sequence[Estimate]) -> Estimate:
    """The members' stack. Rotations are not mixed with those of the orbit.

    On an orbit of another tilt than the gauge's these are far off, and a mean of
    rotations that disagree is none of them.
    """
    names = MEMBERS[problem.field]
    weights = []
    for index, part in enumerate(target_parts(problem.field)):
        used = [k for k, n in enumerate(names) if index == 0 or "orbit" not in n]
        part_weights = np.zeros(len(names))
        part_weights[used] = stack_weights(
            np.stack([members[k].left_out[:, part] for k in used]),
            problem.learned[:, part],
        )
        weights.append(part_weights)
    return combined(problem, members, weights)


def ensemble_estimates(
    problem: FieldProblem, folds: Sequence[Fold], chosen: Mapping[str, Chosen]
) -> list[Estimate]:
    """The members' estimates in the order of `MEMBERS`."""
    done: dict[str, Estimate] = {}
    fitted: dict[int, FittedProcess] = {}
    learned, bent = problem.learned, None
    if problem.field == "pose":
        bent = orbit_numbers(learned)
    for name, hyper in chosen.items():
        if id(hyper) not in fitted:
            fitted[id(hyper)] = FittedProcess.fit(problem, hyper, robust=True)
        process = fitted[id(hyper)]
        done[name] = process.estimate(learned, folds)
        if bent is not None:
            done[f"orbit {name}"] = _unbent(process.estimate(bent, folds))
    done["interpolation"] = TimeInterpolation().estimate(problem, folds)
    names = MEMBERS[problem.field]
    if "neighbours" in names:
        done["neighbours"] = NearestFrames().estimate(problem, folds)
    if "mean" in names:
        done["mean"] = Mean().estimate(problem, folds)
    if bent is not None:
        done["orbit interpolation"] = OnOrbit(TimeInterpolation(), "").estimate(
            problem, folds
        )
    return [done[name] for name in names]


def _unbent(estimate: Estimate) -> Estimate:
    return Estimate(
        pose_from_orbit(estimate.asked),
        estimate.asked_variance,
        pose_from_orbit(estimate.left_out),
        estimate.left_out_variance,
    )
