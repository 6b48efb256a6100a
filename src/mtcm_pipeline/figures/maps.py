"""Frames as points on a plane: t-SNE and UMAP of tokens and of pose predictions.

Dimension letters: N frames, D numbers a frame.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mtcm_pipeline.figures.label_places import place_labels
from mtcm_pipeline.figures.style import (
    FAINT,
    INK,
    LABEL_PT,
    STATES,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    check_lengths,
    new_figure,
    say,
)
from mtcm_pipeline.tokens.layout import FIELD_SLICES

log = logging.getLogger(__name__)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_FEWEST = 4
_PERPLEXITY = 30.0  # van der Maaten and Hinton (2008) advise 5 to 50
_EXACT_UP_TO = 300  # the tree and its threads cost more than they save
_NEIGHBOURS = 15  # UMAP's own default
_SPECTRAL_FROM = 16  # fewer frames have no spectrum to start from
_TIME_COLOURS = "viridis"


def token_vectors(standardised: Float) -> Float:
    """(N, D) standardised tokens, each field's numbers divided by the root of its width.

    Without it, distances between tokens are distances between embeddings: 384 of the 394
    numbers are theirs.
    """
    vectors = np.array(standardised, dtype=np.float64)
    for where in FIELD_SLICES.values():
        vectors[:, where] /= np.sqrt(where.stop - where.start)
    return vectors


def tsne_points(vectors: Float, seed: int) -> Float:
    """t-SNE of the frames (van der Maaten and Hinton, 2008).

    Args:
        vectors: (N, D); an absent number counts as the mean of those present, a row that
            is absent altogether gets no point.
        seed: of the optimisation.

    Returns:
        (N, 2) points; NaN for rows without a point, all of them if fewer than 4 are left.
    """

    def embed(rows: Float) -> Float:
        from sklearn.manifold import TSNE

        perplexity = min(_PERPLEXITY, (len(rows) - 1) / 3.0)
        start = 1e-4 * _unit_spread(np.random.default_rng(seed), rows)
        method = "exact" if len(rows) <= _EXACT_UP_TO else "barnes_hut"
        tsne = TSNE(perplexity=perplexity, init=start, random_state=seed, method=method)
        return tsne.fit_transform(rows)

    return _points("t-SNE", vectors, embed)


def umap_points(vectors: Float, seed: int) -> Float | None:
    """UMAP of the frames (McInnes, Healy and Melville, 2018); otherwise as `tsne_points`.

    Returns:
        (N, 2) points, or None where umap-learn is not installed.
    """
    try:
        from umap import UMAP
    except ImportError as error:
        log.warning("no UMAP picture: umap-learn cannot be imported (%s)", error)
        return None

    def embed(rows: Float) -> Float:
        model = UMAP(
            n_neighbors=min(_NEIGHBOURS, len(rows) - 1),
            init="spectral" if len(rows) >= _SPECTRAL_FROM else "random",
            random_state=seed,
            n_jobs=1,  # a seed allows no more
        )
        return model.fit_transform(rows)

    return _points("UMAP", vectors, embed)


def _points(method: str, vectors: Float, embed: Callable[[Float], Float]) -> Float:
    """Embed the rows that are known; NaN for the others."""
    points = np.full((len(vectors), 2), np.nan)
    known = np.isfinite(vectors).any(axis=1)
    if known.sum() < _FEWEST:
        log.warning(
            "no %s picture: %d of %d frames have the numbers it needs, at least %d are "
            "needed",
            method,
            known.sum(),
            len(vectors),
            _FEWEST,
        )
        return points
    rows = _filled(vectors[known])
    if (rows == rows[0]).all():
        points[known] = 0.0
        return points
    points[known] = embed(rows)
    return points


def _filled(rows: Float) -> Float:
    """Absent numbers replaced by their column's mean over the others."""
    present = np.isfinite(rows)
    sums = np.where(present, rows, 0.0).sum(axis=0)
    means = sums / np.maximum(present.sum(axis=0), 1)
    return np.where(present, rows, means)


def _unit_spread(rng: np.random.Generator, rows: Float) -> NDArray[np.float32]:
    """(n, 2) start: two principal components, a little noise where they lack."""
    centred = rows - rows.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    start = 1e-3 * rng.normal(size=(len(rows), 2))
    use = min(2, len(sizes))
    start[:, :use] += (
        left[:, :use] * sizes[:use] / max(sizes[0] / np.sqrt(len(rows)), 1e-12)
    )
    return start.astype(np.float32)


