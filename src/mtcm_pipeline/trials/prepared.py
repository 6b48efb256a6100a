"""One cell prepared: the pool, what filters say of it, what selectors choose.

Held-out discipline: test views are sound photographs of the clean capture; faults are
injected into the others alone, and filters and selectors see only those. The gauge is
the pool's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.selection.probing import probe_views
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.trials.bench import Bench, Pool
from mtcm_pipeline.trials.filters import (
    Verdict,
    keep_all,
    keep_sound,
    keep_well_fitted,
)
from mtcm_pipeline.trials.fitting import FitTask, Outcome
from mtcm_pipeline.trials.plan import Cell, Trial
from mtcm_pipeline.trials.selectors import (
    NEED_EMBEDDINGS,
    NEED_GEOMETRY,
    NEED_VIEWS,
    Choice,
    choose,
    geometry_of_kept,
    selection_problem,
    sharpness_by_name,
)
from mtcm_pipeline.trials.splits import hold_out

Float = NDArray[np.float64]
# Draws of one split share no seed with those of another.
_DRAWS_A_SPLIT = 1000


@dataclass(frozen=True)
class PreparedCell:
    """A cell with everything that its trials share.

    Attributes:
        pool: what filters and selectors see.
        views: of the pool, small, in the pool's gauge.
        hidden: the test views in the same gauge.
        embeddings: (N, D) of the pool; None where nothing of the cell looks at them.
        sharpness: of the pool, by name.
        untouched: whether the pool's frames are as in the clean capture.
    """

    pool: Pool
    views: PinholeViews
    hidden: PinholeViews
    embeddings: Float | None
    sharpness: Mapping[str, float]
    untouched: bool


def prepared_cell(cell: Cell, clean: PosedPhotos, bench: Bench) -> PreparedCell:
    """The pool of a cell, made of the frames of a clean capture that are not held out."""
    place, options, instruments = cell.place, bench.options, bench.instruments
    split = hold_out(clean.cameras, place.split_rule, place.split, options.seed)
    pool = instruments.make_pool(place.pool, clean.subset(split.shown), place.pool_seed)
    gauge = canonical_gauge(pool.photos.cameras)
    side = options.longer_side_px
    looked_at = any(
        t.selector in NEED_EMBEDDINGS or t.filter in instruments.filters
        for t in cell.trials
    )
    return PreparedCell(
        pool,
        pinhole_views(pool.photos, side, gauge),
        pinhole_views(clean.subset(split.hidden), side, gauge),
        instruments.embed(pool.photos) if looked_at else None,
        sharpness_by_name(pool.photos),
        all(
            name in clean.images
            and np.array_equal(pool.photos.images[name], clean.images[name])
            for name in pool.photos.names
        )
        and not pool.bad,
    )


def verdicts_of(cell: Cell, prepared: PreparedCell, bench: Bench) -> dict[str, Verdict]:
    """What each filter that the cell asks for says of the pool."""
    names, instruments = prepared.pool.photos.names, bench.instruments
    verdicts = {}
    for name in dict.fromkeys(trial.filter for trial in cell.trials):
        if name == "none":
            verdicts[name] = keep_all(names)
        elif name == "perfect":
            verdicts[name] = keep_sound(names, prepared.pool.bad)
        elif name == "residual":
            verdicts[name] = keep_well_fitted(names, _fit_to_all(prepared, bench))
        else:
            assert prepared.embeddings is not None
            judge = instruments.filters[name]
            verdicts[name] = judge(prepared.pool.photos, prepared.embeddings)
    return verdicts


def _fit_to_all(prepared: PreparedCell, bench: Bench) -> Outcome:
    """A fit to all frames of the pool, judged on the same frames."""
    options = bench.options
    task = FitTask(
        prepared.views, prepared.views, options.gaussians, options.residual_steps, seed=0
    )
    ((_, outcome),) = bench.workers.run(bench.instruments.fit, {"": task})
    return outcome


def chosen_views(
    cell: Cell, prepared: PreparedCell, verdicts: Mapping[str, Verdict]
) -> dict[Trial, tuple[str, ...]]:
    """The subset of each trial; trainings with other seeds share one."""
    problems = {
        name: selection_problem(
            prepared.pool.photos,
            verdict,
            prepared.embeddings,
            geometry_of_kept(prepared.pool.photos, verdict)
            if _asked_by(cell, name, NEED_GEOMETRY)
            else None,
            probe_views(prepared.pool.photos)
            if _asked_by(cell, name, NEED_VIEWS)
            else None,
        )
        for name, verdict in verdicts.items()
    }
    asked = {trial: (trial.filter, _choice(trial)) for trial in cell.trials}
    answers = {
        (name, choice): choose(choice, problems[name], prepared.sharpness)
        for name, choice in dict.fromkeys(asked.values())
    }
    return {trial: answers[key] for trial, key in asked.items()}


def _choice(trial: Trial) -> Choice:
    seed = _DRAWS_A_SPLIT * trial.split + trial.draw
    return Choice(trial.selector, trial.budget, seed)


def _asked_by(cell: Cell, filter_: str, selectors: Sequence[str]) -> bool:
    return any(t.filter == filter_ and t.selector in selectors for t in cell.trials)
