"""What pairs of photographs say: of each frame in sum, and of each pair for itself.

Dimension letters: N frames, P pairs, E = 2 P directed edges, k pairs of a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.consensus import part_columns, signed_graph
from mtcm_pipeline.judge.neighbourhoods import (
    Neighbourhoods,
    beside,
    pose_places,
    quantile,
)
from mtcm_pipeline.twoview.cells import cells_of_texts
from mtcm_pipeline.twoview.frame_evidence import pair_agreement
from mtcm_pipeline.twoview.options import TwoViewOptions

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Columns = dict[str, Float]

SOURCES = ("pose", "embedding", "time")
PAIR_COLUMNS = (
    "connected",
    "agreement",
    "excess",
    "rotation",
    "direction",
    "direction_known",
    "parallax",
    "behind",
    "matches",
    "inliers",
    "inlier_share",
    "alike",
    "far",
    "turned",
    "soon",
    "later",
    "sure_agreement",
    *SOURCES,
)
_OPTIONS = TwoViewOptions()


@dataclass(frozen=True)
class PairRows:
    """The pair table as arrays.

    Attributes:
        first: (P,) row of the earlier frame.
        second: (P,) row of the later.
        agreement: (P,) -1 to 1, NaN unless connected.
        table: the pair table.
        sources: (P, 3) why compared, as `SOURCES`.
    """

    first: Index
    second: Index
    agreement: Float
    table: pd.DataFrame
    sources: NDArray[np.bool_]

    def number(self, name: str) -> Float:
        """(P,) a column of the table."""
        return self.table[name].to_numpy(np.float64)


def pair_rows(evidence: CaptureEvidence) -> PairRows:
    """The pair table by rows of the frames."""
    table = evidence.pairs
    row_of = {name: row for row, name in enumerate(evidence.names)}
    first = np.array([row_of[n] for n in table["name_a"]], dtype=np.int64)
    second = np.array([row_of[n] for n in table["name_b"]], dtype=np.int64)
    why = [str(text).split("+") for text in table["source"]]
    sources = np.array([[s in words for s in SOURCES] for words in why], dtype=bool)
    agreement = pair_agreement(table, _OPTIONS)
    return PairRows(first, second, agreement, table, sources.reshape(-1, len(SOURCES)))


def partners_of(rows: PairRows, n: int, most: int = 24) -> Index:
    """(N, most) each frame's partners, -1 where there are fewer."""
    found: list[list[int]] = [[] for _ in range(n)]
    for i, j in zip(rows.first.tolist(), rows.second.tolist(), strict=True):
        found[i].append(j)
        found[j].append(i)
    partners = np.full((n, most), -1, dtype=np.int64)
    for row, others in enumerate(found):
        kept = others[:most]
        partners[row, : len(kept)] = kept
    return partners


def graph_columns(
    evidence: CaptureEvidence, rows: PairRows, near: Neighbourhoods
) -> Columns:
    """What all pairs of a frame say together; larger is worse."""
    n = len(evidence)
    inliers = rows.number("verified_inliers")
    graph = signed_graph(rows.first, rows.second, rows.agreement, inliers, n)
    columns = part_columns(graph)
    given = rows.number("median_epipolar_error_px")
    fitted = rows.number("fitted_epipolar_error_px")
    excess = np.log((given + 0.1) / (fitted + 0.1))
    turn = np.log(rows.number("rotation_disagreement_deg") + 0.05)
    aside = np.log(rows.number("direction_disagreement_deg") + 0.3)
    for kind, chosen in _choices(rows).items():
        columns[f"disagree_{kind}"] = -_over_pairs(rows, rows.agreement, chosen, n, 0.5)
        columns[f"excess_{kind}"] = _over_pairs(rows, excess, chosen, n, 0.5)
    everything = np.ones(len(rows.first), dtype=bool)
    columns["excess_best"] = _over_pairs(rows, excess, everything, n, 0.25)
    columns["excess_worst"] = _over_pairs(rows, excess, everything, n, 0.9)
    columns["turn"] = _over_pairs(rows, turn, everything, n, 0.5)
    columns["turn_best"] = _over_pairs(rows, turn, everything, n, 0.25)
    columns["aside"] = _over_pairs(rows, aside, everything, n, 0.5)
    columns["behind"] = _over_pairs(
        rows, rows.number("behind_share"), everything, n, 0.75
    )
    columns |= _turn_columns(rows, n)
    columns |= _few_columns(rows, near, n)
    return columns | _cell_columns(evidence, rows, near)


