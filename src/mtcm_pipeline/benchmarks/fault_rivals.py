"""Simple checks for faulty frames that the judge must beat; larger scores are worse.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.judge.neighbourhoods import robust_z
from mtcm_pipeline.judge.observations import Observations

Float = NDArray[np.float64]
Score = Callable[[Observations], Float]


def column(name: str) -> Score:
    """A single piece of evidence; the capture's median where it is absent."""
    return lambda seen: _filled(seen.column(name))


def worst_of(*names: str) -> Score:
    """The largest of several, each in robust standard deviations of the capture."""

    def score(seen: Observations) -> Float:
        z = [_filled(robust_z(seen.column(name), 0.1)) for name in names]
        return np.max(z, axis=0)

    return score


def isolation_forest(seen: Observations) -> Float:
    """Liu et al. 2008, on all evidence of the one capture, without any training."""
    from sklearn.ensemble import IsolationForest

    values, _ = seen.inputs()
    forest = IsolationForest(n_estimators=200, random_state=0).fit(values)
    return -np.asarray(forest.score_samples(values), dtype=np.float64)


# Laplacian variance is taken relative to pose neighbours, which makes it a stronger rival
# than the plain number.
RIVALS: Mapping[str, Score] = {
    "laplacian": column("dull_sharpness_pose"),
    "embedding distance": column("unlike_nearest"),
    "GP leave-one-out": worst_of("gp_looks", "gp_centre_time", "gp_rotation_time"),
    "epipolar median": column("excess_all"),
    "multicut": worst_of("part_small", "majority"),
    "spectral": column("spectral"),
    "COLMAP observations": column("few_observations"),
    "isolation forest": isolation_forest,
}


def boosting(seen: Sequence[Observations], faulty: Sequence[NDArray[np.bool_]]) -> Score:
    """Gradient boosting of trees on the frames' evidence, trained like the judge."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        max_iter=150,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=15,
        l2_regularization=1.0,
        random_state=0,
    )
    table = np.vstack([_table(s) for s in seen])
    ever = np.isfinite(table).any(axis=0)  # trees refuse columns without any value
    trees.fit(table[:, ever], np.concatenate(faulty))
    return lambda one: np.asarray(trees.decision_function(_table(one)[:, ever]))


def _table(seen: Observations) -> Float:
    """The judge's inputs, NaN where absent, which trees can read."""
    values, present = seen.inputs()
    return np.where(present, values, np.nan)


def _filled(values: Float) -> Float:
    known = np.isfinite(values)
    middle = float(np.median(values[known])) if known.any() else 0.0
    return np.where(known, values, middle)
