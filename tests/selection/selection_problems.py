"""Captures for the tests of this folder, with arguments for what each test varies."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.selection import SelectionProblem


def random_problem(n: int = 24, *, seed: int = 0, **changes) -> SelectionProblem:
    """Cameras around a subject at the origin; appearance follows the pose, with noise."""
    rng = np.random.default_rng(seed)
    bearings = unit(rng.normal(size=(n, 3)))
    centres = bearings * rng.uniform(0.7, 1.4, size=(n, 1))
    directions = unit(-bearings + 0.1 * rng.normal(size=(n, 3)))
    embeddings = unit(bearings @ rng.normal(size=(3, 16)) + rng.normal(size=(n, 16)))
    latent = unit(bearings + 0.3 * rng.normal(size=(n, 3)))
    parts = {
        "names": tuple(f"frame_{i:03d}.jpg" for i in range(n)),
        "centres_xyz": centres,
        "directions": directions,
        "embeddings": embeddings,
        "times": np.linspace(0, 1, n) if n > 1 else np.zeros(n),
        "similarity": latent @ latent.T,
        "quality": rng.uniform(0.3, 1.0, size=n),
        "eligible": np.ones(n, dtype=bool),
    }
    return SelectionProblem(**(parts | changes))


def reordered(problem: SelectionProblem, order: np.ndarray) -> SelectionProblem:
    """The same frames, standing in another order."""
    return SelectionProblem(
        names=tuple(problem.names[i] for i in order),
        centres_xyz=problem.centres_xyz[order],
        directions=problem.directions[order],
        embeddings=problem.embeddings[order],
        times=problem.times[order],
        similarity=problem.similarity[np.ix_(order, order)],
        quality=problem.quality[order],
        eligible=problem.eligible[order],
        reasons_out=problem.reasons_out,
        forced=problem.forced,
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
