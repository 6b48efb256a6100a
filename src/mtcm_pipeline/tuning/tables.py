"""The tables of a fine-tuning."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.tuning.frames import Doubt
from mtcm_pipeline.tuning.head import WeightHead
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.registration import Registration
from mtcm_pipeline.tuning.reweighting import Reweighting
from mtcm_pipeline.tuning.rigid import pose_distance

Float = NDArray[np.float64]

TRUSTED, SUSPICIOUS, DOUBTFUL = "trusted", "suspicious", "doubtful"


@dataclass(frozen=True)
class TunedTables:
    """Tables of `frames.Tuned`."""

    views: pd.DataFrame
    periods: pd.DataFrame


def tuned_tables(
    doubt: Doubt,
    head: WeightHead,
    reweighting: Reweighting,
    *,
    registered: Mapping[str, Registration],
    given: Float,
    refined: Float,
    suspicious: Collection[str],
    options: TuningOptions,
) -> TunedTables:
    """One row a view, and one a period; columns as in `frames.Tuned`."""
    start = doubt.weights(options)
    moved = [pose_distance(a, b) for a, b in zip(refined, given, strict=True)]
    entries = [registered.get(name) for name in doubt.names]
    views = pd.DataFrame(
        {
            "name": doubt.names,
            "fault_probability": doubt.fault_probability,
            "start_weight": start,
            "weight": reweighting.weights(),
            "state": [
                _state(name, weight, suspicious, options)
                for name, weight in zip(doubt.names, start, strict=True)
            ],
            "registered": [entry is not None for entry in entries],
            "admitted": [entry is not None and entry.admitted for entry in entries],
            "source": ["" if e is None else e.source for e in entries],
            "misfit_ratio": [np.nan if e is None else e.misfit_ratio for e in entries],
            "agreeing": [np.nan if e is None else e.agreeing for e in entries],
            "gain": [1.0 if e is None or not e.admitted else e.gain for e in entries],
            "turn_deg": [turn for turn, _ in moved],
            "shift": [shift for _, shift in moved],
            "agreement": [
                float(np.mean(each)) if each else np.nan for each in reweighting.heard
            ],
        }
    )
    return TunedTables(views, _periods(doubt.names, reweighting))


def _state(
    name: str, weight: float, suspicious: Collection[str], options: TuningOptions
) -> str:
    if name in suspicious:
        return SUSPICIOUS
    return TRUSTED if weight >= options.trusted_weight else DOUBTFUL


def _periods(names: tuple[str, ...], reweighting: Reweighting) -> pd.DataFrame:
    figures = ["step", "validation_loss", "effective_views"]
    rows = []
    for period in reweighting.periods:
        held_out = "/".join(names[row] for row in period["validation"])
        rows.append([*(period[key] for key in figures), held_out, *period["weights"]])
    columns = [*figures, "validation", *(f"weight/{name}" for name in names)]
    return pd.DataFrame(rows, columns=columns)