def _choices(rows: PairRows) -> dict[str, NDArray[np.bool_]]:
    chosen = {name: rows.sources[:, column] for column, name in enumerate(SOURCES)}
    return {"all": np.ones(len(rows.first), dtype=bool), **chosen}


def _over_pairs(
    rows: PairRows, values: Float, chosen: NDArray[np.bool_], n: int, q: float
) -> Float:
    """(N,) quantile over the chosen pairs of each frame; NaN without any."""
    return quantile(_per_frame(rows, np.where(chosen, values, np.nan), n), q)


def _per_frame(rows: PairRows, values: Float, n: int) -> Float:
    """(N, k) the values of each frame's pairs, NaN where there are fewer."""
    frame = np.concatenate([rows.first, rows.second])
    order = np.argsort(frame, kind="stable")
    counts = np.bincount(frame, minlength=n)
    place = np.arange(len(frame)) - np.repeat(np.cumsum(counts) - counts, counts)
    padded = np.full((n, max(int(counts.max(initial=0)), 1)), np.nan)
    padded[frame[order], place] = np.concatenate([values, values])[order]
    return padded


def _turn_columns(rows: PairRows, n: int) -> Columns:
    """Whether a frame's pairs ask for one and the same correction of its rotation.

    `same_turn` is the length of the mean correction over the mean length: 1 where all
    partners ask for the same, as for a wrong frame; near 0 where they ask for different
    ones, as for a right frame beside wrong ones or mere noise. `turn_asked` is the
    logarithm of the mean correction in degrees.
    """
    turns = np.stack([rows.number(f"turn_{axis}_deg") for axis in "xyz"], axis=1)
    known = np.isfinite(turns).all(axis=1)
    weight = np.sqrt(np.minimum(rows.number("verified_inliers")[known] / 60.0, 1.0))
    a, b, t = rows.first[known], rows.second[known], turns[known]
    mean, length, total = np.zeros((n, 3)), np.zeros(n), np.zeros(n)
    for frame, sign in ((a, 1.0), (b, -1.0)):
        np.add.at(mean, frame, sign * weight[:, None] * t)
        np.add.at(length, frame, weight * np.linalg.norm(t, axis=1))
        np.add.at(total, frame, weight)
    some = total > 0
    size = np.linalg.norm(mean, axis=1)
    asked = np.divide(size, total, out=np.full(n, np.nan), where=some)
    same = np.divide(size, length, out=np.full(n, np.nan), where=some & (length > 0))
    return {"turn_asked": np.log(asked + 0.05), "same_turn": same}


def _few_columns(rows: PairRows, near: Neighbourhoods, n: int) -> Columns:
    """How few matches are verified beside what the neighbours have."""
    inliers = rows.number("verified_inliers")
    everything = np.ones(len(inliers), dtype=bool)
    many = np.log(np.nan_to_num(_over_pairs(rows, inliers, everything, n, 0.75)) + 3.0)
    columns = {f"few_{k}": -beside(many, others) for k, others in near.by_name().items()}
    connected = rows.table["connected"].to_numpy(bool).astype(np.float64)
    for kind, chosen in _choices(rows).items():
        share = _per_frame(rows, np.where(chosen, connected, np.nan), n)
        counted = np.isfinite(share)
        columns[f"unconnected_{kind}"] = np.where(
            counted.any(axis=1),
            1.0 - np.nansum(share, axis=1) / np.maximum(counted.sum(axis=1), 1),
            np.nan,
        )
    return columns


