"""Selectors as compositions of the registry's strategies, on one footing.

Dimension letters: N frames of the pool, K to choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.ingest.measures import grey_of, sharpness_of
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.problem import SelectionProblem
from mtcm_pipeline.selection.registry import select
from mtcm_pipeline.surrogate.geometry import ViewGeometry, measure_geometry
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.trials.filters import Verdict

Float = NDArray[np.float64]

# Selectors that look at how frames look.
NEED_EMBEDDINGS = ("facility_location", "k_dpp")
# Selectors that look at the scene.
NEED_GEOMETRY = ("view_coverage", "field_guided")
# Selectors that fit fields to the photographs.
NEED_VIEWS = ("field_guided",)


@dataclass(frozen=True)
class Choice:
    """What is asked of a selector.

    Attributes:
        selector: its name among `plan.SELECTORS`.
        budget: K.
        seed: of selectors that draw.
    """

    selector: str
    budget: int
    seed: int = 0


def selection_problem(
    photos: PosedPhotos,
    verdict: Verdict,
    embeddings: Float | None = None,
    geometry: ViewGeometry | None = None,
    views: PinholeViews | None = None,
) -> SelectionProblem:
    """What every selector is told: the pool alone, in the pool's own gauge.

    Args:
        photos: the pool, N frames in order of time.
        verdict: of the filter; frames that it dropped may not be chosen.
        embeddings: (N, D) unit rows; None without any.
        geometry: of `geometry_of_kept`; None without any.
        views: of `probe_views`; None without any.
    """
    cameras, n = photos.cameras, len(photos)
    gauge = canonical_gauge(cameras)
    directions = gauge.directions(cameras.viewing_directions)
    known = [name in photos.seconds for name in photos.names]
    seconds = np.array([photos.seconds.get(name, np.nan) for name in photos.names])
    kept = set(verdict.kept)
    return SelectionProblem(
        names=photos.names,
        centres_xyz=gauge.points(cameras.centres_xyz),
        directions=directions,
        embeddings=np.full((n, 1), np.nan) if embeddings is None else embeddings,
        times=np.linspace(0.0, 1.0, n),
        similarity=_similarity(directions, embeddings),
        quality=np.array([verdict.trust[name] for name in photos.names]),
        eligible=np.array([name in kept for name in photos.names]),
        reasons_out={name: "filter" for name in photos.names if name not in kept},
        seconds=seconds if all(known) else None,
        geometry=geometry,
        views=views,
    )


def geometry_of_kept(photos: PosedPhotos, verdict: Verdict) -> ViewGeometry:
    """Which points of the scene each frame sees, in the pool's own gauge.

    Args:
        photos: the pool.
        verdict: of the filter; the scene is what the frames show that it kept.
    """
    return measure_geometry(photos, trusted=verdict.kept)


def choose(
    choice: Choice, problem: SelectionProblem, sharpness: Mapping[str, float]
) -> tuple[str, ...]:
    """The names that a selector chooses, best first.

    Args:
        choice: what is asked.
        problem: the pool behind its filter.
        sharpness: absolute, by name, of every frame.
    """
    if choice.selector == "sharpest_in_time":
        kept = [n for n, ok in zip(problem.names, problem.eligible, strict=True) if ok]
        return sharpest_in_time(kept, sharpness, choice.budget)
    options = SelectOptions(
        strategy=choice.selector, budget=choice.budget, seed=choice.seed
    )
    return select(problem, options).ranking


def sharpest_in_time(
    names: Sequence[str], sharpness: Mapping[str, float], budget: int
) -> tuple[str, ...]:
    """The sharpest frame of each of K equal stretches of the sequence.

    Args:
        names: in order of time.
        sharpness: by name.
        budget: K; all frames where there are no more.
    """
    count = min(budget, len(names))
    stretches = np.array_split(np.arange(len(names)), count) if count else []
    return tuple(
        max((names[row] for row in stretch), key=lambda name: sharpness[name])
        for stretch in stretches
    )


def sharpness_by_name(photos: PosedPhotos) -> dict[str, float]:
    """Absolute sharpness of every photograph, inside its mask where it has one.

    0 where there is nothing to measure.
    """
    return {name: float(np.nan_to_num(_sharpness(photos, name))) for name in photos.names}


def _sharpness(photos: PosedPhotos, name: str) -> float:
    return sharpness_of(grey_of(photos.images[name]), photos.masks.get(name))


def _similarity(directions: Float, embeddings: Float | None) -> Float:
    """(N, N) cosines of the embeddings, or of the viewing directions without any."""
    rows = directions if embeddings is None else embeddings
    return np.asarray(rows @ rows.T)
