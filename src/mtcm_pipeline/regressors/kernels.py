"""Kernels between frames as products over inputs, and the lengths that are tried.

Dimension letters: S shown frames, A asked frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.problem import EMBEDDING_VIEWS, FieldProblem

Float = NDArray[np.float64]

_CENTRE_LENGTHS = (0.2, 0.4, 0.8, 1.6, 6.0)  # median camera distances
_ROTATION_LENGTHS = (0.25, 0.5, 1.0, 2.0, 6.0)  # Frobenius; 2.8 is half a turn
_TIME_LENGTHS = (1.5, 3.0, 6.0, 12.0, 30.0)  # frames
_EMBEDDING_LENGTHS = (0.15, 0.3, 0.6, 1.2, 2.4)  # median distances


@dataclass(frozen=True)
class Kernel:
    """exp(-D/2) or exp(-sqrt D) with D the sum of squared distances over lengths.

    Attributes:
        shape: `smooth` (squared exponential) or `rough` (Matern 1/2).
        lengths: length scale by input; an input without one is not looked at.
    """

    shape: str
    lengths: Mapping[str, float]

    def __call__(self, squared: Mapping[str, Float]) -> Float:
        """Kernel values from squared distances by input."""
        total = sum(squared[name] / length**2 for name, length in self.lengths.items())
        if self.shape == "smooth":
            return np.exp(-0.5 * np.asarray(total))
        return np.exp(-np.sqrt(np.asarray(total)))


@dataclass(frozen=True)
class KernelSpace:
    """The kernels that a search may come to: one choice on each axis.

    Attributes:
        axes: choices by axis; an axis is `shape`, an input's name, or `embedding`,
            whose choices are (view, length). A length of 0 leaves the input out.
        start: index of the first choice on each axis.
    """

    axes: Mapping[str, tuple]
    start: Mapping[str, int]

    def kernel(self, at: Mapping[str, int]) -> Kernel:
        """The kernel at a place of the grid."""
        lengths: dict[str, float] = {}
        for axis, index in at.items():
            choice = self.axes[axis][index]
            if axis == "shape":
                continue
            name, length = choice if axis == "embedding" else (axis, choice)
            if length > 0:
                lengths[name] = length
        return Kernel(self.axes["shape"][at["shape"]], lengths)

    def neighbours(self, at: Mapping[str, int], axis: str) -> Iterator[dict[str, int]]:
        """Every other choice on one axis."""
        for index in range(len(self.axes[axis])):
            if index != at[axis]:
                yield {**at, axis: index}

    def without(self, *names: str) -> KernelSpace:
        """The space without some axes."""
        return replace(
            self,
            axes={k: v for k, v in self.axes.items() if k not in names},
            start={k: v for k, v in self.start.items() if k not in names},
        )


def kernel_space(problem: FieldProblem, *, with_time: bool) -> KernelSpace:
    """All kernels that suit a problem's inputs."""
    axes: dict[str, tuple] = {"shape": ("smooth", "rough")}
    start = {"shape": 0}
    if "centre" in problem.distances:
        axes |= {"centre": _CENTRE_LENGTHS, "rotation": _ROTATION_LENGTHS}
        start |= {"centre": 2, "rotation": 2}
    if any(name.startswith("embedding") for name in problem.distances):
        axes["embedding"] = tuple(
            (f"embedding/{components}/{power:g}", length)
            for components, power in EMBEDDING_VIEWS
            for length in _EMBEDDING_LENGTHS
        )
        start["embedding"] = 2 * len(_EMBEDDING_LENGTHS) + 2
    only_time = len(axes) == 1
    if with_time or only_time:
        axes["time"] = _TIME_LENGTHS if only_time else (0.0, *_TIME_LENGTHS)
        start["time"] = 2
    return KernelSpace(axes, start)