def _cell_columns(
    evidence: CaptureEvidence, rows: PairRows, near: Neighbourhoods
) -> Columns:
    """Where a frame has features that nobody confirms."""
    n = len(evidence)
    feature = cells_of_texts(list(evidence.frames["feature_cells"])).astype(np.float64)
    seen = np.zeros_like(feature)
    np.add.at(seen, rows.first, cells_of_texts(list(rows.table["cells_a"])))
    np.add.at(seen, rows.second, cells_of_texts(list(rows.table["cells_b"])))
    alone = feature * (seen == 0)
    total = feature.sum(axis=(1, 2))
    share = np.divide(alone.sum(axis=(1, 2)), total, out=np.full(n, np.nan),
                      where=total > 0)  # fmt: skip
    squares = np.stack(
        [alone[:, i : i + 6, j : j + 6] for i in range(3) for j in range(3)]
    ).sum(axis=0)
    count = np.log(evidence.frames["features"].to_numpy(np.float64) + 5.0)
    return {
        "unmatched_cells": share,
        "unmatched_beside": beside(share, near.both),
        "unmatched_place": np.log1p(squares.max(axis=(1, 2))),
        "few_features": -beside(count, near.both),
    }


def sparse_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """What COLMAP's own points say; NaN without a model."""
    absent = np.full(len(evidence), np.nan)
    found = {}
    for name in ("observations", "reprojection_error_px"):
        known = name in evidence.frames
        found[name] = evidence.frames[name].to_numpy(np.float64) if known else absent
    observed = np.log(found["observations"] + 3.0)
    errors = np.log(found["reprojection_error_px"] + 0.05)
    return {
        "few_observations": -beside(observed, near.pose),
        "reprojection": beside(errors, near.pose),
    }


def edge_values(evidence: CaptureEvidence, rows: PairRows) -> Float:
    """(P, len(PAIR_COLUMNS)) numbers of order 1 for every compared pair."""
    connected = rows.table["connected"].to_numpy(bool)
    known = connected & np.isfinite(rows.agreement)
    given = np.log(rows.number("median_epipolar_error_px") + 0.1)
    fitted = np.log(rows.number("fitted_epipolar_error_px") + 0.1)
    aside = rows.number("direction_disagreement_deg")
    inliers, matches = rows.number("verified_inliers"), rows.number("matches")
    places = pose_places(evidence.world_from_cam)
    far = np.linalg.norm(places[rows.first] - places[rows.second], axis=1)
    looks = np.linalg.norm(
        evidence.embeddings[rows.first] - evidence.embeddings[rows.second], axis=1
    )
    frames_apart = np.abs(rows.second - rows.first).astype(np.float64)
    values = {
        "connected": connected,
        "agreement": rows.agreement,
        "excess": np.clip(given - fitted, -1.0, 4.0) / 2.0,
        "rotation": np.log(rows.number("rotation_disagreement_deg") + 0.1) / 2.0,
        "direction": np.log(aside + 0.5) / 2.0,
        "direction_known": np.isfinite(aside),
        "parallax": np.log(rows.number("parallax_deg") + 0.3) / 2.0,
        "behind": rows.number("behind_share"),
        "matches": np.log1p(matches) / 5.0,
        "inliers": np.log1p(inliers) / 5.0,
        "inlier_share": inliers / np.maximum(matches, 1.0),
        "alike": looks - np.median(looks) if len(looks) else looks,
        "far": np.log(far + 0.02),
        "turned": np.log(rows.number("view_angle_deg") + 1.0) / 3.0,
        "soon": np.exp(-frames_apart / 3.0),
        "later": np.exp(-frames_apart / 12.0),
        "sure_agreement": np.where(
            known, np.sqrt(np.minimum(inliers / 60.0, 1.0)) * rows.agreement, 0.0
        ),
        **{name: rows.sources[:, i] for i, name in enumerate(SOURCES)},
    }
    table = np.stack([np.asarray(values[n], np.float64) for n in PAIR_COLUMNS], axis=1)
    return np.nan_to_num(np.clip(table, -5.0, 5.0), nan=0.0)
