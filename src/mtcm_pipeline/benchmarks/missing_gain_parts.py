"""Who is trained on, looked at and added where a part of a capture is hidden.

Dimension letters: P proposals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.benchmarks.missing_parts import Float, split_capture
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.missing.propose import served
from mtcm_pipeline.selection.from_cameras import problem_from_cameras
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.registry import select
from mtcm_pipeline.viewpoints.sphere import angles_between_deg

Bool = NDArray[np.bool_]

# So many views cover the rest well, and the hole is what the field lacks.
_TRAINED_ON = 20
_REST_TESTS = 5
HIDDEN, ANY = "hidden", "any"
POOLS = (HIDDEN, ANY)


@dataclass(frozen=True)
class Part:
    """A capture with one part hidden, and who may be trained on or looked at.

    Attributes:
        hole_tests: hidden views that are looked at; half of the hidden ones.
        rest_tests: other views that are looked at.
        trained: views that the field is fitted to.
        pools: names that may be added, by pool.
        bearings: (3,) unit vectors from the subject to all cameras by name, in the gauge
            of what is left.
        found: PSNR of (hole, rest) by what was added and the seed of the training;
            filled as fits are made.
    """

    hole_tests: tuple[str, ...]
    rest_tests: tuple[str, ...]
    trained: tuple[str, ...]
    pools: Mapping[str, tuple[str, ...]]
    bearings: Mapping[str, Float]
    found: dict[tuple[frozenset[str], int], tuple[float, float]] = field(
        default_factory=dict
    )

    def expected_gain(self, added: Sequence[str]) -> float:
        """What photographs should add in the hole, 0..1, by the viewing sphere alone.

        The surrogate that the proposals are made with (`missing.propose`), with the
        hole's test views as its targets.
        """
        return self._expected([*self.trained, *added]) - self._expected(self.trained)

    def _expected(self, shown: Sequence[str]) -> float:
        targets, views = (
            np.array([self.bearings[name] for name in names])
            for names in (self.hole_tests, shown)
        )
        decay_angle_deg = MissingOptions().decay_angle_deg
        return float(served(targets, views, decay_angle_deg).max(axis=1).mean())


def plan_part(photos: PosedPhotos, hidden: Bool, rng: np.random.Generator) -> Part:
    """Who is tested, trained on and added; nobody is two of these."""
    names = np.array(photos.names)
    inside, outside = names[hidden], rng.permutation(names[~hidden])
    inside = rng.permutation(inside)
    hole_tests = inside[: len(inside) // 2]
    rest_tests, left = outside[:_REST_TESTS], outside[_REST_TESTS:]
    ordered = [name for name in photos.names if name in set(left.tolist())]
    trained = _spread(photos, ordered)
    addable = tuple(inside[len(inside) // 2 :].tolist())
    unused = tuple(name for name in ordered if name not in set(trained))
    return Part(
        tuple(hole_tests.tolist()),
        tuple(rest_tests.tolist()),
        trained,
        {HIDDEN: addable, ANY: addable + unused},
        _bearings_in_rest(photos, hidden),
    )


def nearest_photographs(
    proposals: Float, bearings: Mapping[str, Float]
) -> tuple[list[str], float]:
    """A photograph for each proposal in turn, none twice; their mean angle in degrees.

    Args:
        proposals: (P, 3) unit vectors.
        bearings: (3,) unit vectors by the names that may be taken, at least one.
    """
    names = list(bearings)
    apart = angles_between_deg(proposals, np.array([bearings[name] for name in names]))
    added: list[str] = []
    angles = []
    for row in apart[: len(names)]:
        best = int(row.argmin())
        added.append(names[best])
        angles.append(float(row[best]))
        apart[:, best] = np.inf
    return added, float(np.mean(angles))


def best_photographs(part: Part, pool: str, count: int) -> list[str]:
    """Those that should add most in the hole, one after the other.

    They are chosen with the test views known, as no proposal can be.
    """
    added: list[str] = []
    for _ in range(min(count, len(part.pools[pool]))):
        left = [name for name in part.pools[pool] if name not in added]
        worth = [part.expected_gain([*added, name]) for name in left]
        added.append(left[int(np.argmax(worth))])
    return added


def _bearings_in_rest(photos: PosedPhotos, hidden: Bool) -> dict[str, Float]:
    rest, asked = split_capture(photos.cameras, hidden)
    every = np.empty((len(hidden), 3))
    every[~hidden], every[hidden] = rest.views, asked
    return dict(zip(photos.names, every, strict=True))


def _spread(photos: PosedPhotos, names: list[str]) -> tuple[str, ...]:
    problem = problem_from_cameras(photos.cameras.subset(names))
    options = SelectOptions(strategy="fvs", budget=min(_TRAINED_ON, len(names) - 1))
    return tuple(select(problem, options).ranking)