def token_and_pose_maps(
    method: str,
    token_points: Float | None,
    pose_points: Float | None,
    times: Float,
    faulty: Bool,
    *,
    chosen: Bool,
    names: Sequence[str],
) -> Figure:
    """Side by side the map of the tokens and that of the predicted poses.

    Args:
        method: name of the method, for the title.
        token_points: (N, 2), NaN for frames without a point; None draws why there is
            no map.
        pose_points: likewise.
        times: (N,) 0 first, 1 last: the colour.
        faulty: (N) bool; the mark's shape says faulty, chosen or neither.
        chosen: (N) bool.
        names: (N) file names; those of faulty and chosen frames are written where there
            is room.

    Raises:
        CaptureError: the lengths disagree.
    """
    frames = _Frames(names, times, faulty, chosen)
    figure = new_figure(14.0, 6.9)
    for left, points, what in (
        (0.3, token_points, "tokens"),
        (6.75, pose_points, "poses predicted while hidden"),
    ):
        axes = axes_at(figure, left, 0.75, 6.2, 5.25)
        _draw_map(axes, points, frames)
        axes.set_title(what, fontsize=TITLE_PT, color=INK, loc="left")
    figure.text(
        0.3 / 14.0,
        6.55 / 6.9,
        f"{method}: frames that lie near each other are alike; the axes have no unit",
        fontsize=TITLE_PT,
        color=INK,
    )
    _explain(figure, frames, axes_at(figure, 13.1, 0.75, 0.16, 5.25))
    return figure


@dataclass(frozen=True)
class _Frames:
    """What is known of the N frames, whatever the map."""

    names: Sequence[str]
    times: Float
    faulty: Bool
    chosen: Bool

    def __post_init__(self) -> None:
        n = len(self.names)
        check_lengths(n, times=self.times, faulty=self.faulty, chosen=self.chosen)

    def by_state(self) -> dict[str, Bool]:
        """(N) bool a state; a frame has one."""
        return {
            "usable": ~self.faulty & ~self.chosen,
            "chosen": self.chosen & ~self.faulty,
            "faulty": self.faulty,
        }


def _draw_map(axes: Axes, points: Float | None, frames: _Frames) -> None:
    if points is None or not np.isfinite(points).any():
        say(axes, "no map could be made\n(the log says why)")
        return
    check_lengths(len(frames.names), points=points)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.09)
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    known = np.isfinite(points).all(axis=1)
    states = frames.by_state()
    for state, where in states.items():
        shown = where & known
        axes.scatter(*points[shown].T, label=state, **_look(state, frames.times[shown]))
    if not known.all():
        axes.set_xlabel(
            f"frames without these numbers, not drawn: {(~known).sum()}",
            fontsize=LABEL_PT,
            color=FAINT,
        )
    wanted = [np.flatnonzero(states[state] & known) for state in ("faulty", "chosen")]
    place_labels(axes, points, frames.names, np.concatenate(wanted), frames.faulty)


_EDGES = {"usable": "white", "chosen": INK, "faulty": STATES["faulty"].colour}


def _look(state: str, times: Float) -> dict[str, Any]:
    """Keywords of a scatter: shape and edge by state, colour by time."""
    sizes = {"usable": 26, "chosen": 52, "faulty": 80}
    return {
        "marker": STATES[state].marker,
        "s": sizes[state],
        "c": times,
        "cmap": _TIME_COLOURS,
        "vmin": 0.0,
        "vmax": 1.0,
        "edgecolors": _EDGES[state],
        "linewidths": 0.4 if state == "usable" else 1.1,
        "zorder": 2 + list(STATES).index(state) * (state != "usable"),
    }


def _explain(figure: Figure, frames: _Frames, bar: Axes) -> None:
    """Legend of the shapes (grey: the colour is time), and the colour bar of time."""
    rest = "kept, not chosen" if frames.chosen.any() else "not faulty"
    words = {"usable": rest, "chosen": "chosen", "faulty": "faulty"}
    shown = frames.by_state()
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=STATES[state].marker,
            markerfacecolor=FAINT,
            markeredgecolor=_EDGES[state],
            markersize=8,
            label=word,
        )
        for state, word in words.items()
        if shown[state].any()
    ]
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.3 / figure.get_figwidth(), 0.01),
        ncols=3,
        fontsize=TEXT_PT,
        frameon=False,
    )
    scale = ScalarMappable(Normalize(0.0, 1.0), _TIME_COLOURS)
    colourbar = figure.colorbar(scale, cax=bar)
    colourbar.set_label("place in the sequence (0 first frame, 1 last)", fontsize=TEXT_PT)
    bar.tick_params(labelsize=LABEL_PT)
