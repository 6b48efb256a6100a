"""Poorer versions of a spoilt capture: fewer frames, and matches as glossy things give.

Photographing another capture with little texture costs minutes, taking matches away costs
nothing; a judge that has seen only richly matched captures trusts a silence too much.

Dimension letters: N frames, P pairs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.scenarios import Scenario

Index = NDArray[np.int64]

# Shares of the connected pairs that a version draws from, evenly: as poor as captures can
# be, and poorer, which is worth learning from but says nothing of usual ones.
POOR, SPARSE = (0.3, 1.0), (0.08, 0.7)
# Likewise for frames, and for the matches of a pair.
_FRAMES_KEPT = (0.6, 1.0)
_MATCHES_KEPT = (0.4, 1.0)
# Which pairs are lost depends on how few matches they have, and on chance: standard
# deviation of its share in the logarithm of the matches.
_CHANCE = 0.6
_MOST_UNCONNECTED = 14  # verified matches, below `twoview` options' min_inliers
_OF_CONNECTED = (
    "epipolar_agreement", "median_epipolar_error_px", "fitted_epipolar_error_px",
    "behind_share", "rotation_disagreement_deg", "direction_disagreement_deg",
    "parallax_deg", "turn_x_deg", "turn_y_deg", "turn_z_deg",
)  # fmt: skip


def thinned(
    scenario: Scenario, seed: int, pairs_kept: tuple[float, float] = POOR
) -> Scenario:
    """A version with fewer frames, fewer connected pairs, and fewer matches in them.

    An original whose copy stays, stays: without it the copy would be no fault.

    Args:
        scenario: stays as it is.
        seed: of what is lost, and how much.
        pairs_kept: least and largest share of the connected pairs, `POOR` or `SPARSE`.
    """
    rng = np.random.default_rng([seed, scenario.seed, 3])
    rows = _kept_rows(scenario.truth, rng.uniform(*_FRAMES_KEPT), rng)
    evidence = _subset(scenario.evidence, rows)
    pairs = _poorer(evidence.pairs, pairs_kept, rng)
    truth = scenario.truth.iloc[rows].reset_index(drop=True)
    return replace(scenario, evidence=replace(evidence, pairs=pairs), truth=truth)


def _kept_rows(truth: pd.DataFrame, share: float, rng: np.random.Generator) -> Index:
    n = len(truth)
    kept = np.zeros(n, dtype=bool)
    kept[rng.permutation(n)[: round(share * n)]] = True
    copies = kept & (truth["kind"] == "duplicate").to_numpy()
    return np.flatnonzero(kept | truth["name"].isin(truth["other"][copies]).to_numpy())


def _subset(evidence: CaptureEvidence, rows: Index) -> CaptureEvidence:
    """The frames in `rows`, and the pairs between them."""
    names = tuple(evidence.names[row] for row in rows)
    pairs = evidence.pairs
    inside = pairs["name_a"].isin(names) & pairs["name_b"].isin(names)
    arrays = {
        name: getattr(evidence, name)[rows]
        for name in ("world_from_cam", "numbers", "small", "mask_cells", "embeddings",
                     "patches")
    }  # fmt: skip
    return replace(
        evidence,
        names=names,
        times=np.arange(len(rows)) / max(len(rows) - 1, 1),
        pairs=pairs[inside].reset_index(drop=True),
        frames=evidence.frames.iloc[rows].reset_index(drop=True),
        **arrays,
    )


def _poorer(
    pairs: pd.DataFrame, kept: tuple[float, float], rng: np.random.Generator
) -> pd.DataFrame:
    """The weakest of the connected pairs come apart, all have fewer matches."""
    table = pairs.copy()
    factor = rng.uniform(*_MATCHES_KEPT)
    connected = table["connected"].to_numpy(bool)
    for name in ("matches", "verified_inliers"):
        fewer = np.ceil(factor * table[name].to_numpy(np.float64))
        least = np.where(connected & (name == "verified_inliers"), 15.0, 0.0)
        table[name] = np.maximum(fewer, np.minimum(least, table[name]))
    strength = np.log(table["verified_inliers"].to_numpy(np.float64) + 1.0)
    strength = strength + rng.normal(0.0, _CHANCE, len(table))
    lost = round((1.0 - rng.uniform(*kept)) * int(connected.sum()))
    order = np.flatnonzero(connected)[np.argsort(strength[connected], kind="stable")]
    gone = table.index[order[:lost]]
    table.loc[gone, "connected"] = False
    table.loc[gone, list(_OF_CONNECTED)] = np.nan
    table.loc[gone, ["cells_a", "cells_b"]] = ""
    few = table.loc[gone, "verified_inliers"].clip(upper=_MOST_UNCONNECTED)
    table.loc[gone, "verified_inliers"] = np.floor(few * rng.uniform(0, 1, len(few)))
    return table
