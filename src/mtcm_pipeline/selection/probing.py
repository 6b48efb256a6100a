"""How good sets of frames are, from what fields fitted to them show of all other frames.

A field that was fitted to a set of frames is looked at from the frames outside it, whose
photographs are known. Each set is judged by other frames then, and frames differ: a set
that takes the difficult ones would leave itself the easy ones. So difficulty is taken
out by a two-way model, quality = set + frame.

Dimension letters: P frames in the pool, M sets tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.selection.pool import Pool

Float = NDArray[np.float64]
FrameSet = tuple[int, ...]
"""Ascending indices of frames of the pool."""
Look = Callable[[FrameSet], Float]
"""Frames that a field is fitted to -> (P) quality of every frame in dB."""

log = logging.getLogger(__name__)

# Fields small enough to try dozens: half a CPU second each. On fox their ranking of sets
# follows that of fits of 96 px, 2,500 Gaussians and 200 steps (correlation 0.84 to 0.95
# over the same views).
_PROBE_PX = 48
_PROBE_GAUSSIANS = 1000
_PROBE_STEPS = 100
# A frame's neighbours whose mean distance says how much room it stands for.
_NEIGHBOURS = 3
# More room than nine in ten frames have adds nothing: a pose far away may be wrong.
_MOST_ROOM = 0.9


def probe_views(photos: PosedPhotos, gauge: Similarity | None = None) -> PinholeViews:
    """Photographs in the size in which sets are tried.

    Args:
        photos: posed.
        gauge: into which the poses are brought; of these photographs when left out.
    """
    return pinhole_views(photos, _PROBE_PX, gauge)


@dataclass(frozen=True)
class Effects:
    """How M sets compare.

    Attributes:
        of_sets: (M) quality in dB.
        relative: (M, P) quality of each frame less the frame's own; NaN in the set.
        reliability: share in 0..1 of what the sets differ by that is no noise.
    """

    of_sets: Float
    relative: Float
    reliability: float


class Probes:
    """Sets that were tried, and how they compare.

    Args:
        look: fits a field to a set and looks at all frames.
        weights: (P) how much each frame counts as a judge.
    """

    def __init__(self, look: Look, weights: Float) -> None:
        self._look = look
        self._weights = weights
        self._seen: dict[FrameSet, Float] = {}
        self._unusable: set[FrameSet] = set()

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, rows: FrameSet) -> bool:
        """Whether a set was tried, with or without success."""
        return rows in self._seen or rows in self._unusable

    @property
    def tried(self) -> list[FrameSet]:
        """The M sets that a field could be fitted to, in the order of trial."""
        return list(self._seen)

    def try_set(self, rows: Sequence[int]) -> None:
        """Fit to a set unless it was tried."""
        key = tuple(sorted(rows))
        if key in self:
            return
        try:
            quality = np.array(self._look(key), dtype=np.float64)
        except CaptureError as error:
            log.debug("a set of %d views is left out: %s", len(key), error)
            self._unusable.add(key)
            return
        quality[list(key)] = np.nan  # it was fitted to those
        self._seen[key] = quality

    def effects(self) -> Effects:
        """How the sets compare, in dB relative to their mean."""
        quality = np.stack(list(self._seen.values()))
        of_sets, of_frames = two_way(quality, self._weights)
        residual = quality - of_sets[:, None] - of_frames
        return Effects(
            of_sets, quality - of_frames, reliability(residual, of_sets, self._weights)
        )


def two_way(quality: Float, weights: Float) -> tuple[Float, Float]:
    """Least-squares effects of rows and columns where not all of a table is known.

    Minimises the sum over known entries of w_f (q_sf - a_s - b_f)^2, with mean a of 0.

    Args:
        quality: (M, P), NaN where unknown.
        weights: (P) >= 0 of the columns.

    Returns:
        (M) effects a of the rows, and (P) effects b of the columns, NaN where a column
        has no known entry.
    """
    known = np.isfinite(quality)
    values = np.where(known, quality, 0.0)
    weighted = known * weights  # (M, P)
    count = np.maximum(known.sum(axis=0), 1)
    # Normal equations with the columns' effects eliminated.
    matrix = np.diag(weighted.sum(axis=1)) - (weighted / count) @ known.T
    right = (weighted * (values - values.sum(axis=0) / count)).sum(axis=1)
    rows = np.linalg.lstsq(matrix, right, rcond=1e-9)[0]
    rows -= rows.mean()
    columns = ((values - rows[:, None]) * known).sum(axis=0) / count
    return rows, np.where(known.any(axis=0), columns, np.nan)


def reliability(residual: Float, of_sets: Float, weights: Float) -> float:
    """Share of the sets' variance that noise does not explain (Efron and Morris 1973).

    Args:
        residual: (M, P) what the two-way model leaves; NaN where unknown.
        of_sets: (M) effects.
        weights: (P) of the frames.
    """
    known = np.isfinite(residual)
    free = known.sum() - len(of_sets) - known.any(axis=0).sum() + 1
    variance = of_sets.var()
    if free <= 0 or variance <= 0:
        return 0.0
    weighted = known * weights  # (M, P)
    mean_square = np.nansum(weighted * residual**2) / weighted.sum()
    noise = mean_square * known.sum() / free
    judges = weighted.sum(axis=1) ** 2 / np.maximum((weighted**2).sum(axis=1), 1e-12)
    return float(np.clip(1.0 - noise / judges.mean() / variance, 0.0, 1.0))


def judging_weights(pool: Pool) -> Float:
    """(P) quality times the room that a frame stands for, mean 1.

    A place where the camera lingered has one voice and not sixty.
    """
    nearest = range(1, min(_NEIGHBOURS, len(pool) - 1) + 2)  # the first is itself
    apart = cKDTree(pool.centres_xyz).query(pool.centres_xyz, list(nearest))[0]
    room = apart[:, 1:].sum(axis=1)
    most = np.quantile(room, _MOST_ROOM)
    share = np.minimum(room / most, 1.0) if most > 0 else np.ones(len(pool))
    weights = share * pool.quality
    total = weights.sum()
    return np.asarray(weights * len(pool) / total if total > 0 else np.ones(len(pool)))


def small_field_look(pool: Pool) -> Look:
    """What small fields show of a pool all of whose frames have a view.

    PSNR counts inside the masks where all frames have one.
    """
    from mtcm_pipeline.field.fit import fit_field
    from mtcm_pipeline.field.options import FieldOptions
    from mtcm_pipeline.field.quality import compare

    views = pool.problem.views
    assert views is not None
    names = [pool.problem.names[row] for row in pool.rows]
    options = FieldOptions(gaussians=_PROBE_GAUSSIANS, steps=_PROBE_STEPS)

    def look(rows: FrameSet) -> Float:
        fitted = fit_field(views, [names[row] for row in rows], options, seed=0)
        found = compare(fitted, views, names)
        masked = np.array([each.masked_psnr for each in found])
        whole = np.array([each.psnr for each in found])
        return masked if np.isfinite(masked).all() else whole

    return look
